"""Small JPEG files, whole and strange."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def jpeg(**options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).convert(str(options.pop("mode", "RGB"))).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def last_scan(data: bytes) -> bytes:
    return data[data.rindex(b"\xff\xda") : -2]


def with_scans(count: int) -> bytes:
    """A progressive file with so many scans: the last one again and again."""
    data = jpeg(progressive=True)
    return data[:-2] + last_scan(data) * (count - data.count(b"\xff\xda")) + b"\xff\xd9"


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content
