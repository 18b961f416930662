"""Which of an oracle's classes a label means: found by rule, written as a file, overridden by hand.

ImageNet has two classes called "crane". So a WordNet id decides first, and a name only if it is unique. What is
unknown or ambiguous is reported, never guessed. Independent of torch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genie_cli.data.class_words import wnid_of, words_of
from genie_cli.errors import UsageError
from genie_cli.files.cells import csv_line, csv_table, unescape_cell
from genie_cli.files.folders import require_free
from genie_cli.files.reading import blaming, read_text
from genie_cli.files.writing import write_atomically
from genie_cli.oracle.vocabulary import Vocabulary

_REMEDY = "write the map with --write-class-map classes.csv, fill in its empty classes, use it with --class-map"
_SHOWN = 20


@dataclass(frozen=True)
class ClassMap:
    """A manifest's labels and the oracle's classes.

    Attributes:
        known: label to the index of its class.
        unknown: label to why it has none, in words.
    """

    vocabulary: Vocabulary
    known: Mapping[str, int]
    unknown: Mapping[str, str]

    def require(self, labels: Collection[str], otherwise: str = "") -> None:
        """Raise UsageError for ``labels`` without a class, with the reasons and similar classes.

        Args:
            otherwise: what else helps than to give them a class.
        """
        missing = sorted(label for label in labels if label not in self.known)
        if not missing:
            return
        lines = [f"  {label!r}: {self.unknown.get(label, 'is not in the map')}" for label in missing[:_SHOWN]]
        lines += [f"  and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
        counted = f"{len(missing)} of {len(labels)} labels have no class of the oracle"
        raise UsageError([f"{counted}:", *lines], [_REMEDY, otherwise])

    def name(self, index: int, prefer: Sequence[str] = ()) -> str:
        """The label that means a class, or the oracle's own name for it if none does.

        Args:
            prefer: labels to take first, where several mean this class.
        """
        for label in prefer:
            if self.known.get(label) == index:
                return label
        if index in self._labels:
            return self._labels[index]
        own = self.vocabulary.key(index)
        # A label may be spelled like a class that it does not mean: the two must stay distinct.
        return f"oracle's {own}" if own in self.known or own in self.unknown else own

    @cached_property
    def _labels(self) -> dict[int, str]:
        """The first label of each class."""
        return {index: label for label, index in sorted(self.known.items(), reverse=True)}


def resolve(labels: Iterable[str], vocabulary: Vocabulary, own: Mapping[str, str] | None = None) -> ClassMap:
    """Find each label's class: by the given map, then by WordNet id or exact class name, then by name.

    Args:
        own: label to a class, its index or its name; "" for none. It may have other labels, too.

    Raises:
        UsageError: the map names classes that the oracle does not have, or ambiguous ones; all are listed.
    """
    own = {_nfc(label): name for label, name in (own or {}).items()}
    known: dict[str, int] = {}
    unknown: dict[str, str] = {}
    wrong: list[str] = []
    for label in sorted(set(labels)):
        said = own.get(_nfc(label))
        found = _found(label, vocabulary) if said is None else vocabulary.find(said, or_index=True) if said else []
        if len(found) == 1:
            known[label] = found[0]
        else:
            unknown[label] = "the map gives it no class" if said == "" else _why(said or label, found, vocabulary)
            wrong += [f"  {label!r}: {said!r} {unknown[label]}"] if said else []
    if wrong:
        raise UsageError(["the class map names classes that the oracle does not have:", *wrong])
    return ClassMap(vocabulary, known, unknown)


def _found(label: str, vocabulary: Vocabulary) -> list[int]:
    """The classes that a label could mean by itself, else by its WordNet id, else by its words."""
    names = (label, wnid_of(label), words_of(label))
    return next(filter(None, (vocabulary.find(name) for name in names if name)), [])


def _why(word: str, found: Sequence[int], vocabulary: Vocabulary) -> str:
    if found:
        return "is ambiguous: " + ", or ".join(vocabulary.describe(index) for index in found)
    near = [vocabulary.describe(index) for index in vocabulary.near(word)]
    return f"is unknown; similar: {', '.join(near)}" if near else "is unknown, and nothing is similar"


def read(path: Path) -> dict[str, str]:
    """Label to class from a CSV file with the columns ``label,class``; other columns are ignored.

    Raises:
        UsageError: it cannot be read, is no table, has no such columns or one twice, or a label twice.
    """
    with blaming(path, UsageError, "a CSV file"):
        header, rows = csv_table(read_text(path, "utf-8-sig"))
    if any(header.count(name) != 1 for name in ("label", "class")):
        raise UsageError(
            f"{path} is not a class map: its first line must be label,class", "write one: --write-class-map FILE"
        )
    said: dict[str, str] = {}
    for number, cells in rows:
        row = dict(zip(header, cells, strict=False))
        label = unescape_cell(row.get("label", ""))
        if not label or label in said:
            raise UsageError(
                f"{path}, line {number}: {f'{label!r} is listed twice' if label else 'the label is missing'}"
            )
        said[label] = unescape_cell(row.get("class", "").strip())
    return said


def write(path: Path, classes: ClassMap) -> None:
    """Write the map, to be checked and edited: ``label,class,note``, with an empty class where there is none.

    Raises:
        OutputError: see `require_free`: an existing file was perhaps edited by hand; or it cannot be written.
    """
    lines = [csv_line(("label", "class", "note"))]
    for label in sorted({*classes.known, *classes.unknown}):
        index = classes.known.get(label)
        found = ("", classes.unknown[label]) if index is None else classes.vocabulary.key_and_meaning(index)
        lines.append(csv_line((label, *found)))
    require_free(path)
    write_atomically(path, "".join(lines).encode())


def _nfc(label: str) -> str:
    """In Unicode's form NFC: files from a Mac have names in the other form."""
    return unicodedata.normalize("NFC", label)
