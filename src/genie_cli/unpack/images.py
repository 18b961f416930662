"""Pictures as the bytes of image files: those that are encoded stay as they are, pixels become PNG."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"BM", "bmp"),
    (b"GIF8", "gif"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
)
_CHANNELS = (1, 3, 4)


def kind_of(data: bytes) -> str:
    """What an image file is called after its dot, by how it begins; empty if it is none that genie reads."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "avif"
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), "")


def encoded(data: bytes | NDArray[Any]) -> tuple[bytes, str]:
    """The bytes of an image file, and what it is called after its dot.

    Args:
        data: such bytes, also as an array of them; or pixels of 8 bits, (H, W), (H, W, C) or (C, H, W); C is 1, 3 or 4.

    Raises:
        ValueError: it is no image.
    """
    if not isinstance(data, bytes):
        if data.ndim == 1 or (data.ndim == 2 and 1 in data.shape):  # as OpenCV returns what it has encoded
            data = data.tobytes()
        else:
            return _png(_pixels(data)), "png"
    if kind := kind_of(data):
        return data, kind
    raise ValueError("is not an image that genie reads" if data else "is empty")


def _pixels(data: NDArray[Any]) -> NDArray[np.uint8]:
    if data.ndim == 3 and data.shape[2] not in _CHANNELS and data.shape[0] in _CHANNELS:
        data = data.transpose(1, 2, 0)
    if not (data.ndim == 2 or (data.ndim == 3 and data.shape[2] in _CHANNELS)) or not data.size:
        raise ValueError(f"is not an image: an array of shape {data.shape}")
    if data.dtype != np.uint8:
        values = data.astype(np.uint8) if data.dtype.kind in "iuf" and data.min() >= 0 and data.max() <= 255 else None
        if values is None or (values != data).any():
            raise ValueError(f"has pixels that are not whole numbers from 0 to 255, of type {data.dtype}")
        data = values
    return data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG")
    return file.getvalue()
