"""The files that say which images or classes a few-shot data set has. Each reader checks every line."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Annotated, NoReturn, TypeVar

from pydantic import BaseModel, Field, ValidationError

from genie_cli.data.ilsvrc import WNID
from genie_cli.data.imagenet import is_class
from genie_cli.errors import FolderError
from genie_cli.jobs import inside_root

Row = TypeVar("Row", bound="str | tuple[str, str]")

_RAVI = re.compile(r"(n[0-9]{8})([0-9]{8})\.jpg")


def read_ravi(file: Path) -> tuple[tuple[str, str], ...]:
    """The lists of Ravi and Larochelle, `filename,label`: the label and file name of each row.

    `n0153282900000005.jpg` is the fifth of n01532829's ILSVRC training images, by their numbers: see `place_in_class`.

    Raises:
        FolderError: a line is not of that form, or names an image twice or of no ImageNet class.
    """
    header, *rows = _csv(file)
    if header[1] != ["filename", "label"]:
        _refuse(file, header, "a header filename,label and then rows such as n0153282900000005.jpg,n01532829")
    images = []
    for line, row in rows:
        match = _RAVI.fullmatch(row[0])
        if len(row) != 2 or not match or match[1] != row[1] or place_in_class(row[0]) < 1:
            _refuse(file, (line, row), "a row such as n0153282900000005.jpg,n01532829")
        _require_class(file, line, row[1])
        images.append((row[1], row[0]))
    return _once(file, images, lambda image: image[1])


def place_in_class(name: str) -> int:
    """Which of its class's ILSVRC training images a Ravi file name stands for, from 1."""
    return int(name[9:17])


def read_classes(file: Path) -> tuple[str, ...]:
    """tiered-ImageNet's lists, `wnid,superclass` without a header: the WordNet ids.

    Raises:
        FolderError: a line is not of that form, or names a class twice or one that is not ImageNet's.
    """
    classes = []
    for line, row in _csv(file):
        if len(row) != 2 or not all(WNID.fullmatch(cell) for cell in row):
            _refuse(file, (line, row), "a row such as n03314780,n00020090: class and superclass, no header")
        _require_class(file, line, row[0])
        classes.append(row[0])
    return _once(file, classes, lambda wnid: wnid)


class _Json(BaseModel):
    label_names: tuple[Annotated[str, Field(min_length=1)], ...]
    image_names: Annotated[tuple[str, ...], Field(min_length=1)]
    image_labels: tuple[Annotated[int, Field(ge=0)], ...]


def read_json(file: Path) -> tuple[tuple[str, str], ...]:
    """The JSON lists of "A closer look at few-shot classification": the label and listed path of each image.

    Paths are POSIX whatever the file has, and may be those of another machine.

    Raises:
        FolderError: not such a file, or it names an image twice.
    """
    try:
        lists = _Json.model_validate_json(file.read_bytes())
    except OSError as error:
        raise FolderError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        expected = "expected an object with label_names, image_names and image_labels"
        raise FolderError(f"{file}: {expected}; {where}: {first['msg']}") from None
    names, labels = lists.image_names, lists.image_labels
    if len(names) != len(labels):
        raise FolderError(f"{file}: expected a label for each image, found {len(labels)} for {len(names)} images")
    if max(labels) >= len(lists.label_names):
        raise FolderError(
            f"{file}: image_labels has {max(labels)}, but label_names only {len(lists.label_names)} names"
        )
    images = [
        (unicodedata.normalize("NFC", lists.label_names[label]), _posix(file, name))
        for name, label in zip(names, labels, strict=True)
    ]
    return _once(file, images, lambda image: "/".join(image[1].split("/")[-2:]))


def _posix(file: Path, name: str) -> str:
    path = PureWindowsPath(name)  # takes both / and \ for a separator
    parts = path.parts[1:] if path.anchor else path.parts
    try:
        return inside_root("/".join(parts))
    except ValueError:
        raise FolderError(f"{file}: {name!r} in image_names is no path of an image") from None


def _csv(file: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, with their line numbers, cells stripped; at least one."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except OSError as error:
        raise FolderError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise FolderError(f"{file} is not a CSV file: {error}") from None
    if not rows:
        raise FolderError(f"{file} is empty")
    return rows


def _refuse(file: Path, found: tuple[int, Sequence[str]], expected: str) -> NoReturn:
    line, row = found
    raise FolderError(f"{file}, line {line}: expected {expected}; found {','.join(row)[:80]!r}")


def _require_class(file: Path, line: int, wnid: str) -> None:
    if not is_class(wnid):
        raise FolderError(f"{file}, line {line}: {wnid} is not a class of ILSVRC 2012")


def _once(file: Path, rows: Iterable[Row], key: Callable[[Row], str]) -> tuple[Row, ...]:
    """The rows, of which there must be at least one and none twice."""
    kept: dict[str, Row] = {}
    for row in rows:
        if key(row) in kept:
            raise FolderError(f"{file} has {key(row)} twice")
        kept[key(row)] = row
    if not kept:
        raise FolderError(f"{file} lists nothing")
    return tuple(kept.values())
