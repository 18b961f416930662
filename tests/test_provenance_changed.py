"""A file that has changed since genie wrote it shows the same record or none, and nothing in it can be a trap."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.config import Format
from genie_cli.errors import ImageError, UsageError
from genie_cli.provenance import Provenance, encode, read
from tests.damage import damaged, flipped
from tests.records import SETTINGS, a_job, every_format, gradient
from tests.test_provenance_reading import packet_with, photo_with, valid_record


def read_back(data: bytes, path: Path) -> Provenance | None:
    path.write_bytes(data)
    try:
        return read(path)
    except ImageError:
        return None


@every_format
def test_no_changed_byte_shows_another_record(tmp_path: Path, image_format: Format) -> None:
    data = encode(gradient(4, 4), image_format, a_job(), {"steps": 30})
    path = tmp_path / "image"
    path.write_bytes(data)
    made, refused = read(path), 0
    for place in range(len(data)):
        found = read_back(flipped(data, place), path)
        assert found in (made, None)
        refused += found is None
    assert 0 < refused < len(data)


@given(st.data())
def test_no_other_change_does(tmp_path_factory: pytest.TempPathFactory, choose: st.DataObject) -> None:
    image_format = choose.draw(st.sampled_from(Format))
    changed = choose.draw(damaged(encode(gradient(4, 4), image_format, a_job(), SETTINGS)))
    assert read_back(changed, tmp_path_factory.getbasetemp() / "changed") in (
        None,
        Provenance(genie="0.1.0", job=a_job(), settings=SETTINGS),
    )


def record(**changes: Any) -> str:
    return json.dumps({**json.loads(valid_record()), **changes})


def job(**changes: Any) -> dict[str, Any]:
    return {"job": {**json.loads(valid_record())["job"], **changes}}


def test_a_record_of_an_earlier_version_has_no_checksum(tmp_path: Path) -> None:
    assert (
        read(photo_with(tmp_path, packet_with(f"<genie:Record>{escape(valid_record())}</genie:Record>"))).job == a_job()
    )


@pytest.mark.parametrize(
    "damaged",
    [
        record(sha256="0" * 64),
        record(sha256=None, sha257="0" * 64),
        record(sha256=7),
        record(sha256=[]),
        record(command="rm"),
        record(settings=[]),
        record(settings=None),
        record(genie=1),
        record(**job(command="rm")),
        record(**job(seed="7")),
        record(**job(seed=True)),
        record(**job(r="0.8")),
        record(**job(r=2)),
        record(**job(source={"path": "../a", "sha256": "0" * 64, "label": "cat"})),
        record(**job(source={"path": "a", "sha256": "0" * 64, "label": "cat", "more": 1})),
        record(settings={"guidance": float("nan")}),
        record(settings={"guidance": float("inf")}),
        "9" * 10_000,
        "[" * 100_000,
        '{"a":' * 100_000,
        "null",
        "[]",
        "",
    ],
    ids=lambda text: text[-20:],
)
def test_records_that_genie_did_not_write(damaged: str, tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(with_packet(packet_with(f"<genie:Record>{escape(damaged)}</genie:Record>")))
    with pytest.raises(ImageError, match=r"damaged|no record"):
        read(path)


def with_packet(packet: bytes) -> bytes:
    """A WebP with this XMP, of any size."""
    chunk = b"XMP " + len(packet).to_bytes(4, "little") + packet + bytes(len(packet) % 2)
    data = bytearray(encode(gradient(4, 4), Format.WEBP, a_job(), {}))
    data = data[: data.index(b"XMP ")] + chunk
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    "inside",
    ["<a>" * 3_000_000, " " * 20_000_000, "<a/>" * 2_000_000, f"<genie:Record>{'[' * 8_000_000}</genie:Record>"],
    ids=["deep", "long", "wide", "record"],
)
def test_absurd_packets_are_refused_soon(inside: str, tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(with_packet(packet_with(inside)))
    start = time.thread_time()
    with pytest.raises(ImageError, match=r"damaged|no record"):
        read(tmp_path / "a.webp")
    assert time.thread_time() - start < 3


@pytest.mark.parametrize("image_format", [Format.PNG, Format.WEBP])
def test_what_could_not_be_read_back_is_not_written(image_format: Format) -> None:
    with pytest.raises(UsageError, match="holds 16,777,216"):
        encode(gradient(4, 4), image_format, a_job(), {"note": "x" * (1 << 24)})


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match="cannot be read: it is a named pipe"):
        read(tmp_path / "a.png")
