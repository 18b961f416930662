"""Reads the files that list the images or classes of a data set: text, CSV and JSON. Every line is checked.

An error names the file, the line if there is one, what was expected and what was found.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Annotated, NoReturn, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from genie_cli.errors import FolderError
from genie_cli.files.cells import csv_rows
from genie_cli.files.reading import blaming, first_problem, json_bytes, read_lines, read_text
from genie_cli.jobs import inside_root

Image = tuple[str, str]  # path, POSIX and relative to the data set's folder; and class

Row = TypeVar("Row", bound="str | Image")
Content = TypeVar("Content")


@dataclass(frozen=True)
class Lists:
    """The listed training and test images; no path is listed twice."""

    train: tuple[Image, ...]
    test: tuple[Image, ...]


def lists_of(root: Path, train: Sequence[Image], test: Sequence[Image]) -> Lists:
    """Join two splits; FolderError if one is empty, or a path is listed twice, in one split or in both."""
    seen: set[str] = set()
    for path, _ in (*train, *test):
        if path in seen:
            raise FolderError(f"the lists in {root} have {path} twice")
        seen.add(path)
    for split, images in (("training", train), ("test", test)):
        if not images:
            raise FolderError(f"the lists in {root} have no {split} images")
    return Lists(tuple(train), tuple(test))


def lines_of(file: Path) -> list[tuple[int, str]]:
    """Read the lines of a text file that are not empty: line numbers from 1, and stripped text.

    Raises:
        FolderError: the file cannot be read, or is not text in UTF-8.
    """
    with blaming(file, FolderError, "a text file"):
        lines = enumerate(read_lines(file), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def table_of(file: Path, example: str) -> dict[str, str]:
    """Read the lines `key value` of a text file; a value may have spaces.

    Raises:
        FolderError: as `lines_of`; a line is not like ``example``, or a key comes twice.
    """
    table: dict[str, str] = {}
    for number, line in lines_of(file):
        cells = line.split(maxsplit=1)
        if len(cells) != 2:
            raise FolderError(f"{file}, line {number}: expected a line such as {example!r}; found {line[:80]!r}")
        if cells[0] in table:
            raise FolderError(f"{file}, line {number}: {cells[0]} comes twice")
        table[cells[0]] = cells[1]
    return table


def csv_of(file: Path) -> list[tuple[int, list[str]]]:
    """Read the rows of a CSV file that are not empty, at least one: line numbers from 1, and stripped cells.

    Raises:
        FolderError: the file cannot be read, is empty, or is not CSV in UTF-8.
    """
    with blaming(file, FolderError, "a CSV file"):
        rows = [(line, [cell.strip() for cell in row]) for line, row in csv_rows(read_text(file, "utf-8-sig"))]
    if not rows:
        raise FolderError(f"{file} is empty")
    return rows


def refuse_row(file: Path, found: tuple[int, Sequence[str]], expected: str) -> NoReturn:
    """Raise FolderError for a row of `csv_of`."""
    line, row = found
    raise FolderError(f"{file}, line {line}: expected {expected}; found {','.join(row)[:80]!r}")


def json_of(file: Path, adapter: TypeAdapter[Content], expected: str) -> Content:
    """Read a JSON file.

    Args:
        adapter: the type of its content.
        expected: the same in words, for the error.

    Raises:
        FolderError: the file cannot be read, or its content is of another type.
    """
    with blaming(file, FolderError, "a JSON file"):
        try:
            return adapter.validate_json(json_bytes(file), strict=True)
        except ValidationError as error:
            raise FolderError(f"{file}: expected {expected}; {_fault(error)}") from None


_FAULTS = {
    "json_invalid": "is not valid JSON",
    "missing": "is missing",
    "string_type": "is not a string",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing": "is not a whole number",
    "greater_than_equal": "is negative",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "tuple_type": "is not a list",
    "dict_type": "is not an object",
    "model_type": "is not an object",
}


def _fault(error: ValidationError) -> str:
    """The first fault of a JSON file in words: "image_labels[2] is negative"."""
    kind, place, _ = first_problem(error)
    name = "".join(f"[{part}]" if isinstance(part, int) else part for part in place)
    return f"{name or 'the file'} {_FAULTS.get(kind, 'is something else')}"


def below(file: Path, path: str) -> str:
    """Return ``path``; FolderError, which names ``file``, if it leaves the data set's folder."""
    try:
        return inside_root(path)
    except ValueError as error:
        raise FolderError(f"{file}: {str(error)[:200]}") from None


def distinct(file: Path, rows: Iterable[Row], key: Callable[[Row], str]) -> tuple[Row, ...]:
    """Return the rows; FolderError if there are none, or two have the same key."""
    kept: dict[str, Row] = {}
    for row in rows:
        if key(row) in kept:
            raise FolderError(f"{file} has {key(row)} twice")
        kept[key(row)] = row
    if not kept:
        raise FolderError(f"{file} lists nothing")
    return tuple(kept.values())


class _FewShotJson(BaseModel):
    label_names: tuple[Annotated[str, Field(min_length=1)], ...]
    image_names: Annotated[tuple[str, ...], Field(min_length=1)]
    image_labels: tuple[Annotated[int, Field(ge=0)], ...]


_FEW_SHOT_JSON = TypeAdapter(_FewShotJson)


def read_few_shot_json(file: Path) -> tuple[Image, ...]:
    """Read a JSON list of "A closer look at few-shot classification" (Chen et al. 2019): listed path and class.

    Paths are POSIX whatever the file has, and may be those of another computer.

    Raises:
        FolderError: not such a file, or it lists an image twice.
    """
    lists = json_of(file, _FEW_SHOT_JSON, "an object with label_names, image_names and image_labels")
    names, labels = lists.image_names, lists.image_labels
    if len(names) != len(labels):
        raise FolderError(f"{file}: expected a label for each image, found {len(labels)} for {len(names)} images")
    if max(labels) >= len(lists.label_names):
        raise FolderError(
            f"{file}: image_labels has {max(labels)}, but label_names only {len(lists.label_names)} names"
        )
    images = [
        (_posix(file, name), unicodedata.normalize("NFC", lists.label_names[label]))
        for name, label in zip(names, labels, strict=True)
    ]
    return distinct(file, images, lambda image: "/".join(image[0].split("/")[-2:]))


def listed_path(file: Path, name: str) -> str:
    """A listed path as it would be below a data set's folder, POSIX.

    It may be of another computer, or lead upwards: what it begins with is left out, and so is each "..".

    Raises:
        FolderError: nothing is left of it, or no file can have this name.
    """
    return _below(file, name, [part for part in _parts(name) if part != ".."], "")


def _posix(file: Path, name: str) -> str:
    """The same in a JSON list, whose paths do not lead upwards."""
    return _below(file, name, _parts(name), " in image_names")


def _parts(name: str) -> list[str]:
    path = PureWindowsPath(name)  # takes both / and \ for a separator
    return list(path.parts[1:] if path.anchor else path.parts)


def _below(file: Path, name: str, parts: Sequence[str], where: str) -> str:
    try:
        return inside_root("/".join(parts))
    except ValueError:
        raise FolderError(f"{file}: {name!r}{where} is not the path of an image") from None
