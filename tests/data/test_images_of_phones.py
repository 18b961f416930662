"""AVIF is read; HEIC and other kinds that Pillow does not read are named, with the way to convert them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from genie_cli.data.folder import list_sources, scan
from genie_cli.errors import FolderError, ImageError
from tests.data.pictures import corners, noise, opened, quadrants, saved, with_orientation

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


@needs_avif
def test_avif_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.avif", "a.jpg"):
        path = saved(quadrants(), tmp_path / name, format="AVIF", quality=95)
        assert corners(opened(path)) == ["red", "green", "blue", "white"]


@needs_avif
def test_avif_is_upright_and_over_white(tmp_path: Path) -> None:
    turned = saved(quadrants(), tmp_path / "turned.avif", quality=95, exif=with_orientation(3))
    assert corners(opened(turned)) == ["white", "blue", "green", "red"]
    clear = saved(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), tmp_path / "clear.avif", quality=100)
    assert np.asarray(opened(clear)).min() >= 254


@needs_avif
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_avif_that_was_cut_off_is_refused(share: float, tmp_path: Path) -> None:
    path = saved(noise(), tmp_path / "a.avif")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageError, match=r"is truncated"):
        opened(path)


@needs_avif
def test_a_folder_of_avif_is_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    saved(quadrants(), tmp_path / "cat/a.avif")
    assert [source.path for source in list_sources(tmp_path)] == ["cat/a.avif"]


@pytest.mark.parametrize(
    ("data", "name"),
    [(HEIC, "HEIC"), (HEIC.replace(b"ftypheic", b"ftypmif1"), "HEIC"), (b"\xff\x0a" + bytes(90), "JPEG XL")],
)
def test_what_is_not_read_is_named_whatever_its_name(data: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(ImageError, match=f"is {name}, which is not read; convert it to JPEG or PNG"):
        opened(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("file", "name"), [("a.HEIC", "HEIC"), ("b.heif", "HEIC"), ("c.jxl", "JPEG XL"), ("d.dng", "raw")]
)
def test_a_folder_of_what_is_not_read_says_how_to_convert_it(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / file).write_bytes(HEIC)
    with pytest.raises(
        FolderError, match=f"has no images that can be used.*{file} is {name}, which is not read"
    ) as caught:
        scan(tmp_path)
    assert f"magick mogrify -format png *{Path(file).suffix.lower()}" in str(caught.value)
    saved(noise(), tmp_path / "cat/e.png")
    assert [path for path, why in scan(tmp_path).ignored if "magick" in why] == [f"cat/{file}"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("photos.zip", "unpack it, and give the folder"), ("photos.tar.gz", "unpack it"), ("a.png", "give")],
)
def test_a_file_is_not_said_to_be_no_folder_that_is_there(name: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FolderError, match="is a file, not a folder") as caught:
        scan(tmp_path / name)
    assert caught.value.hint.startswith(hint)
