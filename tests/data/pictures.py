"""Pictures to write and decode, and the colours found in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genie_cli.data.images import decode
from genie_cli.errors import ImageError

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
TOO_LARGE = "is too large: a decompression bomb, or a picture of more than 89,478,485 pixels"


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def opened(path: Path) -> Image.Image:
    return decode(path.read_bytes(), path)


def attempt(data: bytes, path: Path) -> Image.Image | str:
    """The picture, or the reason why there is none; any other error is the test's failure."""
    try:
        return decode(data, path)
    except ImageError as error:
        return error.reason


def noise(height: int = 40, width: int = 30) -> Image.Image:
    """A picture that does not compress, so that cutting the file cuts the picture."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def quadrants() -> Image.Image:
    """24x16: red and green above blue and white; large enough for JPEG to keep the colours apart."""
    image = Image.new("RGB", (24, 16), RED)
    image.paste(GREEN, (12, 0, 24, 8))
    image.paste(BLUE, (0, 8, 12, 16))
    image.paste(WHITE, (12, 8, 24, 16))
    return image


def corners(image: Image.Image) -> list[str]:
    """The names of the colours at top left, top right, bottom left, bottom right."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", WHITE: "white", BLACK: "black"}
    right, bottom = image.width - 2, image.height - 2
    found = []
    for place in [(1, 1), (right, 1), (1, bottom), (right, bottom)]:
        pixel = np.array(image.getpixel(place), dtype=int)
        nearest = min(names, key=lambda colour: np.abs(pixel - colour).sum())
        assert np.abs(pixel - nearest).max() < 40, f"{pixel} at {place} is none of the colours"
        found.append(names[nearest])
    return found


def huge(width: int, height: int) -> bytes:
    """A bitmap's header for so many pixels, without them."""
    return b"P6 %d %d 255\n" % (width, height)


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
