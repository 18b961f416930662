"""The metadata: for each image its file's name and its columns; and how Croissant joins it to the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from genie_cli.export.croissant import field, file_object
from genie_cli.export.form import Content, Json
from genie_cli.generate.card import Feature
from genie_cli.generate.metadata import line_of, write_table

_OBJECT, _IMAGES = "metadata", "images"  # what Croissant calls the file, and the set of image files
_TYPES = {".jsonl": "application/jsonlines", ".parquet": "application/x-parquet"}
_FILE_NAME = Feature("file_name", "string", "the image's file")


def write(content: Content, names: Iterable[str], file: BinaryIO) -> None:
    """Write it.

    Args:
        names: of the images' files, in their order.
    """
    for record in _records(content, names):
        file.write(line_of(record).encode())


def write_as_table(content: Content, names: Iterable[str], file: BinaryIO) -> None:
    """The same as Parquet."""
    write_table(_records(content, names), (_FILE_NAME, *content.features), file)


def _records(content: Content, names: Iterable[str]) -> Iterator[Json]:
    for name, sample in zip(names, content.samples, strict=True):
        yield {_FILE_NAME.name: name, **content.record(sample)}


def croissant(
    name: str, digest: str, images: Json, content: Content, *, in_folders: bool
) -> tuple[list[Json], list[Json]]:
    """The files and columns of a set of image files and this one, for `form.Form.croissant`.

    Args:
        name: of this file in the set.
        digest: its SHA-256.
        images: the properties of the set of image files.
        in_folders: whether they lie in folders, and not in archives.
    """
    files = [
        file_object(name, digest, _TYPES[PurePosixPath(name).suffix], _OBJECT),
        {"@type": "cr:FileSet", "@id": _IMAGES, **images},
    ]
    image = {"source": {"fileSet": {"@id": _IMAGES}, "extract": {"fileProperty": "content"}}}
    fields = [field(Feature("image", "image", "the image"), image), field(_FILE_NAME, _join(in_folders))]
    fields += [field(each, {"source": _column(each.name)}) for each in content.features]
    return files, fields


def _column(name: str) -> Json:
    return {"fileObject": {"@id": _OBJECT}, "extract": {"column": name}}


def _join(in_folders: bool) -> Json:
    """Keys are hashes, so a file's name says which image it is, in whatever folder it lies.

    The order matters to readers: only the first can be transformed, and the content of archived files is only found by
    way of the first.
    """
    known = _column(_FILE_NAME.name)
    named = {"fileSet": {"@id": _IMAGES}, "extract": {"fileProperty": "filename"}}
    if in_folders:
        return {"source": {**known, "transform": {"regex": "(?:.*/)?(.+)"}}, "references": named}
    return {"source": named, "references": known}
