"""A confusion matrix from the predictions of any classifier: from a table of them, or from logits.

Independent of torch.
"""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import UsageError, shorten

_ROWS = 65_536  # logits in memory: those of ImageNet's training set take 5 GB


def from_predictions(table: Path, classes: Path | None = None) -> Confusion:
    """The matrix of a CSV file with the columns ``true`` and ``predicted``.

    Args:
        table: UTF-8, comma-separated; the header in any case, other columns are ignored.
        classes: see `read_classes`; none: all names of both columns, sorted.

    Raises:
        UsageError: a file cannot be read, a column is missing, a cell is blank, or a name is not in ``classes``.
    """
    cells = _columns(table, ("true", "predicted"))
    names = {name for row in cells for name in row}
    labels = read_classes(classes) if classes else tuple(sorted(names))
    _require_known(names, labels, table, classes)
    how = {"predictions": table.name, "sha256": _sha256(table), "images": len(cells)}
    return counted(labels, [row[0] for row in cells], [row[1] for row in cells], how)


def from_logits(logits: Path, true: Path, classes: Path | None = None) -> Confusion:
    """The matrix of a classifier's outputs: an image is predicted to have the class of its (first) largest logit.

    Args:
        logits: ``.npy``, (N, C), floating point.
        true: the N images' classes. ``.npy``: columns of ``logits`` as integers, 0 .. C - 1, or names; ``.csv``: names
            in the column ``true``; any other file: one name per line.
        classes: the names of the columns, see `read_classes`; none: the names in ``true``, sorted.

    Raises:
        UsageError: a file cannot be read or the files do not fit together, or a logit is not a number.
    """
    values = _array(logits)
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        raise UsageError(
            f"{logits} holds {values.dtype} of shape {values.shape}, not floating-point logits of (images, classes)"
        )
    images, columns = values.shape
    truth = _truth(true)
    if len(truth) != images:
        raise UsageError(f"{logits} has {images} rows, {true} has {len(truth)}: they must be of the same images")
    labels = read_classes(classes) if classes else _sorted_names(truth, true)
    if len(labels) != columns:
        whose = f"{classes} names {len(labels)} classes" if classes else f"the images in {true} are of {len(labels)}"
        raise UsageError(
            f"{logits} has {columns} columns, and {whose}", "name each column's class, in order: --classes names.txt"
        )
    names = _names(truth, labels, true)
    _require_known(set(names), labels, true, classes)
    how = {"logits": logits.name, "sha256": _sha256(logits), "true": true.name, "images": images}
    return counted(labels, names, [labels[place] for place in _largest(values, logits)], how)


def counted(labels: Sequence[str], true: Sequence[str], predicted: Sequence[str], how: dict[str, object]) -> Confusion:
    """The matrix of pairs of names, all of which are in ``labels``."""
    if len(labels) < 2:
        raise UsageError(f"there is only one class, {', '.join(labels)}: it cannot be confused with another")
    place = {label: index for index, label in enumerate(labels)}
    size = len(labels)
    cells = [place[one] * size + place[other] for one, other in zip(true, predicted, strict=True)]
    matrix = np.bincount(np.array(cells, np.int64), minlength=size * size).reshape(size, size)
    return Confusion(labels=tuple(labels), matrix=tuple(map(tuple, matrix.tolist())), how=how)


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names, one per line, in order, in Unicode's form NFC; blank lines are ignored.

    Raises:
        UsageError: the file cannot be read, has no name, or has one twice.
    """
    names = tuple(name for _, name in _lines(path) if name)
    if not names:
        raise UsageError(f"{path} names no class")
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise UsageError(f"{path} lists a name twice: {shorten(twice)}", "list each class once")
    return names


def _columns(path: Path, wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of the columns ``wanted`` in a CSV file, one tuple per row; empty lines are ignored."""
    with _opened(path) as stream:
        reader = csv.reader(stream)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
            if any(header.count(name) != 1 for name in wanted):
                raise UsageError(
                    f"{path}, line 1: needs the column{'s' * (len(wanted) > 1)} {' and '.join(wanted)}, once each; "
                    f"it has {', '.join(header) or 'none'}",
                    f"the first line names the columns, with commas between them: {','.join(wanted)}",
                )
            places = [header.index(name) for name in wanted]
            rows = [(reader.line_num, [_clean(cell) for cell in cells]) for cells in reader if cells]
        except csv.Error as error:
            raise UsageError(f"{path}, line {reader.line_num}: {error}") from None
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from None
    for line, cells in rows:
        for name, place in zip(wanted, places, strict=True):
            if place >= len(cells) or not cells[place]:
                raise UsageError(f"{path}, line {line}: {name} is blank", "fill it in, or remove the line")
    if not rows:
        raise UsageError(f"{path} has a header and no rows")
    return [tuple(cells[place] for place in places) for _, cells in rows]


def _truth(path: Path) -> NDArray[np.int64] | list[str]:
    """Columns as numbers, or names."""
    if path.suffix.lower() == ".csv":
        return [name for (name,) in _columns(path, ("true",))]
    if path.suffix.lower() != ".npy":
        lines = list(_lines(path))
        if blank := [number for number, name in lines if not name]:
            raise UsageError(f"{path}, line {blank[0]}: is blank", "expected one class name per line")
        return [name for _, name in lines]
    values = _array(path)
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        raise UsageError(
            f"{path} holds {values.dtype} of shape {values.shape}, not one class per image, as a number or name"
        )
    if values.dtype.kind == "U":
        return [_clean(str(name)) for name in values]
    return values.astype(np.int64)


def _sorted_names(truth: NDArray[np.int64] | list[str], path: Path) -> tuple[str, ...]:
    if isinstance(truth, np.ndarray):
        raise UsageError(f"{path} has class numbers, not names", "name each column: --classes names.txt")
    return tuple(sorted(set(truth)))


def _names(truth: NDArray[np.int64] | list[str], labels: Sequence[str], path: Path) -> list[str]:
    if not isinstance(truth, np.ndarray):
        return truth
    wrong = np.flatnonzero((truth < 0) | (truth >= len(labels)))
    if len(wrong):
        what = f"row {wrong[0]} is of class {truth[wrong[0]]}"
        raise UsageError(f"{path}: {what}, and columns are numbered 0 to {len(labels) - 1}")
    return [labels[number] for number in truth]


def _largest(values: NDArray[Any], path: Path) -> Iterator[int]:
    """Each row's column with the largest value."""
    for start in range(0, len(values), _ROWS):
        part = np.asarray(values[start : start + _ROWS])
        if (wrong := np.isnan(part).any(axis=1)).any():
            raise UsageError(
                f"{path}: row {start + int(wrong.argmax())}, counted from 0, has a logit that is no number"
            )
        yield from part.argmax(axis=1).tolist()


def _array(path: Path) -> NDArray[Any]:
    """A ``.npy`` file, mapped, not loaded; without pickles, which could run anything."""
    try:
        with path.open("rb") as file:
            archive = file.read(2) == b"PK"
        if not archive:
            return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is not a .npy file of numbers: {error}", "numpy.save writes one") from None
    raise UsageError(f"{path} is an archive of several arrays", "give one array: numpy.save writes a .npy file")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """A text file's lines, numbered from 1."""
    with _opened(path) as stream:
        try:
            yield from enumerate(map(_clean, stream), 1)
        except UnicodeDecodeError as error:
            raise _not_utf8(path, error) from None


def _opened(path: Path) -> TextIO:
    """A text file in UTF-8, with or without a byte order mark."""
    try:
        return path.open(encoding="utf-8-sig", newline=None if path.suffix.lower() != ".csv" else "")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _require_known(names: set[str], labels: Sequence[str], path: Path, classes: Path | None) -> None:
    if others := sorted(names - set(labels)):
        raise UsageError(f"{path} has classes that {classes} does not name: {shorten(others)}")


def _clean(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _not_utf8(path: Path, error: UnicodeDecodeError) -> UsageError:
    return UsageError(f"{path} is not UTF-8: {error.reason}", "save it as UTF-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
