"""Finds images that cannot be used before hours of work are spent on the others.

Images are decoded here, not only hashed. Those of a person's own data set are left out, as `genie generate` and
`genie confuse` do. A published benchmark without some of its images would be another one: there the run ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.images import read
from genie_cli.errors import FolderError, ImageError
from genie_cli.jobs import Source
from genie_cli.observer import Observer

_BATCH = 1024  # images handed to the threads at once
_SHOWN = 5  # images that an error names


def without_broken(dataset: Dataset, observer: Observer) -> Dataset:
    """A data set without the images that cannot be decoded; the observer is told which, and why.

    Raises:
        FolderError: a class has no training or no test image left.
    """
    broken = dict(_broken(dataset.root, [*dataset.train, *dataset.test], observer))
    if not broken:
        return dataset
    observer.left_out([f"{path} {error.reason}" for path, error in sorted(broken.items())])
    train, test = _left(dataset.train, broken, "training"), _left(dataset.test, broken, "test")
    return replace(dataset, train=train, test=test)


def _left(sources: Sequence[Source], broken: dict[str, ImageError], split: str) -> tuple[Source, ...]:
    left = tuple(source for source in sources if source.path not in broken)
    classes = {source.label for source in left}
    if gone := next((source for source in sources if source.label not in classes), None):
        error = broken[gone.path]
        raise FolderError(
            f"class {gone.label!r} has no {split} image that can be used: {error}",
            "replace its images, or move its folder away",
        )
    return left


def require_readable(root: Path, sources: Sequence[Source], observer: Observer, hint: str) -> None:
    """Raise FolderError if an image cannot be decoded, or is no longer what was hashed; the first few are named.

    Args:
        root: folder that the images' paths are relative to.
        hint: what the person can do.
    """
    broken = sorted(_broken(root, sources, observer))
    if not broken:
        return
    more = [f"  and {len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
    raise FolderError(
        [
            f"{len(broken)} of the images that are needed cannot be used:",
            *(f"  {error}" for _, error in broken[:_SHOWN]),
            *more,
        ],
        hint,
    )


def _broken(root: Path, sources: Sequence[Source], observer: Observer) -> Iterator[tuple[str, ImageError]]:
    """The paths of the images that cannot be decoded, each with its error."""
    distinct = list({source.path: source for source in sources}.values())
    with observer.progress("images checked", len(distinct)) as progress, ThreadPoolExecutor() as pool:
        for start in range(0, len(distinct), _BATCH):
            batch = distinct[start : start + _BATCH]
            for source, error in zip(batch, pool.map(partial(_error, root), batch), strict=True):
                progress.advance()
                if error:
                    yield source.path, error


def _error(root: Path, source: Source) -> ImageError | None:
    try:
        read(root / source.path, source.sha256)
    except ImageError as error:
        return error
    return None
