"""The confusion matrix of a classifier, and its file `confusion.json`.

`genie confuse` writes it and `genie generate --confusion` chooses its sources by it (paper, section 4.2): the
hardest sources for a target are the classes that the target is most often confused with.
"""

from __future__ import annotations

import difflib
import json
import unicodedata
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from genie_cli.errors import OutputError, UsageError
from genie_cli.files.folders import require_folder
from genie_cli.files.reading import blaming, first_problem, read_json, reason
from genie_cli.files.writing import write_atomically

KIND: Final = "genie.confusion"
TIES = "in the order of the labels"
MAX_CLASSES = 10_000  # 10,000 squared is a hundred million cells, nearly a gigabyte
MAX_COUNT = 10**12  # images of one cell
_SHOWN = 10  # classes named in a hint


def _nfc_text(label: str) -> str:
    label.encode()  # half of a surrogate pair is no text; the error is a ValueError
    return unicodedata.normalize("NFC", label)


Label = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_nfc_text)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)]


class Confusion(BaseModel):
    """Counts of predictions on training data.

    A file also lists each class's most confused ones, for other programs. They follow from the matrix and are not
    read back.

    Attributes:
        labels: class names, in the matrix's order; in Unicode's form NFC, as those of sources and targets are.
        matrix: ``matrix[i][j]`` images of class ``labels[i]`` were predicted to be ``labels[j]``.
        how: how the predictions were made.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: Literal["genie.confusion"] = KIND
    schema_version: int = Field(default=1, alias="schema", strict=True, ge=1, le=1)
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=MAX_CLASSES)]
    matrix: tuple[tuple[Count, ...], ...]
    how: dict[str, Any] = {}

    @model_validator(mode="after")
    def _is_square(self) -> Confusion:
        size = len(self.labels)
        if len(set(self.labels)) != size:
            raise ValueError("labels lists a class twice")
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"the matrix is not {size} x {size}, as the labels are")
        return self

    @classmethod
    def read(cls, path: Path) -> Confusion:
        """Raises UsageError for a file that is missing, cannot be read, or is not a confusion matrix."""
        refused = partial(UsageError, hint="genie confuse --src-dir FOLDER writes one")
        with blaming(path, refused, "a confusion file"):
            content = read_json(path)
            try:
                return cls.model_validate(content)
            except ValidationError as error:
                raise refused(f"{path} is not a confusion file: {_explain(error)}") from None

    def write(self, path: Path, top_k: int) -> None:
        """Write the file atomically, with each class's ``top_k`` most confused ones and how ties are broken.

        Raises:
            OutputError: see `require_writable`.
        """
        require_writable(path)
        write_atomically(path, self._document(top_k).encode())

    def _document(self, top_k: int) -> str:
        """The file's text: one line per field and per row of the matrix."""
        parts = {name: _json(value) for name, value in self.model_dump(exclude={"matrix"}).items()}
        parts["matrix"] = "[" + ",\n  ".join(_json(row) for row in self.matrix) + "]"
        parts["most_confused"] = _json({label: self._confused_with(label)[:top_k] for label in self.labels})
        parts["ties"] = _json(TIES)
        return "{" + ",\n ".join(f"{_json(name)}: {text}" for name, text in parts.items()) + "}\n"

    def __repr__(self) -> str:
        right, images = self.accuracy()
        return f"<Confusion: {len(self.labels)} classes, {images} images, {right} predicted correctly>"

    __str__ = __repr__  # pydantic has one of its own, with every row of the matrix

    def most_confused(self, target: str, k: int) -> tuple[tuple[str, int], ...]:
        """The ``k`` classes that ``target`` is most often confused with, and counts; ties in the order of the labels.

        Raises:
            UsageError: the matrix does not have the target, or the target was never confused with another class.
        """
        if target not in self.labels:
            raise UsageError(f"the confusion matrix has no class {target!r}", self._known(target))
        others = self._confused_with(target)
        if not others:
            raise UsageError(f"{target!r} was never confused with another class", "leave out --confusion for it")
        return others[:k]

    def pairs(self) -> tuple[tuple[str, str, int, int], ...]:
        """Confused pairs, most frequent first: true class, predicted class, count, images of the true class.

        Ties in the order of the labels, the true ones first.
        """
        found = [
            (label, other, count, sum(row))
            for label, row in zip(self.labels, self.matrix, strict=True)
            for other, count in self._confused_with(label)
        ]
        return tuple(sorted(found, key=lambda pair: -pair[2]))

    def accuracy(self) -> tuple[int, int]:
        """How many images were predicted correctly, and how many there are."""
        return sum(row[place] for place, row in enumerate(self.matrix)), sum(map(sum, self.matrix))

    def never_confused(self) -> tuple[str, ...]:
        """The classes that were never confused with another."""
        return tuple(label for label in self.labels if not self._confused_with(label))

    def _confused_with(self, label: str) -> tuple[tuple[str, int], ...]:
        row = self.matrix[self.labels.index(label)]
        others = [(name, count) for name, count in zip(self.labels, row, strict=True) if name != label and count > 0]
        return tuple(sorted(others, key=lambda pair: -pair[1]))

    def _known(self, wanted: str) -> str:
        """The matrix's classes: all of them, or where they are many, those spelled most alike."""
        if len(self.labels) <= _SHOWN:
            return f"it has: {', '.join(self.labels)}"
        near = difflib.get_close_matches(wanted, self.labels, _SHOWN, cutoff=0.4)
        return f"it has {len(self.labels)} classes; the nearest: {', '.join(near or self.labels[:_SHOWN])}"


def require_number_of_classes(number: int) -> None:
    """Raise UsageError for more classes than a matrix may have."""
    if number > MAX_CLASSES:
        raise UsageError(
            f"there are {number:,} classes, and a confusion matrix has at most {MAX_CLASSES:,}",
            "is the column with the class's name the right one?",
        )


def require_writable(path: Path) -> None:
    """Check that `Confusion.write` may write there; it replaces a confusion file, and no other file.

    Raises:
        OutputError: the folder is not there, or a file is that is not a confusion file of genie or cannot be read.
    """
    require_folder(path)
    try:
        content = read_json(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(
            f"{path} already exists and cannot be read: {reason(error)}", "choose another --out"
        ) from None
    except (ValueError, RecursionError, MemoryError):
        content = None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise OutputError(f"{path} already exists and is not a confusion file of genie", "choose another --out")


def _explain(error: ValidationError) -> str:
    """What is wrong with a file, in plain words."""
    kind, place, said = first_problem(error)
    where = ".".join(map(str, place))
    if kind == "value_error":
        return said
    if kind == "missing":
        return f"{where} is missing"
    if kind == "too_long":
        return f"{where} has more than {MAX_CLASSES:,} classes"
    return f"{where} is not as expected" if where else "it is not a JSON object"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
