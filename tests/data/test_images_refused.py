"""Every kind of file that `decode` must refuse, with a reason that names it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genie_cli.data import images
from genie_cli.data.images import MAX_PIXELS
from genie_cli.errors import ImageError
from tests.data.pictures import TOO_LARGE, attempt, huge, noise, opened, saved

BROKEN = "is truncated, damaged or of a kind that cannot be read"
UNKNOWN_WHITE = "has pixels of more than 16 bits, which do not say how bright white is"


def refusal(path: Path) -> str:
    """The reason why a file is refused, once it is certain that the error names the file."""
    with pytest.raises(ImageError) as caught:
        opened(path)
    assert caught.value.path == path
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    assert refusal(tmp_path / "a.jpg") == "is empty (0 bytes)"


@pytest.mark.parametrize("data", [b"<html>404</html>", b"\0", b"PK\x03\x04" + bytes(100), b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_a_file_that_is_not_an_image(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    assert refusal(tmp_path / "a.jpg") == "is not an image"


@pytest.mark.parametrize("kind", ["ICO", "TGA", "EPS"])
def test_formats_that_are_not_read_whatever_the_name(kind: str, tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "a.png", format=kind)
    with pytest.raises(ImageError, match=r"is not an image$") as caught:
        opened(path)
    assert caught.value.hint == "formats that can be read: JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".gif", ".tif", ".ppm"])
def test_a_truncated_file(suffix: str, tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert refusal(path) == "is truncated"


def test_a_truncated_webp(tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "a.webp", lossless=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(path) == BROKEN


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".ppm"])
def test_a_file_cut_anywhere_is_refused_or_whole(suffix: str, tmp_path: Path) -> None:
    """Cut after any byte, a file is an `ImageError` and nothing else, or has lost no pixel."""
    path = saved(noise(8, 8).quantize(8) if suffix == ".gif" else noise(8, 8), tmp_path / f"a{suffix}")
    data, whole, refused = path.read_bytes(), np.asarray(opened(path)), 0
    for length in range(len(data)):
        result = attempt(data[:length], path)
        if isinstance(result, str):
            assert result in {"is empty (0 bytes)", "is not an image", "is truncated", BROKEN}
            refused += 1
        else:
            assert np.array_equal(np.asarray(result), whole)
    assert refused > 0.8 * len(data)


def test_a_damaged_file(tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "a.png")
    data = bytearray(path.read_bytes())
    data[20] ^= 0xFF  # within the header, whose checksum no longer fits
    path.write_bytes(data)
    assert refusal(path) == BROKEN


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".ppm"])
def test_damage_anywhere_is_an_image_error_at_worst(suffix: str, tmp_path: Path) -> None:
    path = saved(noise(12, 9), tmp_path / f"a{suffix}")
    data, rng = path.read_bytes(), np.random.default_rng(1)
    for _ in range(60):
        bad = bytearray(data)
        for place in rng.integers(0, min(len(data), 200), size=3):
            bad[place] = rng.integers(256)
        result = attempt(bytes(bad), path)
        assert result if isinstance(result, str) else result.mode == "RGB"


@pytest.mark.parametrize("side", [9460, 12000, 20000])  # above MAX_PIXELS, where Pillow warns, where it raises
def test_a_decompression_bomb(side: int, tmp_path: Path) -> None:
    assert side**2 > MAX_PIXELS
    (tmp_path / "a.ppm").write_bytes(huge(side, side))
    assert refusal(tmp_path / "a.ppm") == TOO_LARGE


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_pillow_only_warns_of(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(huge(12000, 12000))
    assert refusal(tmp_path / "a.ppm") == TOO_LARGE


def test_a_decompression_bomb_pillow_was_told_to_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "a.ppm").write_bytes(huge(20000, 20000))
    assert refusal(tmp_path / "a.ppm") == TOO_LARGE


def test_the_largest_picture_allowed_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    assert opened(saved(noise(10, 10), tmp_path / "a.png")).size == (10, 10)
    assert refusal(saved(noise(1, 101), tmp_path / "b.png")) == TOO_LARGE


def test_a_picture_without_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a" + struct.pack("<HHBBB", 0, 5, 0, 0, 0) + b",\0\0\0\0\0\0\0\0\0\x02\0;")
    assert refusal(tmp_path / "a.gif") == BROKEN


def test_floating_point_pixels(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)), tmp_path / "a.tif")
    assert refusal(path) == UNKNOWN_WHITE


@pytest.mark.parametrize("value", [-1, 65536])
def test_integer_pixels_beyond_sixteen_bits(value: int, tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, value]], dtype=np.int32)), tmp_path / "a.tif")
    assert refusal(path) == UNKNOWN_WHITE
