"""Records in image files: every format, any prompt, the same pixels, and what other software finds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from genie_cli import __version__
from genie_cli.config import Format
from genie_cli.errors import UsageError
from genie_cli.jobs import Job, Method
from genie_cli.provenance import Provenance, encode, read
from tests.records import AWKWARD, NAMES, SETTINGS, a_job, every_format, gradient, opened


def in_xmp(data: bytes, path: str) -> str | None:
    """What other software finds at ``path`` in the packet's only description."""
    return ElementTree.fromstring(opened(data).info["xmp"]).findtext(f"rdf:RDF/rdf:Description/{path}", None, NAMES)


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
        made = {"genie": __version__, "job": a_job().model_dump(mode="json"), "settings": SETTINGS}
        checksum = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
        assert record == {**made, "sha256": checksum}


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
