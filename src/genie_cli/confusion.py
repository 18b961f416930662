"""The file that says which classes a classifier takes for which: `confusion.json`.

`genie confuse` writes it, `genie generate --confusion` takes its sources by it (paper, section 4.2): the
hardest sources for a target are the classes that the target is most often mistaken for.
"""

from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from genie_cli.errors import UsageError


class Confusion(BaseModel):
    """Counts of predictions on training data.

    Attributes:
        labels: class names, in the matrix's order; in Unicode's form NFC, as those of sources and targets are.
        matrix: ``matrix[i][j]`` images of class ``labels[i]`` were taken for ``labels[j]``.
        how: how the predictions were made; for people.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: Literal["genie.confusion"] = "genie.confusion"
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

    def most_confused(self, target: str, k: int) -> tuple[tuple[str, int], ...]:
        """The ``k`` classes that ``target`` is most often taken for, with counts; ties in the order of the labels.

        Raises:
            UsageError: the matrix does not know the target, or the target was never mistaken.
        """
        if target not in self.labels:
            raise UsageError(f"the confusion matrix does not know {target!r}", f"it knows: {', '.join(self.labels)}")
        row = self.matrix[self.labels.index(target)]
        others = [(name, count) for name, count in zip(self.labels, row, strict=True) if name != target and count > 0]
        if not others:
            raise UsageError(f"{target!r} was never mistaken for another class", "leave out --confusion for it")
        return tuple(sorted(others, key=lambda pair: -pair[1])[:k])
