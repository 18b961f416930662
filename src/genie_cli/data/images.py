"""One picture, from anywhere, as plain RGB.

Pictures found in the wild are turned by their EXIF, transparent, animated, in CMYK, in sixteen bits, cut off,
or not pictures at all. Here each becomes upright 8-bit RGB or an `ImageError` that says why not.

Nothing here writes, nor changes a setting of Pillow or of `warnings`: `decode` runs in several threads.
This module does not know torch.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from genie_cli.errors import ImageError

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)

# What Pillow warns at by default, a quarter of a gibibyte of RGB. Pillow itself refuses only twice as many, but
# decoding takes several copies at four bytes a pixel, and no model here sees more than a few megapixels.
MAX_PIXELS = 89_478_485

# Width to height, or height to width: cut square, a longer strip shows next to nothing, and scaled by its shorter
# side to a model's size it would be enormous.
MAX_ASPECT = 100

# Only these are tried, whatever the name says: some of Pillow's other readers run programs (EPS) or guess.
# Multi-picture JPEG (MPO) comes with JPEG.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*")

_EMPTY = "is empty (0 bytes)"
_NOT_AN_IMAGE = "is not an image"
_TRUNCATED = "is truncated"
_BROKEN = "is truncated, damaged or of a kind that cannot be read"
_TOO_LARGE = f"is too large: a decompression bomb, or a picture of more than {MAX_PIXELS:,} pixels"
_UNKNOWN_WHITE = "has pixels of more than 16 bits, which do not say how bright white is"


def read(path: Path, sha256: str = "") -> Image.Image:
    """The picture in a file, as `decode` gives it.

    Args:
        sha256: what its content must be; empty: anything.

    Raises:
        ImageError: as `decode`; also if the file cannot be read, or has another content.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(path, f"cannot be read: {error.strerror}") from None
    if data and sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ImageError(path, "has changed: its content is not what it was")
    return decode(data, path)


def decode(data: bytes, path: Path) -> Image.Image:
    """The picture in ``data``: mode RGB, 8 bit, upright, its first frame, over white, without metadata.

    Args:
        data: the file's bytes.
        path: only to name the picture in an error; it is not opened.

    Raises:
        ImageError: ``data`` is empty, not an image, truncated or damaged, has more than `MAX_PIXELS` pixels, is
            thinner than 1 to `MAX_ASPECT`, or has floating-point or integer pixels beyond 16 bits.

    What Pillow finds odd but can read, such as damaged EXIF, it reports as a warning, and so it arrives.
    """
    if not data:
        raise ImageError(path, _EMPTY)
    try:
        return _decode(data, path)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        # Cut off early or damaged in its header, an image cannot be identified either.
        reason = _BROKEN if data.startswith(_SIGNATURES) else _NOT_AN_IMAGE
        raise ImageError(path, reason, f"formats that can be read: {', '.join(_FORMATS)}") from error
    except Exception as error:  # On bad bytes Pillow's readers raise almost anything, down to struct.error.
        raise ImageError(path, _TRUNCATED if "truncated" in str(error).lower() else _BROKEN) from error


def _decode(data: bytes, path: Path) -> Image.Image:
    with Image.open(BytesIO(data), formats=_FORMATS) as image:
        # Nothing is decoded yet. Pillow has looked at the size too, but only warns, or not even that if told so.
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(path)
        if max(image.size) > MAX_ASPECT * min(image.size):
            raise ImageError(path, f"is {image.width} x {image.height} pixels: too long and thin", "crop it first")
        image.load()
        # EXIF that cannot be understood is no reason to refuse a picture: it is taken as it is stored.
        with suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        rgb = _rgb(image, path)
    # A colour profile, for one, was the original's and would be wrong on a copy.
    rgb.info.clear()
    return rgb


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    """A copy in RGB, transparent parts over white; `ImageError` if its greys have no known white."""
    if image.mode == "F":
        raise ImageError(path, _UNKNOWN_WHITE)
    if image.mode.startswith("I"):
        return _grey(image, path).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image, path: Path) -> Image.Image:
    """16-bit greys, in Pillow's modes I;16* or I, scaled to mode L; Pillow would clip them at 255."""
    values = np.asarray(image).astype(np.int32)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ImageError(path, _UNKNOWN_WHITE)
    grey = ((values + 128) // 257).astype(np.uint8)  # 65535 = 255 * 257, rounded
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey)


def _too_large(path: Path) -> ImageError:
    return ImageError(path, _TOO_LARGE, "scale it down first")
