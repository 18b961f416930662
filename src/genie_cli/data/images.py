"""Decodes image files of any kind to upright 8-bit RGB, or says in an `ImageError` why that cannot be done.

Files may be rotated by EXIF, transparent, animated, in CMYK, with 16 bits per channel, truncated, or not images.

Nothing is written, and no setting of Pillow or of `warnings` is changed: `decode` runs in several threads.
This module does not import torch.
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

# Width to height, or height to width: the center crop of a longer strip shows next to nothing, and resized by its
# shorter side to a model's size it would be enormous.
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
    """Decode a file; see `decode` for what is returned.

    Args:
        path: the image file.
        sha256: the hash that its content must have, hexadecimal; empty: any.

    Raises:
        ImageError: as `decode`; also if the file cannot be read, or its hash differs.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(path, f"cannot be read: {error.strerror}") from None
    if data and sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ImageError(path, "has changed: its content is not what it was")
    return decode(data, path)


def decode(data: bytes, path: Path) -> Image.Image:
    """Decode an image to RGB, 8 bits per channel: its first frame, upright, over white, without metadata.

    Args:
        data: the bytes of the file.
        path: names the image in errors; it is not opened.

    Raises:
        ImageError: ``data`` is empty, not an image, truncated or damaged, has more than `MAX_PIXELS` pixels, is
            thinner than 1 to `MAX_ASPECT`, or has floating-point or integer pixels beyond 16 bits.

    What Pillow can read with a warning, such as damaged EXIF, is read, and the warning is passed on.
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
        # An image that is truncated early, or whose header is damaged, cannot be identified either.
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
        # An image with EXIF that cannot be parsed is taken as it is stored.
        with suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        rgb = _rgb(image, path)
    # The color profile, for one, belongs to the original and would be wrong on a copy.
    rgb.info.clear()
    return rgb


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    """A copy in RGB, transparent parts over white; ImageError if it is unknown which value is white."""
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
