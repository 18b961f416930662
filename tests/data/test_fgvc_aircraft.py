"""FGVC-Aircraft by its lists of manufacturers."""

from __future__ import annotations

from pathlib import Path

from genie_cli.data import fgvc_aircraft
from tests.data.trees import MAKERS, failure, put_aircraft, put_published


def test_aircraft_says_both_numbers_of_classes(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    images = fgvc_aircraft.read(tmp_path, partial=True)
    assert images.layout == (
        "FGVC-Aircraft by manufacturer by its lists; 3 of the published 30 classes (the paper says 41), "
        "4 of 6667 training and 3 of 3333 test images"
    )
    assert (images.superclass, set(images.names)) == ("aircraft", set(MAKERS[1:]))
    assert "30 manufacturers (the paper says 41)" in fgvc_aircraft.HOW_TO_GET


def test_lists_as_some_editors_save_them(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    before = fgvc_aircraft.read(tmp_path, partial=True)
    for file in tmp_path.glob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b" \r\n") + b"\r\n")
    assert fgvc_aircraft.read(tmp_path, partial=True) == before


def test_a_data_set_of_the_published_size(tmp_path: Path) -> None:
    put_published("aircraft", tmp_path, images=True)
    images = fgvc_aircraft.read(tmp_path)
    assert images.layout == (
        "FGVC-Aircraft by manufacturer by its lists; 30 classes (the paper says 41), 6667 training and 3333 test images"
    )
    (tmp_path / images.test[5].path).unlink()
    message, hint = failure(fgvc_aircraft, tmp_path)
    assert message == f"{tmp_path}: expected 3333 test images, found 3332; first missing: {images.test[5].path}"
    assert hint.startswith("--partial ")
    assert "3332 of 3333 test images" in fgvc_aircraft.read(tmp_path, partial=True).layout


def test_lists_that_are_no_text(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    (tmp_path / "manufacturers.txt").write_bytes(b"\xff\xfeB")
    assert (
        failure(fgvc_aircraft, tmp_path)[0]
        == f"{tmp_path / 'manufacturers.txt'} is not a text file: it is not UTF-8 text"
    )
