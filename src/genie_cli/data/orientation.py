"""Which way up a picture is, as its EXIF says."""

from __future__ import annotations

import re
import struct

from PIL import Image

_TAG = 0x0112
_BYTE, _SHORT, _LONG = 1, 3, 4
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_IN_XMP = re.compile(r'tiff:Orientation(?:="|>)([1-8])')

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as an orientation, 1 to 8, says; the same object if it is upright, or for another number."""
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def orientation_of(image: Image.Image) -> int:
    """The orientation in an opened image's EXIF, or else in its XMP; 1, upright, if neither says.

    EXIF is not parsed but for this one number: it may claim that its tags take gigabytes. Pillow turns TIFF files
    itself, so of them it is 1.
    """
    if image.format == "TIFF":
        return 1
    found = _in_exif(image.info.get("exif") or _in_text(image.info.get("Raw profile type exif")))
    if found is None:
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or ""
        text = xmp.decode("latin-1") if isinstance(xmp, bytes) else str(xmp)
        match = _IN_XMP.search(text)
        found = int(match[1]) if match else None
    return found or 1


def _in_exif(exif: bytes) -> int | None:
    """The orientation in the first directory; None if there is none, or the data make no sense."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(exif[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, place)
            if tag == _TAG:
                form = {_BYTE: "B", _SHORT: "H", _LONG: "I"}.get(kind)
                return None if form is None else int(struct.unpack_from(f"{order}{form}", exif, place + 8)[0])
    except struct.error:
        pass
    return None


def _in_text(profile: object) -> bytes:
    """EXIF as ImageMagick writes it into a PNG: hexadecimal, after three lines; empty if it is not that."""
    try:
        return bytes.fromhex("".join(str(profile or "").split("\n")[3:]))
    except ValueError:
        return b""
