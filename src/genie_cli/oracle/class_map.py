"""Which of an oracle's classes a manifest's label means: found by rule, shown as a file, overridden by hand.

ImageNet has two classes called "crane". So a WordNet id decides first, a name only if one class alone bears it,
and what is not known or not clear is said, never guessed. This module does not know torch.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

from genie_cli.errors import OutputError, UsageError
from genie_cli.files import require_folder, write_atomically
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

    def require(self, labels: Collection[str]) -> None:
        """Raise UsageError, naming every one of ``labels`` that has no class, with why and what is near."""
        missing = sorted(label for label in labels if label not in self.known)
        if not missing:
            return
        lines = [f"  {label!r}: {self.unknown.get(label, 'is not in the map')}" for label in missing[:_SHOWN]]
        lines += [f"  and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
        counted = f"{len(missing)} of {len(labels)} classes have none of the oracle's classes"
        raise UsageError("\n".join([f"{counted}:", *lines]), _REMEDY)

    def name(self, index: int, prefer: Sequence[str] = ()) -> str:
        """A class in the manifest's words, or in the oracle's if no label means it.

        Args:
            prefer: labels to take first, where several mean this class.
        """
        for label in prefer:
            if self.known.get(label) == index:
                return label
        if index in self._labels:
            return self._labels[index]
        own = self.vocabulary.key(index)
        # A label may be spelled like a class that it does not mean: the two must not fall together.
        return f"oracle's {own}" if own in self.known or own in self.unknown else own

    @cached_property
    def _labels(self) -> dict[int, str]:
        """The first label of each class."""
        return {index: label for label, index in sorted(self.known.items(), reverse=True)}


def resolve(labels: Iterable[str], vocabulary: Vocabulary, own: Mapping[str, str] | None = None) -> ClassMap:
    """Find each label's class: by the person's map, then WordNet id or class as it is, then name.

    Args:
        own: label to a class, its index or its name; "" says that there is none. Other labels may be in it too.

    Raises:
        UsageError: the person's map names classes that the oracle does not have, or unclearly; all are listed.
    """
    own = {_nfc(label): name for label, name in (own or {}).items()}
    known: dict[str, int] = {}
    unknown: dict[str, str] = {}
    wrong: list[str] = []
    for label in sorted(set(labels)):
        said = own.get(_nfc(label))
        found = vocabulary.find(label) if said is None else vocabulary.find(said, or_index=True) if said else []
        if len(found) == 1:
            known[label] = found[0]
        else:
            unknown[label] = "the map gives it no class" if said == "" else _why(said or label, found, vocabulary)
            wrong += [f"  {label!r}: {said!r} {unknown[label]}"] if said else []
    if wrong:
        raise UsageError("\n".join(["the class map names what the oracle does not have:", *wrong]))
    return ClassMap(vocabulary, known, unknown)


def _why(word: str, found: Sequence[int], vocabulary: Vocabulary) -> str:
    if found:
        return "is ambiguous: " + ", or ".join(vocabulary.describe(index) for index in found)
    near = [vocabulary.describe(index) for index in vocabulary.near(word)]
    return f"is not known; near: {', '.join(near)}" if near else "is not known, and nothing like it"


def read(path: Path) -> dict[str, str]:
    """Label to class, as a person wrote it: CSV with the columns ``label,class``; others are not read.

    Raises:
        UsageError: it cannot be read, has no such columns, or a label twice.
    """
    try:
        lines = csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        rows = [(lines.line_num, row) for row in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not {"label", "class"} <= set(lines.fieldnames or ()):
        raise UsageError(f"{path} is not a class map: its first line must be label,class")
    said: dict[str, str] = {}
    for number, row in rows:
        label = row["label"] or ""
        if not label or label in said:
            raise UsageError(f"{path}, line {number}: {f'{label!r} stands there twice' if label else 'no label'}")
        said[label] = (row["class"] or "").strip()
    return said


def write(path: Path, classes: ClassMap) -> None:
    """Write the map for a person to look at and edit: ``label,class,note``, an empty class where there is none.

    Raises:
        OutputError: see `require_free`: a file that is there was perhaps edited by hand; or it cannot be written.
    """
    text = StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("label", "class", "note"))
    for label in sorted({*classes.known, *classes.unknown}):
        index = classes.known.get(label)
        found = ("", classes.unknown[label]) if index is None else classes.vocabulary.key_and_meaning(index)
        lines.writerow((label, *found))
    require_free(path)
    write_atomically(path, text.getvalue().encode())


def require_free(path: Path) -> None:
    """Raise OutputError if there is a file already, or no folder for one."""
    if os.path.lexists(path):
        raise OutputError(f"{path} is already there", "choose another name; nothing was changed")
    require_folder(path)


def _nfc(label: str) -> str:
    """In one of the two ways Unicode writes an accented letter: files from a Mac hold the other."""
    return unicodedata.normalize("NFC", label)
