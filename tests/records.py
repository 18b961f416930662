"""What tests of records in image files share: a job, settings, a prompt that is hard to write, an image."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genie_cli.config import Format
from genie_cli.jobs import Job, Method, Source

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
