"""Source images: read from their files, checked, and cut to the size that the model takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.data.images import decode, read_file
from genie_cli.errors import ImageError
from genie_cli.jobs import Source

if TYPE_CHECKING:
    from PIL.Image import Image

    from genie_cli.diffusion.snapshot import Snapshot


@dataclass(frozen=True)
class SourceFile:
    """The content of a source's file, and its path, which names it in errors."""

    path: Path
    data: bytes

    def fitted(self, snapshot: Snapshot) -> Image:
        """The image as the model takes it; raises ImageError if it cannot be decoded."""
        return snapshot.resize_and_crop(decode(self.data, self.path, snapshot.image_size))


def read(root: Path | None, source: Source) -> SourceFile:
    """Read a source.

    Args:
        root: folder that sources' paths are relative to.

    Raises:
        ImageError: it cannot be read, or has changed since the plan was made.
    """
    path = (root or Path()) / source.path
    data = read_file(path)
    if data and hashlib.sha256(data).hexdigest() != source.sha256:
        raise ImageError(path, "has changed since the plan was made", "plan again")
    return SourceFile(path, data)
