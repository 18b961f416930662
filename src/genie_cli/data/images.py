"""Decodes image files of any kind to upright 8-bit RGB, or says in an `ImageError` why that cannot be done.

Files may be rotated by EXIF, transparent, animated, in CMYK, with 16 bits per channel, truncated, made to exhaust time
or memory, or not images.

Nothing is written, and no setting of Pillow or of `warnings` is changed: `decode` runs in several threads.
This module does not import torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, features

from genie_cli.data.orientation import orientation_of, upright
from genie_cli.errors import ImageError
from genie_cli.files.image_data import LimitError, open_image
from genie_cli.files.reading import read_bytes, reason

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".avif",
    )
)

# What phones and cameras write, and Pillow does not read, by the names of the files.
_NOT_READ = {
    "HEIC": (".heic", ".heif", ".hif"),
    "JPEG XL": (".jxl",),
    "JPEG 2000": (".jp2", ".j2k"),
    "AVIF": (".avif",),  # by an older Pillow
    "raw": (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
}

# What Pillow warns at by default, a quarter of a gibibyte of RGB. Pillow itself refuses only twice as many, but
# decoding takes several copies at four bytes a pixel, and no model here sees more than a few megapixels.
MAX_PIXELS = 89_478_485

# Width to height, or height to width: the center crop of a longer strip shows next to nothing, and resized by its
# shorter side to a model's size it would be enormous.
MAX_ASPECT = 100

# Only these are tried, whatever the name says: some of Pillow's other readers run programs (EPS) or guess.
# Multi-picture JPEG (MPO) comes with JPEG.
_HAS_AVIF = "avif" in features.modules and bool(features.check("avif"))  # from Pillow 11.3 on, if it was built with it
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", *(["AVIF"] if _HAS_AVIF else []))
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*")

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF = (b"ftypavif", b"ftypavis")
_BEGINNINGS = {
    b"\xff\n": ".jxl",
    b"\0\0\0\x0cJXL ": ".jxl",
    b"\0\0\0\x0cjP  ": ".jp2",
    b"\xff\x4f\xff\x51": ".jp2",
}
_BAND = 1 << 22  # pixels that are converted at a time

_EMPTY = "is empty (0 bytes)"
_NOT_AN_IMAGE = "is not an image"
_TRUNCATED = "is truncated"
_BROKEN = "is truncated, damaged or of a kind that cannot be read"
_TOO_LARGE = f"is too large: a decompression bomb, or a picture of more than {MAX_PIXELS:,} pixels"
_UNKNOWN_WHITE = "has pixels of more than 16 bits, which do not say how bright white is"


def how_to_convert(suffix: str) -> str:
    """What to do about an image of a kind that is not read, by its extension; empty if it is none of these."""
    name = next((name for name, suffixes in _NOT_READ.items() if suffix in suffixes), "")
    how = "convert it to JPEG or PNG, as with ImageMagick: magick mogrify -format png"
    return f"is {name}, which is not read; {how} *{suffix}" if name else ""


def _extension_of(data: bytes) -> str:
    """The extension of a file of a kind that is not read, by how it begins; else empty."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return ".heic"
    if data[4:12] in _AVIF and not _HAS_AVIF:
        return ".avif"
    return next((suffix for start, suffix in _BEGINNINGS.items() if data.startswith(start)), "")


def read(path: Path, sha256: str = "", shorter: int | None = None) -> Image.Image:
    """Decode a file; see `decode` for what is returned.

    Args:
        path: the image file.
        sha256: the hash that its content must have, hexadecimal; empty: any.
        shorter: as for `decode`.

    Raises:
        ImageError: as `decode`; also if the file is not a regular one or cannot be read, or its hash differs.
    """
    data = read_file(path)
    if data and sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ImageError(path, "has changed: its content is not what it was")
    return decode(data, path, shorter)


def read_file(path: Path) -> bytes:
    """The bytes of an image file, which are not looked at.

    Raises:
        ImageError: it is not there, not a regular file, may not be read, or has more than a gibibyte.
    """
    try:
        return read_bytes(path)
    except OSError as error:
        raise ImageError(path, f"cannot be read: {reason(error)}") from None
    except MemoryError:
        raise ImageError(path, "cannot be read: it does not fit into memory") from None


def decode(data: bytes, path: Path, shorter: int | None = None) -> Image.Image:
    """Decode an image to RGB, 8 bits per channel: its first frame, upright, over white, without metadata.

    Args:
        data: the bytes of the file.
        path: names the image in errors; it is not opened.
        shorter: pixels that the shorter side is needed to have, if it will be resized: a JPEG is then decoded at a
            half, a quarter or an eighth of its size, as long as its shorter side keeps twice as many. None: full size.

    Raises:
        ImageError: ``data`` is empty, not an image, truncated or damaged, has more than `MAX_PIXELS` pixels, is
            thinner than 1 to `MAX_ASPECT`, has floating-point or integer pixels beyond 16 bits, takes more than
            `files.image_data.MAX_SECONDS` to decode, or does not fit into memory.

    What Pillow can read with a warning is read, and the warning is passed on. EXIF that makes no sense is passed over.
    """
    if not data:
        raise ImageError(path, _EMPTY)
    try:
        picture, orientation = _decode(data, path, shorter)
        picture = upright(picture, orientation)
    except ImageError:
        raise
    except LimitError as error:
        raise ImageError(path, str(error), "save it again with an image editor") from None
    except MemoryError:
        raise ImageError(path, "does not fit into memory", "scale it down first") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        # An image that is truncated early, or whose header is damaged, cannot be identified either.
        is_known = data.startswith(_SIGNATURES) or (_HAS_AVIF and data[4:12] in _AVIF)
        why = _BROKEN if is_known else how_to_convert(_extension_of(data)) or _NOT_AN_IMAGE
        raise ImageError(path, why, f"formats that can be read: {', '.join(_FORMATS)}") from error
    except Exception as error:  # On bad bytes Pillow's readers raise almost anything, down to struct.error.
        raise ImageError(path, _TRUNCATED if "truncated" in str(error).lower() else _BROKEN) from error
    # The color profile, for one, belongs to the original and would be wrong on a copy.
    picture.info.clear()
    return picture


def _decode(data: bytes, path: Path, shorter: int | None) -> tuple[Image.Image, int]:
    """The picture as it is stored, in RGB, and its orientation. What it was decoded from is freed on return."""
    with open_image(data, _FORMATS) as image:
        # Nothing is decoded yet. Pillow has looked at the size too, but only warns, or not even that if told so.
        if image.width * image.height > MAX_PIXELS or _tile(image) > MAX_PIXELS:
            raise _too_large(path)
        if max(image.size) > MAX_ASPECT * min(image.size):
            raise ImageError(path, f"is {image.width} x {image.height} pixels: too long and thin", "crop it first")
        if shorter:
            image.draft(None, (2 * shorter, 2 * shorter))
        image.load()
        return _rgb(image, path), orientation_of(image)


def _tile(image: Image.Image) -> int:
    """Pixels of a tile of a tiled TIFF, which may be larger than the picture; else 0."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    width, length = (image.tag_v2.get(tag, 0) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH))
    return int(width) * int(length)


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    """The picture in RGB, transparent parts over white; ImageError if it is unknown which value is white.

    Large pictures are converted in bands, so that there are two copies in memory, and not four.
    """
    if image.mode == "F":
        raise ImageError(path, _UNKNOWN_WHITE)
    if image.mode.startswith("I"):
        convert: Callable[[Image.Image], Image.Image] = partial(_grey, path=path)
        target = "L"
    elif image.has_transparency_data:
        convert, target = _over_white, "RGB"
    else:
        return image.convert("RGB") if image.mode != "RGB" else image._new(image.im)  # not convert: that copies
    picture = Image.new(target, image.size)
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        picture.paste(convert(band), (0, top))
    return picture.convert("RGB") if target != "RGB" else picture


def _over_white(band: Image.Image) -> Image.Image:
    white = Image.new("RGBA", band.size, "white")
    return Image.alpha_composite(white, band.convert("RGBA")).convert("RGB")


def _grey(band: Image.Image, path: Path) -> Image.Image:
    """16-bit greys, in Pillow's modes I;16* or I, scaled to mode L; Pillow would clip them at 255."""
    values = np.asarray(band).astype(np.int32)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ImageError(path, _UNKNOWN_WHITE)
    grey = ((values + 128) // 257).astype(np.uint8)  # 65535 = 255 * 257, rounded
    if "transparency" in band.info:
        grey[values == band.info["transparency"]] = 255
    return Image.fromarray(grey)


def _too_large(path: Path) -> ImageError:
    return ImageError(path, _TOO_LARGE, "scale it down first")
