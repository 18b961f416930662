"""The file that says which classes a classifier takes for which: `confusion.json`.

`genie confuse` writes it, `genie generate --confusion` takes its sources by it (paper, section 4.2): the
hardest sources for a target are the classes that the target is most often mistaken for.
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
from genie_cli.files import require_folder, write_atomically

KIND: Final = "genie.confusion"
TIES = "in the order of the labels"
_SHOWN = 10  # classes named in a hint


class Confusion(BaseModel):
    """Counts of predictions on training data.

    A file says besides, for people and other programs, each class's most confused ones. They follow from the
    matrix and are not read.

    Attributes:
        labels: class names, in the matrix's order; in Unicode's form NFC, as those of sources and targets are.
        matrix: ``matrix[i][j]`` images of class ``labels[i]`` were taken for ``labels[j]``.
        how: how the predictions were made; for people.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: Literal["genie.confusion"] = KIND
    schema_version: Literal[1] = Field(default=1, alias="schema")
    labels: tuple[Annotated[str, AfterValidator(partial(unicodedata.normalize, "NFC"))], ...]
    matrix: tuple[tuple[int, ...], ...]
    how: dict[str, Any] = {}

    @model_validator(mode="after")
    def _is_square(self) -> Confusion:
        size = len(self.labels)
        if len(set(self.labels)) != size:
            raise ValueError("a class stands in labels twice")
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"the matrix is not {size} x {size}, as the labels are")
        return self

    @classmethod
    def read(cls, path: Path) -> Confusion:
        """Raises UsageError for a file that is missing or not a confusion matrix."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            what = f"{where} {first['msg'].removeprefix('Value error, ')}".strip()
            raise UsageError(f"{path} is not a confusion file: {what}") from None

    def write(self, path: Path, top_k: int) -> None:
        """Write the file whole or not at all, with each class's ``top_k`` most confused ones and how ties are broken.

        Raises:
            OutputError: see `require_writable`.
        """
        require_writable(path)
        write_atomically(path, self._document(top_k).encode())

    def _document(self, top_k: int) -> str:
        """The file's text: a field a line, and the matrix a row a line."""
        parts = {name: _json(value) for name, value in self.model_dump(exclude={"matrix"}).items()}
        parts["matrix"] = "[" + ",\n  ".join(_json(row) for row in self.matrix) + "]"
        parts["most_confused"] = _json({label: self._mistaken(label)[:top_k] for label in self.labels})
        parts["ties"] = _json(TIES)
        return "{" + ",\n ".join(f"{_json(name)}: {text}" for name, text in parts.items()) + "}\n"

    def most_confused(self, target: str, k: int) -> tuple[tuple[str, int], ...]:
        """The ``k`` classes that ``target`` is most often taken for, with counts; ties in the order of the labels.

        Raises:
            UsageError: the matrix does not know the target, or the target was never mistaken.
        """
        if target not in self.labels:
            raise UsageError(f"the confusion matrix does not know {target!r}", self._known(target))
        others = self._mistaken(target)
        if not others:
            raise UsageError(f"{target!r} was never mistaken for another class", "leave out --confusion for it")
        return others[:k]

    def pairs(self) -> tuple[tuple[str, str, int, int], ...]:
        """Who was taken for whom, most often first: class, other class, how often, and how many images the class has.

        Ties in the order of the labels, the true ones first.
        """
        found = [
            (label, other, count, sum(row))
            for label, row in zip(self.labels, self.matrix, strict=True)
            for other, count in self._mistaken(label)
        ]
        return tuple(sorted(found, key=lambda pair: -pair[2]))

    def accuracy(self) -> tuple[int, int]:
        """How many images were taken for what they are, and how many there are."""
        return sum(row[place] for place, row in enumerate(self.matrix)), sum(map(sum, self.matrix))

    def never_mistaken(self) -> tuple[str, ...]:
        """The classes that `most_confused` has no answer for."""
        return tuple(label for label in self.labels if not self._mistaken(label))

    def _mistaken(self, label: str) -> tuple[tuple[str, int], ...]:
        row = self.matrix[self.labels.index(label)]
        others = [(name, count) for name, count in zip(self.labels, row, strict=True) if name != label and count > 0]
        return tuple(sorted(others, key=lambda pair: -pair[1]))

    def _known(self, wanted: str) -> str:
        """What the matrix knows: all of it, or where that is much, what is spelled most alike."""
        if len(self.labels) <= _SHOWN:
            return f"it knows: {', '.join(self.labels)}"
        near = difflib.get_close_matches(wanted, self.labels, _SHOWN, cutoff=0.4)
        return f"it knows {len(self.labels)} classes; most alike: {', '.join(near or self.labels[:_SHOWN])}"


def require_writable(path: Path) -> None:
    """Look whether `Confusion.write` may write there; a confusion file is replaced, no other file is.

    Raises:
        OutputError: the folder is not there, or a file is that is not a confusion file of genie.
    """
    require_folder(path)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise OutputError(f"{path} is there and is not a confusion file of genie", "choose another --out")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
