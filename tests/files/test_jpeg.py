"""Walking a JPEG finds what a decoder finds, and stops where a decoder would take minutes."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genie_cli.files.jpeg import MAX_SCANS, MAX_SEGMENTS, Jpeg, TooManyError, examine
from tests.damage import damaged
from tests.files.jpegs import jpeg, last_scan, segment, with_scans


def pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as image:
        return image.tobytes()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "CMYK"}, {"mode": "L"}, {"optimize": True}])
def test_without_metadata_the_pixels_are_the_same(options: dict[str, object]) -> None:
    data = jpeg(exif=b"Exif\0\0what", xmp=b"<x/>", comment=b"hello", icc_profile=bytes(200_000), **options)
    found = examine(data)
    assert (found.exif, found.xmp) == (b"what", b"<x/>")
    assert len(found.data) < len(data) - 200_000
    assert pixels(found.data) == pixels(data)


def test_without_metadata_nothing_is_copied() -> None:
    data = jpeg()
    assert examine(data) == Jpeg(data, b"", b"")
    assert examine(data).data is data


def test_as_many_scans_as_any_encoder_writes_are_taken() -> None:
    assert examine(with_scans(MAX_SCANS)).data == with_scans(MAX_SCANS)


@pytest.mark.parametrize("count", [MAX_SCANS + 1, 3000])
def test_more_scans_are_refused(count: int) -> None:
    with pytest.raises(TooManyError, match="more than 100 scans"):
        examine(with_scans(count))


@given(
    between=st.lists(
        st.sampled_from(
            [b"", b"\xff" * 3, b"junk", b"\xff\xd0\xff\0", segment(0xFE, b"a comment"), segment(0xE1, b"x")]
        ),
        min_size=1,
    )
)
def test_nothing_between_scans_hides_them(between: list[bytes]) -> None:
    data = jpeg(progressive=True)
    scans = b"".join(between[place % len(between)] + last_scan(data) for place in range(MAX_SCANS + 1))
    with pytest.raises(TooManyError, match="scans"):
        examine(data[:-2] + scans + b"\xff\xd9")


@given(st.lists(st.binary(max_size=50).map(lambda content: segment(0xFE, b"\xff\xda" * 20 + content)), max_size=30))
def test_what_looks_like_a_scan_inside_a_segment_is_none(comments: list[bytes]) -> None:
    data = jpeg()
    commented = data[:2] + b"".join(comments) + data[2:]
    assert examine(commented).data == data


def test_another_picture_behind_the_end_is_not_counted() -> None:
    assert examine(jpeg() + with_scans(3000)).exif == b""


def test_an_absurd_number_of_segments_is_refused() -> None:
    data = jpeg()
    with pytest.raises(TooManyError, match="more than 10,000 segments"):
        examine(data[:2] + segment(0xFE, b"") * MAX_SEGMENTS + data[2:])


@given(damaged(jpeg(exif=b"Exif\0\0what", comment=b"hello", progressive=True)))
def test_damaged_files_are_followed_as_far_as_can_be(data: bytes) -> None:
    assert len(examine(data).data) <= len(data)
