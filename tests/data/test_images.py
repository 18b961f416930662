"""Every kind of picture that `decode` must take, and what it leaves alone."""

from __future__ import annotations

import hashlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from genie_cli.data import images
from genie_cli.data.images import _FORMATS, IMAGE_SUFFIXES, decode
from genie_cli.errors import ImageError
from tests.data.pictures import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    TOO_LARGE,
    WHITE,
    attempt,
    corners,
    huge,
    noise,
    opened,
    quadrants,
    saved,
    with_orientation,
)


def stored(path: Path, what: str) -> Any:
    """What Pillow itself says of a file, to be sure that a test tests what it claims to."""
    with Image.open(path) as image:
        return getattr(image, what)


def test_a_file_is_read_if_it_is_there_and_has_not_changed(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (2, 1), RED), tmp_path / "red.png")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert np.asarray(images.read(path, digest)).tolist() == [[list(RED)] * 2]
    assert np.asarray(images.read(path)).tolist() == [[list(RED)] * 2]
    with pytest.raises(ImageError, match="has changed"):
        images.read(path, "0" * 64)
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        images.read(tmp_path / "blue.png")


# What is taken


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_suffix_is_one_pillow_reads(suffix: str, tmp_path: Path) -> None:
    mode = {".pgm": "L", ".pbm": "1"}.get(suffix, "RGB")
    image = opened(saved(Image.new(mode, (6, 4), "white"), tmp_path / f"a{suffix}"))
    assert (type(image), image.mode, image.size, image.getpixel((5, 3))) == (Image.Image, "RGB", (6, 4), WHITE)


def test_lossless_rgb_is_unchanged(tmp_path: Path) -> None:
    image = opened(saved(noise(), tmp_path / "a.png"))
    assert np.array_equal(np.asarray(image), np.asarray(noise()))


def test_the_content_counts_not_the_name(tmp_path: Path) -> None:
    image = opened(saved(quadrants(), tmp_path / "a.jpg", format="PNG"))
    assert corners(image) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(("suffix", "values"), [(".png", "<u2"), (".tif", "<u2"), (".tif", ">u2"), (".pgm", ">u2")])
def test_sixteen_bit_grey_is_scaled_not_clipped(suffix: str, values: str, tmp_path: Path) -> None:
    greys = np.array([[0, 128, 129, 256, 32768, 65407, 65535]], dtype=np.uint16).repeat(3, axis=0)
    path = tmp_path / f"a{suffix}"
    if suffix == ".pgm":
        path.write_bytes(b"P5 7 3 65535\n" + greys.astype(values).tobytes())
    else:
        Image.fromarray(greys.astype(values)).save(path)
    pixels = np.asarray(opened(path))
    assert pixels.shape == (3, 7, 3)
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255, 255]
    assert (pixels == pixels[0, :, :1]).all()


def test_integer_greys_of_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, 32768, 65535]], dtype=np.int32)), tmp_path / "a.tif")
    assert stored(path, "mode") == "I"
    assert np.asarray(opened(path))[0, :, 0].tolist() == [0, 128, 255]


def test_the_transparent_grey_of_sixteen_bits_becomes_white(tmp_path: Path) -> None:
    greys = np.array([[0, 1000, 65535, 1001]], dtype=np.uint16)
    path = saved(Image.fromarray(greys), tmp_path / "a.png", transparency=1000)
    assert np.asarray(opened(path))[0, :, 1].tolist() == [0, 255, 255, 4]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_red_is_red(suffix: str, tmp_path: Path) -> None:
    path = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), tmp_path / f"a{suffix}")
    assert stored(path, "mode") == "CMYK"
    assert np.abs(np.asarray(opened(path)).astype(int) - RED).max() <= 3


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    image = opened(saved(quadrants().quantize(4), tmp_path / "a.gif"))
    assert corners(image) == ["red", "green", "blue", "white"]


def palette_picture() -> Image.Image:
    """Three pixels with palette indices 0, 1, 2: red, green, blue."""
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
    image.putpalette([*RED, *GREEN, *BLUE])
    return image


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_the_transparent_colour_of_a_palette_becomes_white(suffix: str, tmp_path: Path) -> None:
    path = saved(palette_picture(), tmp_path / f"a{suffix}", transparency=1)
    assert np.asarray(opened(path))[0].tolist() == [[*RED], [*WHITE], [*BLUE]]


def test_a_half_transparent_palette_is_mixed_with_white(tmp_path: Path) -> None:
    path = saved(palette_picture(), tmp_path / "a.png", transparency=bytes([255, 0, 51]))
    assert np.asarray(opened(path))[0].tolist() == [[*RED], [*WHITE], [204, 204, 255]]


@pytest.mark.parametrize(
    ("mode", "colours", "expected"),
    [
        ("RGBA", [(255, 0, 0, 255), (0, 0, 0, 0), (0, 0, 255, 51)], [RED, WHITE, (204, 204, 255)]),
        ("LA", [(0, 255), (0, 0), (0, 51)], [BLACK, WHITE, (204, 204, 204)]),
    ],
)
def test_transparency_is_over_white(mode: str, colours: Any, expected: Any, tmp_path: Path) -> None:
    pixels = np.array([colours], dtype=np.uint8)
    path = saved(Image.fromarray(pixels), tmp_path / "a.png")
    assert stored(path, "mode") == mode
    assert np.asarray(opened(path))[0].tolist() == [list(colour) for colour in expected]


def test_the_transparent_colour_of_rgb_becomes_white(tmp_path: Path) -> None:
    image = opened(saved(quadrants(), tmp_path / "a.png", transparency=BLUE))
    assert corners(image) == ["red", "green", "white", "white"]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_an_animation_gives_its_first_frame(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(frames[0], tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:], **options)
    assert stored(path, "n_frames") == 3
    assert (np.asarray(opened(path)) == RED).all()


ORIENTATIONS = {
    1: ["red", "green", "blue", "white"],
    2: ["green", "red", "white", "blue"],
    3: ["white", "blue", "green", "red"],
    4: ["blue", "white", "red", "green"],
    5: ["red", "blue", "green", "white"],
    6: ["blue", "red", "white", "green"],
    7: ["white", "green", "blue", "red"],
    8: ["green", "white", "red", "blue"],
}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_orientation_is_applied_once(orientation: int, suffix: str, tmp_path: Path) -> None:
    path = saved(quadrants(), tmp_path / f"a{suffix}", exif=with_orientation(orientation))
    image = opened(path)
    assert image.size == ((16, 24) if orientation >= 5 else (24, 16))
    assert corners(image) == ORIENTATIONS[orientation]


def test_sixteen_bits_are_turned_too(tmp_path: Path) -> None:
    greys = np.array([[0, 65535]], dtype=np.uint16)
    path = saved(Image.fromarray(greys), tmp_path / "a.png", exif=with_orientation(6))
    assert np.asarray(opened(path))[:, :, 0].tolist() == [[0], [255]]
    path = saved(Image.fromarray(greys), tmp_path / "b.png", exif=with_orientation(3))
    assert np.asarray(opened(path))[:, :, 0].tolist() == [[255, 0]]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # as it is outside of tests: a warning, no error
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("exif", [b"garbage!", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x09\0", b"II*\0"])
def test_exif_that_makes_no_sense_is_passed_over(exif: bytes, suffix: str, tmp_path: Path) -> None:
    exif = b"Exif\0\0" + exif if suffix == ".jpg" else exif
    image = opened(saved(quadrants(), tmp_path / f"a{suffix}", exif=exif))
    assert corners(image) == ["red", "green", "blue", "white"]


def test_no_metadata_is_left(tmp_path: Path) -> None:
    path = saved(quadrants(), tmp_path / "a.jpg", exif=with_orientation(6), icc_profile=b"profile", comment=b"hello")
    assert opened(path).info == {}


# What is left alone


def test_threads_decode_alike_and_change_no_setting(tmp_path: Path) -> None:
    good = saved(noise(), tmp_path / "a.jpg", exif=with_orientation(6)).read_bytes()
    bad = good[: len(good) // 2]
    before = (list(warnings.filters), Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda data: attempt(data, tmp_path), [good, bad, huge(12000, 12000)] * 20))
    assert results == [attempt(good, tmp_path), "is truncated", TOO_LARGE] * 20
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF) == before


def test_every_format_is_known_to_pillow() -> None:
    Image.init()
    assert set(_FORMATS) <= set(Image.OPEN)


def test_the_data_may_come_from_anywhere() -> None:
    buffer = BytesIO()
    quadrants().save(buffer, "PNG")
    path = Path("there/is/no/such/file.png")
    assert corners(decode(buffer.getvalue(), path)) == ["red", "green", "blue", "white"]
