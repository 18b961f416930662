"""What classes are called in prompts, as a file that a person edits: CSV with the columns ``label,words,prompts``."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genie_cli.data.class_words import require_words, words_of
from genie_cli.errors import UsageError
from genie_cli.files.cells import csv_line, csv_table, unescape_cell
from genie_cli.files.folders import require_free
from genie_cli.files.reading import blaming, read_text
from genie_cli.files.writing import write_atomically

_COLUMNS = ("label", "words", "prompts")
_ALIASES = {"prompt": "prompts"}
_BETWEEN = "|"  # prompts in a cell
_WRITE = "write one: --write-class-names FILE"


@dataclass(frozen=True)
class ClassNames:
    """What a person says that classes are called; empty: nothing.

    Attributes:
        words: by label.
        prompts: templates of a class's own, by label, in which ``{target}`` stands for its words.
        name: of the file, for messages.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""

    def words_of(self, label: str) -> str:
        """A class in words: what the person says, else `class_words.words_of`."""
        return self.words.get(label) or words_of(label)

    def prompt_words(self, label: str) -> str:
        """The same for a prompt; UsageError if nobody knows what the class is called."""
        return require_words(self.words_of(label))

    def unused(self, labels: Iterable[str]) -> list[str]:
        """The labels that are none of ``labels``, sorted: perhaps they are misspelled."""
        return sorted({*self.words, *self.prompts} - {*labels})


def read(path: Path) -> ClassNames:
    """Read the file; other columns than the three are ignored, and only ``label`` and ``words`` are needed.

    An empty cell says nothing. Several prompts in a cell have ``|`` between them.

    Raises:
        UsageError: it cannot be read, is no table, has no such columns or one twice, or a label twice or none.
    """
    with blaming(path, UsageError, "a CSV file"):
        header, rows = csv_table(read_text(path, "utf-8-sig"))
    header = [_ALIASES.get(name.strip(), name.strip()) for name in header]
    if any(header.count(name) != 1 for name in ("label", "words")) or header.count("prompts") > 1:
        raise UsageError(f"{path} has no class names: its first line must be label,words,prompts", _WRITE)
    words: dict[str, str] = {}
    prompts: dict[str, tuple[str, ...]] = {}
    for number, cells in rows:
        row = dict(zip(header, map(unescape_cell, cells), strict=False))
        label = unicodedata.normalize("NFC", row.get("label", ""))
        if not label or label in words:
            raise UsageError(
                f"{path}, line {number}: {f'{label!r} is listed twice' if label else 'the label is missing'}"
            )
        words[label] = row.get("words", "").strip()
        if own := [text.strip() for text in row.get("prompts", "").split(_BETWEEN) if text.strip()]:
            prompts[label] = tuple(dict.fromkeys(own))
    return ClassNames(words, prompts, str(path))


def read_if_given(path: Path | None) -> ClassNames:
    """`read`; nothing is said if there is no file."""
    return ClassNames() if path is None else read(path)


def write(path: Path, labels: Iterable[str], names: ClassNames) -> int:
    """Write what classes are called, to be checked and edited. An unknown WordNet id has no words.

    Returns:
        The number of classes.

    Raises:
        OutputError: see `require_free`; or the file cannot be written.
    """
    ordered = sorted(set(labels))
    lines = [csv_line(_COLUMNS)]
    for label in ordered:
        try:
            words = names.prompt_words(label)
        except UsageError:
            words = ""
        lines.append(csv_line((label, words, f" {_BETWEEN} ".join(names.prompts.get(label, ())))))
    require_free(path)
    write_atomically(path, "".join(lines).encode())
    return len(ordered)
