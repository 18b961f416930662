"""A manifest with the images it speaks of: read whole, its files checked, written somewhere else.

This module does not know torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from genie_cli import manifest
from genie_cli.data.images import read
from genie_cli.errors import ImageError, ManifestError, OutputError
from genie_cli.files import require_folder, write_atomically
from genie_cli.header import Header
from genie_cli.jobs import Source
from genie_cli.manifest import Row, Status

if TYPE_CHECKING:
    from PIL.Image import Image

State = tuple[int, int, int]  # of a file: inode, time of its last change, size


@dataclass(frozen=True)
class Opened:
    """A manifest in memory; its images stay on disk.

    Attributes:
        root: folder that the rows' files are relative to, absolute.
        source_root: folder of the sources; None if there are none or it is not there.
    """

    name: str
    header: Header
    rows: tuple[Row, ...]
    root: Path
    source_root: Path | None

    @property
    def made(self) -> list[Row]:
        return [row for row in self.rows if row.status is Status.MADE]

    def image(self, row: Row) -> Image:
        """A row's image, RGB; ImageError if it is missing, changed or broken."""
        return _picture(self.root / row.file, row.sha256, self.name)

    def source(self, source: Source) -> Image:
        """A source, RGB; ImageError if it is missing, changed or broken."""
        return _picture((self.source_root or Path()) / source.path, source.sha256, self.name)


def opened(stream: TextIO, name: str, beside: Path) -> Opened:
    """Read a manifest.

    Args:
        beside: the folder that its root is relative to, if the header does not say another.

    Raises:
        ManifestError: it is none, has a bad line, or none of its images was made.
    """
    document = manifest.read(stream, name, "genie.manifest")
    rows = tuple(document.rows())
    if not any(row.status is Status.MADE for row in rows):
        raise ManifestError(name, 0, "has no image that was made")
    header = document.header
    source_root = Path(header.source_root) if header.source_root else None
    return Opened(
        name=name,
        header=header,
        rows=rows,
        root=(beside / (header.root or "")).resolve(),
        source_root=source_root if source_root and os.path.isdir(source_root) else None,
    )


def _picture(path: Path, sha256: str, name: str) -> Image:
    try:
        return read(path, sha256)
    except ImageError as error:
        hint = error.hint or f"nothing was written; {name} says that it is there, and what is in it"
        raise ImageError(error.path, error.reason, hint) from None


def accepted(row: Row) -> bool:
    """Whether a row is to be used: no oracle has looked, or one has, and accepted it."""
    said = row.extra.get("oracle")
    return not isinstance(said, dict) or bool(said.get("accepted", True))


def lines(source: Opened, rows: Iterable[Row], folder: Path | None) -> Iterable[str]:
    """A manifest of ``rows``, whose images are found from ``folder``; None: from anywhere (standard output)."""
    root = None if folder and folder.resolve() == source.root else str(source.root)
    yield source.header.model_copy(update={"root": root}).line()
    yield from (row.line() for row in rows)


def require_writable(path: Path) -> State | None:
    """What is at ``path`` now: a manifest, which may be replaced, or nothing; else OutputError."""
    require_folder(path)
    try:
        with path.open(encoding="utf-8") as stream:
            manifest.read(stream, str(path), "genie.manifest")
            status = os.fstat(stream.fileno())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ManifestError):
        raise OutputError(f"{path} is already there and is no manifest of genie's", "choose another --out") from None
    return status.st_ino, status.st_mtime_ns, status.st_size


def save(path: Path, content: Iterable[str], before: State | None) -> None:
    """Write a manifest: all of it or nothing.

    Args:
        before: what `require_writable` found before the manifest was read.

    Raises:
        OutputError: as `require_writable`; if another program, such as `genie generate`, has written there since, for
            its rows would be lost; and if the disk refuses.
    """
    if require_writable(path) != before:
        raise OutputError(f"{path} has changed meanwhile", "nothing was written; type the same command again")
    write_atomically(path, "".join(content).encode())
