"""Files that were made to take minutes or all memory are refused at once, and a file is read as what it is now."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ImageFile import ImageFile

from genie_cli.data.images import decode, read
from genie_cli.errors import ImageError
from genie_cli.files import image_data
from genie_cli.files.image_data import LimitError, open_image
from tests.data.pictures import TOO_LARGE, attempt, noise, saved, with_orientation
from tests.files.jpegs import jpeg, segment, with_scans

SUFFIXES = [".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".ppm"]


def seconds(action: Callable[[], object]) -> float:
    start = time.thread_time()
    action()
    return time.thread_time() - start


def test_a_jpeg_with_thousands_of_scans(tmp_path: Path) -> None:
    data = with_scans(3000)
    assert seconds(lambda: attempt(data, tmp_path)) < 0.5
    assert attempt(data, tmp_path) == "has more than 100 scans"


def test_a_header_that_has_no_end(tmp_path: Path) -> None:
    """Pillow reads the header of a PPM byte by byte, and a comment in it may be as long as the file."""
    data = b"P6 #" + b"a" * (1 << 25)
    assert seconds(lambda: attempt(data, tmp_path)) < 5
    assert attempt(data, tmp_path) == "has more than 1,048,576 bytes that can only be read one by one"
    assert decode(b"P6 #" + b"a" * 1000 + b"\n1 1 255 abc", tmp_path).size == (1, 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_a_limit_of_time(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(noise(100, 100), tmp_path / f"a{suffix}").read_bytes()
    monkeypatch.setattr(image_data, "MAX_SECONDS", -1.0)
    assert attempt(data, tmp_path) == "takes more than -1 s to decode"


def test_decoding_stops_soon_after_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = BytesIO()
    Image.new("RGB", (4000, 4000)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    slow = data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 85 + b"\xff\xd9"
    whole = seconds(lambda: decode(slow, tmp_path))
    monkeypatch.setattr(image_data, "MAX_SECONDS", 0.1)
    assert seconds(lambda: attempt(slow, tmp_path)) < whole / 2
    assert attempt(slow, tmp_path) == "takes more than 0 s to decode"


def test_a_busy_machine_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_data, "MAX_SECONDS", 0.1)
    image = open_image(jpeg(), ("JPEG",))
    busy = threading.Thread(target=lambda: sum(range(10_000_000)))
    busy.start()
    busy.join()
    image.load()


def test_a_file_that_is_read_again_and_again() -> None:
    image = open_image(saved_png(), ("PNG",))
    assert isinstance(image, ImageFile)

    def read_again() -> None:
        assert image.fp is not None
        for _ in range(100_000):
            image.fp.seek(0)
            image.fp.read()

    with pytest.raises(LimitError, match="again and again"):
        read_again()


def saved_png() -> bytes:
    buffer = BytesIO()
    noise().save(buffer, "PNG")
    return buffer.getvalue()


def test_exif_that_claims_gigabytes(tmp_path: Path) -> None:
    """Thousands of tags, each of which has the whole of the EXIF for its value."""
    tags = b"".join(struct.pack("<HHII", tag, 7, 60_000, 8) for tag in range(0x8000, 0x8000 + 5000))
    exif = b"II*\0" + struct.pack("<IH", 8, 5000) + tags
    first, *rest = (exif[start : start + 60_000] for start in range(0, len(exif), 60_000))
    many = jpeg()[:2] + b"".join(segment(0xE1, b"Exif\0\0" + part) for part in (first, *rest) * 50) + jpeg()[2:]
    assert seconds(lambda: decode(many, tmp_path)) < 0.5
    assert np.array_equal(np.asarray(decode(many, tmp_path)), np.asarray(decode(jpeg(), tmp_path)))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_png_text_that_expands_to_gigabytes(tmp_path: Path) -> None:
    png = saved_png()
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))
    result: list[object] = []
    assert seconds(lambda: result.append(attempt(png[:33] + bomb * 20 + png[33:], tmp_path))) < 1
    assert result == ["is truncated, damaged or of a kind that cannot be read"]


def tiff(entries: Mapping[int, int | tuple[int, ...]], blob: bytes) -> bytes:
    """A TIFF whose tags are numbers of four bytes each; the number -1 stands for where the blob begins."""
    begins = 8 + 2 + 12 * len(entries) + 4
    after = begins + sum(4 * len(value) for value in entries.values() if isinstance(value, tuple))
    directory, extra = b"", b""
    for tag, value in sorted(entries.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(values)}I", *(after if number == -1 else number for number in values))
        inline = packed if len(values) == 1 else struct.pack("<I", begins + len(extra))
        directory += struct.pack("<HHI", tag, 4, len(values)) + inline
        extra += packed if len(values) > 1 else b""
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + extra + blob


def test_a_tiff_whose_tile_is_a_thousand_times_as_large_as_the_picture(tmp_path: Path) -> None:
    blob = zlib.compress(bytes(1000))
    entries = {256: 100, 257: 100, 258: 8, 259: 8, 262: 1, 277: 1, 322: 20_000, 323: 20_000, 324: -1, 325: len(blob)}
    assert attempt(tiff(entries, blob), tmp_path) == TOO_LARGE


def test_a_tiff_of_thousands_of_strips(tmp_path: Path) -> None:
    """Each strip is the same row, and claims the whole of the file."""
    width, height = 100, 9000
    row = zlib.compress(bytes([200] * width))
    blob = row + bytes(1_000_000)
    strips = {273: (-1,) * height, 279: (len(blob),) * height}
    data = tiff({256: width, 257: height, 258: 8, 259: 8, 262: 1, 277: 1, 278: 1, **strips}, blob)
    result: list[Image.Image | str] = []
    assert seconds(lambda: result.append(attempt(data, tmp_path))) < 2
    assert isinstance(result[0], str) or (np.asarray(result[0]) == 200).all()


def test_a_tiff_whose_directories_lead_in_a_circle(tmp_path: Path) -> None:
    data = bytearray(tiff({256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: -1, 277: 1, 278: 1, 279: 1}, b"\xc8"))
    struct.pack_into("<I", data, 8 + 2 + 12 * 9, 8)  # the next directory is this one
    image = decode(bytes(data), tmp_path)
    assert image.getpixel((0, 0)) == (200, 200, 200)


def test_an_animation_of_thousands_of_frames_costs_one(tmp_path: Path) -> None:
    frames = [Image.new("P", (16, 16), number % 7) for number in range(3000)]
    data = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:]).read_bytes()
    assert seconds(lambda: decode(data, tmp_path)) < 0.2


# Files that are none


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="cannot be read: it is a named pipe, not a regular file"):
        read(tmp_path / "a.jpg")


def test_a_link_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("/dev/zero")
    with pytest.raises(ImageError, match="cannot be read: it is a device, not a regular file"):
        read(tmp_path / "a.jpg")


def test_a_file_larger_than_any_picture_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(1 << 40)  # without a byte on disk
    with pytest.raises(ImageError, match="cannot be read: it has more than 1,073,741,824 bytes"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a\0.jpg", "a" * 300 + ".jpg", "\udcff\ud800.jpg"])
def test_names_that_no_file_has(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be read: (no file can have this name|File name too long|No such)"):
        read(tmp_path / name)


# Reduced size


@pytest.mark.parametrize(
    ("side", "shorter", "expected"), [(400, 100, 200), (400, 25, 50), (400, 110, 400), (399, 50, 200)]
)
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_is_decoded_no_larger_than_it_need_be(
    side: int, shorter: int, expected: int, options: dict[str, bool], tmp_path: Path
) -> None:
    data = saved(noise(side, side + 100), tmp_path / "a.jpg", **options).read_bytes()
    assert min(decode(data, tmp_path, shorter).size) == expected
    assert min(decode(data, tmp_path).size) == side


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".jpg"])
def test_other_formats_stay_as_they_are(suffix: str, tmp_path: Path) -> None:
    data = saved(noise(400, 300), tmp_path / f"a{suffix}").read_bytes()
    assert np.array_equal(np.asarray(decode(data, tmp_path, 20)), np.asarray(decode(data, tmp_path)))


def test_a_reduced_jpeg_is_turned_and_shows_the_same(tmp_path: Path) -> None:
    picture = Image.effect_mandelbrot((800, 600), (-2, -1.2, 1, 1.2), 50).convert("RGB")
    data = saved(picture, tmp_path / "a.jpg", quality=95, exif=with_orientation(6)).read_bytes()
    reduced, whole = decode(data, tmp_path, 64), decode(data, tmp_path)
    assert (reduced.size, whole.size) == ((150, 200), (600, 800))
    small = [np.asarray(image.resize((60, 80), Image.Resampling.BILINEAR)).astype(int) for image in (reduced, whole)]
    assert np.abs(small[0] - small[1]).mean() < 2


def test_limits_hold_for_the_size_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.new("RGB", (2020, 16)), tmp_path / "a.jpg").read_bytes()
    assert "too long and thin" in str(attempt(data, tmp_path))
    with pytest.raises(ImageError, match="2020 x 16 pixels: too long and thin"):
        decode(data, tmp_path, 1)


@pytest.mark.parametrize(("suffix", "most"), [(".jpg", 100), (".png", 180)])
def test_memory_that_a_large_picture_takes(suffix: str, most: int, tmp_path: Path) -> None:
    """A square of 36 megapixels takes 144 MB as Pillow stores it; the JPEG is decoded at an eighth of its sides."""
    path = saved(Image.new("RGB", (6000, 6000), "teal"), tmp_path / f"a{suffix}")
    code = (
        "import resource, sys; from pathlib import Path; from genie_cli.data.images import read\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); read(Path(sys.argv[1]), '', 224); print((peak() - before) // 1024)"
    )
    command = [sys.executable, "-c", code, str(path)]
    grown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert int(grown) < most
