"""Makes class folders of files of arrays and archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import PIL

from genie_cli.data.listing import counted
from genie_cli.errors import UsageError, shorten
from genie_cli.files.reading import blaming, sha256_of
from genie_cli.generate.paths import class_folder_of
from genie_cli.observer import Observer
from genie_cli.unpack.beside import labels_of
from genie_cli.unpack.detect import opened
from genie_cli.unpack.folder import MARKER, ClassFolders
from genie_cli.unpack.images import encoded
from genie_cli.unpack.packed import LAYOUTS, Packed, Picture, refused

_WRITERS = 8  # threads: flushing a file to the disk is mostly waiting
_MOST, _BYTES = 64, 1 << 25
_DIGITS = 8  # of the names of images, so that they sort in their order


@dataclass(frozen=True)
class Unpacked:
    """What was unpacked.

    Attributes:
        root: the folder, with a folder of images for each class.
        images: how many there are of each class.
        left_out: what is no image, and why.
    """

    root: Path
    images: Mapping[str, int]
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Unpacked: {sum(self.images.values())} images of {len(self.images)} classes; {self.root}>"


def unpack(files: Sequence[Path], root: Path, asked: str | None, observer: Observer) -> Unpacked:
    """Unpack the images of files to class folders, in the order of the files; images are numbered.

    Args:
        files: pickles, ``.npz``, Parquet, or tar archives.
        root: a new folder, or one where this was begun.
        asked: the key, column or field of the labels; None: one of those that are known.

    Raises:
        UsageError: a file cannot be read, or has no images with labels.
        OutputError: ``root`` holds something else, or cannot be written.
    """
    MARKER.require_free(root)
    files = _without_labels(files)
    totals = [opened(path, asked).total for path in files[1:]]  # all are looked at before anything is written
    first = opened(files[0], asked)
    total = None if None in (known := [first.total, *totals]) else sum(each for each in known if each)
    observer.found(f"{files[0]}: {first.layout}" + (f"; and {counted(len(files) - 1, 'file')}" if files[1:] else ""))
    folder, found, left_out = ClassFolders(root, _identity(files, asked)), Counter[str](), list[str]()
    with (
        folder.opened(),
        observer.progress("images unpacked", total) as progress,
        closing(_written(folder, _in_turn(files, first, asked))) as written,
    ):
        for path, picture, reason in written:
            if reason:
                left_out.append(f"{path}, {picture.place}: {reason}")
            else:
                found[picture.label] += 1
            progress.advance()
    if not found:
        raise UsageError(f"no image could be read: {left_out[0]}", LAYOUTS)
    observer.left_out(left_out)
    _tell(found, observer)
    return Unpacked(root, dict(found), tuple(left_out))


def _in_turn(files: Sequence[Path], first: Packed, asked: str | None) -> Iterator[tuple[Path, Picture]]:
    yield from ((files[0], picture) for picture in first.pictures)
    for path in files[1:]:
        yield from ((path, picture) for picture in opened(path, asked).pictures)


def _written(
    folder: ClassFolders, found: Iterable[tuple[Path, Picture]]
) -> Generator[tuple[Path, Picture, str], None, None]:
    """Write pictures; each comes back with the reason why it was not written, if it is none."""
    number = 0
    with ThreadPoolExecutor(_WRITERS) as pool:
        for batch in _batches(found):
            numbers = range(number, number + len(batch))
            reasons = pool.map(partial(_put, folder), [picture for _, picture in batch], numbers)
            for (path, picture), reason in zip(batch, reasons, strict=True):
                yield path, picture, reason
            number += len(batch)


def _batches(found: Iterable[tuple[Path, Picture]]) -> Iterator[list[tuple[Path, Picture]]]:
    """Pictures that are written at once: not many, and not many bytes."""
    batch: list[tuple[Path, Picture]] = []
    size = 0
    for path, picture in found:
        batch.append((path, picture))
        size += len(picture.data) if isinstance(picture.data, bytes) else picture.data.nbytes
        if len(batch) == _MOST or size > _BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _put(folder: ClassFolders, picture: Picture, number: int) -> str:
    """Write an image; returns why not, if it is none."""
    try:
        data, kind = encoded(picture.data)
    except ValueError as error:
        return str(error)
    folder.put(class_folder_of(picture.label), f"{number:0{_DIGITS}d}.{kind}", data)
    return ""


def _without_labels(files: Sequence[Path]) -> list[Path]:
    """The files but those of labels that are read with another one; UsageError if there is none."""
    labels = set()
    for path in files:
        with blaming(path, refused, "a file"):
            labels.add(labels_of(path))
    kept = [path for path in dict.fromkeys(files) if path not in labels]
    if not kept:
        raise UsageError("there is no file to unpack", "genie unpack FILE --out FOLDER")
    return kept


def _identity(files: Sequence[Path], asked: str | None) -> dict[str, Any]:
    """What makes this the same: the content of the files, and what writes pixels as PNG."""
    digests = []
    for path in files:
        with blaming(path, refused, "a file"):
            digests += [sha256_of(each) for each in (path, labels_of(path)) if each]
    return {"files": digests, "label": asked, "pillow": PIL.__version__}


def _tell(found: Mapping[str, int], observer: Observer) -> None:
    """Say what names of classes may not be as expected."""
    names = "say what they are called: --class-names FILE"
    if found and all(label.isdecimal() for label in found):
        observer.warning(f"the classes are numbers, since no names of them were found; for prompts, {names}")
    changed = [label for label in found if class_folder_of(label) != label]
    if changed:
        shown = shorten([f"{label!r} is {class_folder_of(label)!r}" for label in changed], 3, "; ")
        observer.warning(f"names of folders differ from those of {counted(len(changed), 'class', 'classes')}: {shown}")
