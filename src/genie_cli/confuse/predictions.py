"""A confusion matrix from the predictions of any classifier: from a table of them, or from logits.

Independent of torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genie_cli.confuse.arrays import array_of, described
from genie_cli.confuse.confusion import Confusion, require_number_of_classes
from genie_cli.confuse.tables import clean, columns_of, lines_of, read_classes
from genie_cli.errors import UsageError, shorten
from genie_cli.files.reading import blaming, is_open_pipe, sha256_of

_ROWS = 65_536  # logits in memory: those of ImageNet's training set take 5 GB


def from_predictions(table: Path, classes: Path | None = None) -> Confusion:
    """The matrix of a CSV file with the columns ``true`` and ``predicted``.

    Args:
        table: UTF-8, comma-separated; the header in any case, other columns are ignored.
        classes: see `read_classes`; none: all names of both columns, sorted.

    Raises:
        UsageError: a file cannot be read, a column is missing, a cell is blank, or a name is not in ``classes``.
    """
    cells = columns_of(table, ("true", "predicted"))
    names = {name for row in cells for name in row}
    labels = read_classes(classes) if classes else tuple(sorted(names))
    _require_known(names, labels, table, classes)
    how = {**_stated("predictions", table), "images": len(cells)}
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
    values = array_of(logits)
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        raise UsageError(f"{logits} holds {described(values)}, not floating-point logits of (images, classes)")
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
    how = {**_stated("logits", logits), "true": true.name, "images": images}
    return counted(labels, names, [labels[place] for place in _largest(values, logits)], how)


def counted(labels: Sequence[str], true: Sequence[str], predicted: Sequence[str], how: dict[str, object]) -> Confusion:
    """The matrix of pairs of names, all of which are in ``labels``."""
    if len(labels) < 2:
        raise UsageError(f"there is only one class, {', '.join(labels)}: it cannot be confused with another")
    require_number_of_classes(len(labels))
    place = {label: index for index, label in enumerate(labels)}
    size = len(labels)
    cells = [place[one] * size + place[other] for one, other in zip(true, predicted, strict=True)]
    matrix = np.bincount(np.array(cells, np.int64), minlength=size * size).reshape(size, size)
    return Confusion(labels=tuple(labels), matrix=tuple(map(tuple, matrix.tolist())), how=how)


def _truth(path: Path) -> NDArray[Any] | list[str]:
    """Columns as whole numbers, or names."""
    if path.suffix.lower() == ".csv":
        return [name for (name,) in columns_of(path, ("true",))]
    if path.suffix.lower() != ".npy":
        lines = lines_of(path)
        if "" in lines:
            raise UsageError(f"{path}, line {lines.index('') + 1}: is blank", "expected one class name per line")
        return lines
    values = array_of(path)
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        raise UsageError(f"{path} holds {described(values)}, not one class per image, as a number or name")
    if values.dtype.kind != "U":
        return values
    with blaming(path, UsageError, "an array of class names"):
        names = [clean(str(name)) for name in values]
        "".join(names).encode()  # not every array of characters is text
    if "" in names:
        raise UsageError(f"{path}: row {names.index('')}, counted from 0, is blank", "expected a class name")
    return names


def _sorted_names(truth: NDArray[Any] | list[str], path: Path) -> tuple[str, ...]:
    if isinstance(truth, np.ndarray):
        raise UsageError(f"{path} has class numbers, not names", "name each column: --classes names.txt")
    return tuple(sorted(set(truth)))


def _names(truth: NDArray[Any] | list[str], labels: Sequence[str], path: Path) -> list[str]:
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
        if (wrong := ~np.isfinite(part.max(axis=1))).any():  # -inf for some classes is how a classifier leaves them out
            raise UsageError(
                f"{path}: row {start + int(wrong.argmax())}, counted from 0, has a largest logit that is not finite"
            )
        yield from part.argmax(axis=1).tolist()


def _require_known(names: set[str], labels: Sequence[str], path: Path, classes: Path | None) -> None:
    if others := sorted(names - set(labels)):
        raise UsageError(f"{path} has classes that {classes} does not name: {shorten(others)}")


def _stated(kind: str, path: Path) -> dict[str, str]:
    """What the matrix was computed from: a file by its name and content; a pipe cannot be read again."""
    if is_open_pipe(path):
        return {kind: "a pipe"}
    with blaming(path, UsageError, "a regular file"):
        return {kind: path.name, "sha256": sha256_of(path)}
