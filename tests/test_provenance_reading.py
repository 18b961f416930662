"""Reading records: images without one, with a damaged one, and no file that is unsafe to read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from PIL import Image

from genie_cli.config import Format
from genie_cli.errors import ImageError
from genie_cli.provenance import Provenance, encode, read
from tests.records import NAMES, SETTINGS, a_job, every_format, gradient


def photo_with(folder: Path, packet: bytes) -> Path:
    path = folder / "photo.jpg"
    Image.new("RGB", (8, 8)).save(path, xmp=packet)
    return path


def valid_record() -> str:
    return Provenance(genie="0", job=a_job(), settings={}).model_dump_json()


def packet_with(record: str, before: str = "", attribute: str = "") -> bytes:
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{NAMES["rdf"]}">'
        f'<rdf:Description rdf:about="" xmlns:genie="{NAMES["genie"]}" {attribute}>{record}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


class TestNothingToRead:
    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="does not exist"):
            read(tmp_path / "missing.png")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError):  # the reason is the operating system's
            read(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(20)])
    def test_not_an_image(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "image.png"
        path.write_bytes(content)
        with pytest.raises(ImageError, match="is not a JPEG, PNG or WebP image") as caught:
            read(path)
        assert caught.value.hint

    @every_format
    def test_an_ordinary_photo(self, tmp_path: Path, image_format: Format) -> None:
        path = tmp_path / f"photo.{image_format.value}"
        Image.new("RGB", (8, 8)).save(path)
        with pytest.raises(ImageError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: carries no record of how it was made"
        assert caught.value.path == path
        assert caught.value.hint

    @pytest.mark.parametrize(
        "packet",
        [
            b"not xml <",
            b"\xff\xfe",
            b"<!DOCTYPE html>",
            packet_with(""),
            packet_with("<genie:Other/>"),
            # In UTF-16 the declaration would pass a search for its bytes; the packet is not looked into at all.
            packet_with("&a;", '<!DOCTYPE x [<!ENTITY a "boom">]>').decode().encode("utf-16"),
        ],
    )
    def test_a_photo_with_other_xmp(self, tmp_path: Path, packet: bytes) -> None:
        with pytest.raises(ImageError, match="carries no record of how it was made"):
            read(photo_with(tmp_path, packet))


class TestBroken:
    @pytest.mark.parametrize(
        "packet",
        [
            packet_with("<genie:Record/>"),
            packet_with("<genie:Record>{</genie:Record>"),
            packet_with("<genie:Record>[]</genie:Record>"),
            packet_with('<genie:Record>{"genie": "0.1.0", "settings": {}}</genie:Record>'),
            packet_with(f"<genie:Record>{'[' * 20_000}</genie:Record>"),
            packet_with("<genie:Record>"),
            packet_with("<genie:Record>&#0;</genie:Record>"),
            packet_with("<genie:Record/>") + b"\xff",
        ],
    )
    def test_a_broken_record(self, tmp_path: Path, packet: bytes) -> None:
        path = photo_with(tmp_path, packet)
        with pytest.raises(ImageError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: carries a damaged record of how it was made"
        assert caught.value.hint

    @pytest.mark.parametrize(
        "declaration",
        [
            '<!DOCTYPE x [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;&a;">]>',
            '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE x SYSTEM "http://localhost/x.dtd">',
            '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE x>',
            '<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE x>',
        ],
    )
    def test_declarations_are_refused(self, tmp_path: Path, declaration: str) -> None:
        record = f"<genie:Record>{escape(valid_record())}</genie:Record>"
        assert read(photo_with(tmp_path, packet_with(record))).job == a_job()
        with pytest.raises(ImageError, match="carries a damaged record"):
            read(photo_with(tmp_path, packet_with(record, declaration)))

    def test_entities_are_not_expanded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        parsed: list[str] = []
        monkeypatch.setattr(ElementTree, "XMLParser", lambda **_: parsed.append("parsed"))
        record = "<genie:Record>&a;</genie:Record>"
        with pytest.raises(ImageError):
            read(photo_with(tmp_path, packet_with(record, '<!DOCTYPE x [<!ENTITY a "boom">]>')))
        assert not parsed

    @every_format
    def test_a_file_cut_short_never_fails_otherwise(self, tmp_path: Path, image_format: Format) -> None:
        data = encode(gradient(), image_format, a_job(), SETTINGS)
        path = tmp_path / "cut"
        for length in range(0, len(data), 97):
            path.write_bytes(data[:length])
            try:
                made = read(path)
            except ImageError:
                continue
            assert made.job == a_job()


def test_a_record_rewritten_as_an_attribute_is_read(tmp_path: Path) -> None:
    packet = packet_with("", attribute=f"genie:Record={quoteattr(valid_record())}")
    assert read(photo_with(tmp_path, packet)).job == a_job()
