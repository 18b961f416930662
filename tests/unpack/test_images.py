"""Pixels become PNG files of the same pixels, files stay as they are, and nothing else is an image."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genie_cli.unpack.images import encoded
from tests.unpack import packs

PIXELS = packs.pixels(1)[0]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shown", [PIXELS, PIXELS[..., 0]], ids=["colors", "gray"])
def test_numbers_of_other_types_are_the_same_pixels(shown: NDArray[np.uint8], kind: type) -> None:
    data, suffix = encoded(shown.astype(kind))
    assert suffix == "png"
    assert np.array_equal(np.asarray(Image.open(BytesIO(data))), shown)


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "bmp", "gif", "tiff", "avif"])
def test_files_stay_as_they_are(suffix: str) -> None:
    data = packs.encoded(PIXELS, suffix.upper())
    assert encoded(data) == (data, {"jpeg": "jpg", "tiff": "tif"}.get(suffix, suffix))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PIXELS / 255, "pixels that are not whole numbers from 0 to 255, of type float64"),
        (PIXELS.astype(np.int16) - 1 - int(PIXELS.min()), "not whole numbers"),
        (PIXELS.astype(np.int16) + 1 + 255 - int(PIXELS.max()), "not whole numbers"),
        (np.full((2, 2), np.nan), "not whole numbers"),
        (PIXELS.astype(bool), "of type bool"),
        (PIXELS.astype("U3"), "of type <U3"),
        (np.zeros((2, 2, 2), np.uint8), r"is not an image: an array of shape \(2, 2, 2\)"),
        (np.zeros((2, 0, 3), np.uint8), "is not an image"),
        (np.zeros((1, 2, 2, 3), np.uint8), "is not an image"),
        (b"GIF7", "is not an image that genie reads"),
        (b"", "is empty"),
        (np.zeros(0, np.uint8), "is empty"),
    ],
)
def test_what_is_no_image(data: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encoded(data)
