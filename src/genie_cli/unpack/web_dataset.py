"""WebDataset shards: tar archives with ``<key>.jpg`` and ``<key>.cls`` or ``<key>.json`` of each image.

Members are read one after another, and nothing is unpacked to where their names lead.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genie_cli.errors import shorten
from genie_cli.files.reading import blaming, open_binary, parse_json
from genie_cli.unpack.labels import label_of
from genie_cli.unpack.packed import Packed, Picture, refused

_KIND = "a tar archive of samples"
_MEMBER = re.compile(r"(?P<key>(?:.*/)?[^/.]+)\.(?P<extension>[^/]+)")
_IMAGES = ("jpg", "jpeg", "png", "webp", "image", "img")
_FIELDS = ("label", "class_name", "class", "target")  # of the JSON
_LARGEST = 1 << 28  # bytes of a member

Parts = dict[str, bytes]


def read(path: Path, asked: str | None) -> Packed:
    """Read a shard, one sample after another."""
    return Packed(_pictures(path, asked), None, "samples of a tar archive")


def _pictures(path: Path, asked: str | None) -> Iterator[Picture]:
    with blaming(path, refused, _KIND):
        for key, parts in _samples(path):
            kind = next((kind for kind in _IMAGES if kind in parts), "")
            if kind:
                yield Picture(_label(path, key, parts, asked), parts[kind], key)


def _samples(path: Path) -> Iterator[tuple[str, Parts]]:
    """The members of each key, by their extensions in lower case; those of a key follow each other."""
    key, parts = "", Parts()
    with open_binary(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # it would collect them
            found = _MEMBER.fullmatch(member.name)
            if not found or not member.isreg() or member.issparse():
                continue
            if found["key"] != key:
                if parts:
                    yield key, parts
                key, parts = found["key"], Parts()
            if member.size > _LARGEST:
                raise ValueError(f"{member.name} has more than {_LARGEST:,} bytes")
            stream = archive.extractfile(member)
            parts[found["extension"].lower()] = stream.read() if stream else b""
        file.seek(archive.offset)
        if any(end := file.read(tarfile.BLOCKSIZE)) or not end:  # where tarfile sees no error
            raise refused(f"{path} is damaged or cut off: its end is missing", "download it again")
    if parts:
        yield key, parts


def _label(path: Path, key: str, parts: Parts, asked: str | None) -> str:
    """A sample's class: a text of its JSON, else its ``.cls``, else a number of its JSON."""
    known = _fields(parts, asked)
    texts = [value for value in known if isinstance(value, str)]
    if texts:
        return label_of(texts[0], {})
    if asked is None and "cls" in parts:
        text = parts["cls"].decode().strip()
        return label_of(int(text) if text.isascii() and text.isdigit() else text, {})
    if known:
        return label_of(known[0], {})
    had = shorten([f".{each}" for each in sorted(parts)], 12)
    fields = shorten(sorted(map(repr, _json(parts))), 12)
    what = f"no {asked!r} in its .json" if asked else "neither a .cls nor a label in its .json"
    raise refused(
        f"{path}: the sample {key} has {what}; it has {had}{f', and in its .json {fields}' if fields else ''}",
        "name the field of the .json that has the label: --label FIELD",
    )


def _fields(parts: Parts, asked: str | None) -> list[Any]:
    content = _json(parts)
    return [content[name] for name in ((asked,) if asked else _FIELDS) if content.get(name) is not None]


def _json(parts: Parts) -> dict[str, Any]:
    content = parse_json(parts["json"].decode()) if "json" in parts else {}
    return content if isinstance(content, dict) else {}
