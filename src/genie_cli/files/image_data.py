"""Opens image files with Pillow so that none takes minutes or all memory, whatever is in it.

Nothing is written, and no setting of Pillow is changed: files are opened in several threads.
"""

from __future__ import annotations

import time
from io import BytesIO

from PIL import Image

from genie_cli.files.jpeg import TooManyError, examine, is_jpeg

# Of the decoding thread, so that a busy machine changes nothing. The largest pictures take about 5 s.
MAX_SECONDS = 30.0

# Bytes that a decoder is given at a time; between two blocks the time is looked at. In a JPEG a kilobyte can hold
# several scans, each of which changes the whole picture.
_BLOCK, _JPEG_BLOCK = 1 << 14, 1 << 10
_READS = 64  # between two looks at the time, if they are shorter
_SINGLE = 1 << 20  # bytes that are read one by one: of headers without a length, such as a PPM's with its comments
_TIMES_READ = 8  # how often a file may be read on the whole: its header is read several times, its pixels once


class LimitError(Exception):
    """Opening or decoding takes too much; the text continues "the image ..."."""


class _Limited(BytesIO):
    """The bytes of an image file, until decoding has taken too long or read too much.

    It may only be read by the thread that made it.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._deadline = time.thread_time() + MAX_SECONDS
        self._left = _TIMES_READ * len(data) + (1 << 20)
        self._unseen = self._reads = self._single = 0

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._left -= len(chunk)
        self._unseen += len(chunk)
        self._reads += 1
        self._single += size == 1
        if self._single > _SINGLE:
            raise LimitError(f"has more than {_SINGLE:,} bytes that can only be read one by one")
        if self._unseen >= _JPEG_BLOCK or self._reads >= _READS:
            self._unseen = self._reads = 0
            if time.thread_time() > self._deadline:
                raise LimitError(f"takes more than {MAX_SECONDS:.0f} s to decode")
        if self._left < 0:
            raise LimitError("refers to the same part of its file again and again")
        return chunk


def open_image(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Open an image; its pixels are decoded when it is loaded, which must be done by the same thread.

    Args:
        data: the bytes of the file.
        formats: Pillow's names of those that are tried.

    Returns:
        The image; of its metadata, ``info`` has ``exif`` and ``xmp``, both bytes, if the file has them.

    Raises:
        LimitError: it takes more than `MAX_SECONDS`, or has an absurd number of scans or segments; loading it may
            raise this, too.
        Exception: almost anything else that Pillow's readers raise on bad bytes.
    """
    metadata: dict[str, bytes] = {}
    if is_jpeg(data):
        try:
            jpeg = examine(data)
        except TooManyError as error:
            raise LimitError(str(error)) from None
        data, metadata = jpeg.data, {"exif": jpeg.exif, "xmp": jpeg.xmp}
    image = Image.open(_Limited(data), formats=formats)
    image.decodermaxblock = _JPEG_BLOCK if metadata else _BLOCK
    image.info.update((name, content) for name, content in metadata.items() if content)
    return image
