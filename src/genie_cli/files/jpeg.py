"""Walks the segments of a JPEG file without decoding it."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A progressive file has about 10 scans, one of a careful encoder 20. libjpeg-turbo warns at 500 and decodes each of
# them, at up to a tenth of a second: libtiff stops at 100, too.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000  # a large color profile or depth map has some hundreds

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"

_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment
_APPLICATION = range(0xE0, 0xF0)
_NEEDED = (0xE0, 0xEE)  # JFIF's and Adobe's, which say how colors are stored

# A marker: not in the data of a scan, where 0xFF is followed by a zero or a restart marker.
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


class TooManyError(Exception):
    """The file has so many scans or segments that decoding it could take minutes."""


@dataclass(frozen=True)
class Jpeg:
    """What decoding needs, and what genie reads besides.

    Attributes:
        data: the file without its metadata, which some decoders would parse.
        exif, xmp: as they are in the file, without their heads; empty if there are none.
    """

    data: bytes
    exif: bytes
    xmp: bytes


def is_jpeg(data: bytes) -> bool:
    """Whether the data begin as a JPEG file does."""
    return data.startswith(b"\xff\xd8\xff")


def examine(data: bytes) -> Jpeg:
    """Look through the segments of a JPEG file. A damaged file is taken as far as it can be followed.

    Raises:
        TooManyError: it has more than `MAX_SCANS` scans or `MAX_SEGMENTS` segments.
    """
    exif = xmp = b""
    kept: list[bytes | memoryview] = []
    view, place, copied, scans = memoryview(data), 2, 0, 0
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, place)
        if not found or found[1][0] == _END_OF_IMAGE:
            break
        marker, start = found[1][0], found.end()
        if marker in _ALONE:
            place = start
            continue
        end = start + int.from_bytes(data[start : start + 2], "big")
        place = max(end, start)
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise TooManyError(f"has more than {MAX_SCANS} scans")
            after = _AFTER_SCAN.search(data, place)
            place = after.start() if after else len(data)
        elif not scans and (marker == _COMMENT or marker in _APPLICATION) and marker not in _NEEDED:
            kept.append(view[copied : found.start()])
            copied = end
            content = data[start + 2 : end]
            if not exif and content.startswith(_EXIF):
                exif = content.removeprefix(_EXIF)
            elif content.startswith(_XMP):
                xmp = content.removeprefix(_XMP)
    else:
        raise TooManyError(f"has more than {MAX_SEGMENTS:,} segments")
    return Jpeg(b"".join([*kept, view[copied:]]) if kept else data, exif, xmp)
