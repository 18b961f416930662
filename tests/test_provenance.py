"""Records in image files: every format, any prompt, and no file that is unsafe to read."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from genie_cli import __version__
from genie_cli.config import Format
from genie_cli.errors import ImageError, UsageError
from genie_cli.jobs import Job, Method, Source
from genie_cli.provenance import Provenance, encode, read

SOURCE = Source(path="cat/tom & jerry.png", sha256="0123456789abcdef" * 4, label="cat")
AWKWARD = (
    "A photo of a <fox> & 'its' \"den\" 🦊,\nline two\r\nand\ttab — ]]> <!DOCTYPE x> <!ENTITY y> &amp; \0 \x1b \ufffe é"
)
SETTINGS = {"steps": 30, "guidance": 7.5, "scheduler": "ddim", "sizes": [512, 512], "attention": None}
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "genie": "urn:genie-cli:provenance:1.0/",
}

every_format = pytest.mark.parametrize("image_format", Format)


def a_job(**changes: Any) -> Job:
    given_fields = {"source": SOURCE, "target": "fox", "prompt": "A photo of a fox", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc123", "seed": 7, **changes})


def gradient(height: int = 24, width: int = 40) -> NDArray[np.uint8]:
    """A smooth image with a different slope in each channel, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([y * 255 / height, x * 255 / width, 255 - (x + y) * 255 / (height + width)], -1).astype(np.uint8)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def in_xmp(data: bytes, path: str) -> str | None:
    """What other software finds at ``path`` in the packet's only description."""
    return ElementTree.fromstring(opened(data).info["xmp"]).findtext(f"rdf:RDF/rdf:Description/{path}", None, NAMES)


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


class TestRoundTrip:
    @every_format
    @pytest.mark.parametrize("job", [a_job(), a_job(source=None, method=Method.TXT2IMG, r=1), a_job(prompt=AWKWARD)])
    def test_what_was_written_is_read(self, tmp_path: Path, image_format: Format, job: Job) -> None:
        path = tmp_path / f"image.{image_format.value}"
        path.write_bytes(encode(gradient(), image_format, job, SETTINGS))
        made = read(path)
        assert made == Provenance(genie=__version__, job=job, settings=SETTINGS)
        assert (made.job.id, made.job.noise_seed) == (job.id, job.noise_seed)

    @settings(max_examples=60, deadline=None)
    @given(
        image_format=st.sampled_from(Format),
        prompt=st.text(max_size=1500) | st.sampled_from([AWKWARD, "🦊" * 1500, "<&>\"'" * 500, "\r\n" * 500]),
        target=st.text(min_size=1, max_size=50),
        r=st.floats(0, 1, exclude_min=True),
        options=st.dictionaries(st.text(max_size=10), st.none() | st.integers() | st.text(max_size=20), max_size=4),
    )
    def test_any_text_survives(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        image_format: Format,
        prompt: str,
        target: str,
        r: float,
        options: dict[str, Any],
    ) -> None:
        job = a_job(prompt=prompt, target=target, r=r)
        path = tmp_path_factory.getbasetemp() / f"any.{image_format.value}"
        path.write_bytes(encode(gradient(4, 4), image_format, job, options))
        assert read(path) == Provenance(genie=__version__, job=job, settings=options)

    @every_format
    def test_settings_become_plain_json(self, tmp_path: Path, image_format: Format) -> None:
        path = tmp_path / "image"
        path.write_bytes(encode(gradient(), image_format, a_job(), {"method": Method.GENIE, "root": Path("a/b")}))
        assert read(path).settings == {"method": "genie", "root": "a/b"}

    def test_a_setting_without_json_form_is_refused(self) -> None:
        with pytest.raises(ValueError, match="JSON"):
            encode(gradient(), Format.PNG, a_job(), {"guidance": float("inf")})


class TestPixels:
    def test_png_is_lossless(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (9, 17, 3), dtype=np.uint8)
        assert np.array_equal(np.asarray(opened(encode(noise, Format.PNG, a_job(), {}))), noise)

    @pytest.mark.parametrize("image_format", [Format.JPG, Format.WEBP])
    def test_lossy_formats_stay_close(self, image_format: Format) -> None:
        image = opened(encode(gradient(), image_format, a_job(), {}))
        assert (image.mode, image.size) == ("RGB", (40, 24))
        assert np.abs(np.asarray(image).astype(int) - gradient()).mean() < 3

    def test_jpeg_keeps_color_at_full_resolution(self) -> None:
        image = opened(encode(gradient(), Format.JPG, a_job(), {}))
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4

    @every_format
    def test_the_file_is_of_its_format(self, image_format: Format) -> None:
        suffix = f".{image_format.value}"
        assert opened(encode(gradient(), image_format, a_job(), {})).format == Image.registered_extensions()[suffix]

    @every_format
    def test_same_input_same_bytes(self, image_format: Format) -> None:
        once = encode(gradient(), image_format, a_job(prompt=AWKWARD), SETTINGS)
        again = encode(gradient(), image_format, a_job(prompt=AWKWARD), dict(reversed(SETTINGS.items())))
        assert once == again


@every_format
class TestForOtherSoftware:
    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({}, "compositeWithTrainedAlgorithmicMedia"),
            ({"r": 0.999}, "compositeWithTrainedAlgorithmicMedia"),
            ({"r": 0.9995}, "trainedAlgorithmicMedia"),
            ({"source": None, "method": Method.TXT2IMG, "r": 0.5}, "trainedAlgorithmicMedia"),
        ],
    )
    def test_digital_source_type(self, image_format: Format, changes: dict[str, Any], kind: str) -> None:
        data = encode(gradient(), image_format, a_job(**changes), SETTINGS)
        uri = f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"
        assert in_xmp(data, "ext:DigitalSourceType") == uri
        assert uri.encode() in data  # what a plain search of the file finds

    def test_tool_and_description(self, image_format: Format) -> None:
        data = encode(gradient(), image_format, a_job(prompt=AWKWARD), SETTINGS)
        assert in_xmp(data, "xmp:CreatorTool") == f"genie {__version__}"
        shown = AWKWARD.replace("\0", "\ufffd").replace("\x1b", "\ufffd").replace("\ufffe", "\ufffd")
        assert in_xmp(data, "dc:description/rdf:Alt/rdf:li") == shown

    def test_the_record_is_in_the_xmp(self, image_format: Format) -> None:
        record = json.loads(in_xmp(encode(gradient(), image_format, a_job(), SETTINGS), "genie:Record") or "")
        assert record == {"genie": __version__, "job": a_job().model_dump(mode="json"), "settings": SETTINGS}


def test_png_has_the_record_as_text_too() -> None:
    image = opened(encode(gradient(), Format.PNG, a_job(prompt=AWKWARD), SETTINGS))
    assert isinstance(image, PngImagePlugin.PngImageFile)
    assert isinstance(image.text["genie"], PngImagePlugin.iTXt)
    assert json.loads(image.text["genie"])["job"]["prompt"] == AWKWARD
    assert set(image.text) == {"genie", "XML:com.adobe.xmp"}


@pytest.mark.parametrize("image_format", [Format.JPG, Format.WEBP])
def test_exif_names_tool_and_prompt(image_format: Format) -> None:
    exif = opened(encode(gradient(), image_format, a_job(prompt="Ein Fuchs 🦊 im Gebüsch"), SETTINGS)).getexif()
    assert exif[ExifTags.Base.Software] == f"genie {__version__}"
    # Pillow reads EXIF text as Latin-1; the bytes in the file are UTF-8.
    assert exif[ExifTags.Base.ImageDescription].encode("latin-1").decode() == "Ein Fuchs 🦊 im Gebüsch"


class TestTooLong:
    def test_a_jpeg_cannot_hold_it(self) -> None:
        with pytest.raises(UsageError, match="a JPEG holds 65,502") as caught:
            encode(gradient(), Format.JPG, a_job(prompt="fox " * 10_000), SETTINGS)
        assert "PNG" in caught.value.hint

    def test_the_longest_that_fits_is_read_back(self, tmp_path: Path) -> None:
        room = 65502 - len(opened(encode(gradient(), Format.JPG, a_job(prompt=""), {})).info["xmp"])
        job = a_job(prompt="x" * (room // 2))
        path = tmp_path / "long.jpg"
        path.write_bytes(encode(gradient(), Format.JPG, job, {}))
        assert read(path).job == job
        with pytest.raises(UsageError):
            encode(gradient(), Format.JPG, a_job(prompt=job.prompt + "x"), {})

    @pytest.mark.parametrize("image_format", [Format.PNG, Format.WEBP])
    def test_the_others_can(self, tmp_path: Path, image_format: Format) -> None:
        job = a_job(prompt="🦊 " * 50_000)
        path = tmp_path / "long"
        path.write_bytes(encode(gradient(), image_format, job, SETTINGS))
        assert read(path).job == job


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
        monkeypatch.setattr(ElementTree, "fromstring", parsed.append)
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
