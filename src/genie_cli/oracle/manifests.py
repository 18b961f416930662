"""A manifest with the images it speaks of: read whole, its files checked, written somewhere else.

Independent of torch.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING

from genie_cli import manifest
from genie_cli.data.images import read
from genie_cli.errors import ImageError, ManifestError, OutputError
from genie_cli.files.folders import entries, require_folder
from genie_cli.files.json_lines import is_pipe
from genie_cli.files.reading import State, open_text, reason, state_of
from genie_cli.files.writing import write_atomically
from genie_cli.header import Header
from genie_cli.jobs import Source
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from PIL.Image import Image

_SOURCES = "images are compared with the photos that they were made from, which must be unchanged"


@dataclass(frozen=True)
class ManifestImages:
    """A manifest in memory; its images stay on disk.

    Attributes:
        name: what errors call it.
        root: folder that the rows' files are relative to, absolute.
        source_root: folder of the sources; None if there are none or it is not there.
        file: the manifest, absolute; None if it came from a pipe.
        state: of that file when it was read.
    """

    name: str
    header: Header
    rows: tuple[Row, ...]
    root: Path
    source_root: Path | None
    file: Path | None = None
    state: State | None = None

    @property
    def made(self) -> list[Row]:
        """The rows that have an image."""
        return [row for row in self.rows if row.status is Status.MADE]

    def image(self, row: Row) -> Image:
        """A row's image, RGB; ImageError if it is missing, changed or broken."""
        return self._open(self.root / row.file, row.sha256)

    def source(self, source: Source, shorter: int | None = None) -> Image:
        """A source, RGB, for `read`'s ``shorter``; ImageError if it is missing, changed or broken."""
        return self._open((self.source_root or Path()) / source.path, source.sha256, shorter, _SOURCES)

    def sources_there(self) -> dict[str, Source]:
        """The sources of the images that lie where the manifest says, by content; what they show now is not checked.

        Not those of jobs that failed: it may be the source that is broken.
        """
        if (root := self.source_root) is None:
            return {}
        sources = {row.job.source for row in self.made if row.job.source}
        there = (source for source in sources if os.path.exists(root / source.path))
        # Of several with one content the first by class and path, whatever the order of rows.
        ranked = sorted(there, key=lambda source: (source.sha256, source.label, source.path), reverse=True)
        return {source.sha256: source for source in ranked}

    def _open(self, path: Path, sha256: str, shorter: int | None = None, which: str = "") -> Image:
        try:
            return read(path, sha256, shorter)
        except ImageError as error:
            own = which or f"{self.name} must lie beside its images, and they must be unchanged"
            raise ImageError(error.path, error.reason, error.hint or f"nothing was written; {own}") from None


def read_images(name: str | Path) -> ManifestImages:
    """Read a manifest.

    Args:
        name: its path, the folder of a run, or ``"-"`` for standard input.

    Raises:
        ManifestError: it is none, has a bad line, or none of its images was made.
        UsageError: its images are probes.
    """
    is_file = not is_pipe(name)
    state = state_of(manifest.path_of(name)) if is_file else None  # before it is read
    with manifest.opened(name, "genie.manifest") as document:
        document.require_images()
        rows = tuple(document.rows())
    if not any(row.status is Status.MADE for row in rows):
        raise ManifestError(document.name, 0, "lists no image that was made")
    header = document.header
    source_root = Path(header.source_root) if header.source_root else None
    return ManifestImages(
        name=document.name,
        header=header,
        rows=rows,
        root=document.root.resolve(),
        source_root=source_root if source_root and os.path.isdir(source_root) else None,
        file=manifest.path_of(name).resolve() if is_file else None,
        state=state,
    )


def tell_unfinished(root: Path, observer: Observer) -> None:
    """Warn if a run in a folder has made images that its manifest does not list yet: they would be left out unsaid."""
    if entries(root / ".genie", "journal*.jsonl"):
        observer.warning(
            f"a run in {root} is at work, or was stopped before its end: images that the manifest does not list yet "
            f"are left out; how far it is: {shlex.join(['genie', 'status', str(root)])}"
        )


def lines(images: ManifestImages, rows: Iterable[Row], folder: Path | None) -> Iterable[str]:
    """A manifest of ``rows`` that is to lie in ``folder``; None: that may be read anywhere (standard output)."""
    root = None if folder and folder.resolve() == images.root else str(images.root)
    kept = list(rows)
    return manifest.lines_of(images.header.model_copy(update={"root": root}), map(Row.line, kept), len(kept))


def write(
    images: ManifestImages, rows: Iterable[Row], path: str | Path, before: State | EllipsisType | None = ...
) -> None:
    """Write a manifest of ``rows`` atomically; it may replace the one that was read.

    Args:
        before: what `require_writable` found at ``path``; by default it is asked now.

    Raises:
        OutputError: see `save`.
    """
    path = Path(path)
    if before is ...:
        before = images.state if images.file == path.resolve() else require_writable(path)
    save(path, lines(images, rows, path.parent), before)


def require_writable(path: Path) -> State | None:
    """Check that a manifest may be written to ``path``: there is a manifest, whose state is returned, or nothing.

    Raises:
        OutputError: there is another file, or no folder.
    """
    require_folder(path)
    if not os.path.lexists(path):
        return None
    try:
        with open_text(path) as stream:
            manifest.read(stream, str(path), "genie.manifest")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {reason(error)}", "choose another --out") from None
    except (ValueError, ManifestError):
        raise OutputError(f"{path} already exists and is not a manifest of genie", "choose another --out") from None
    return state_of(path)


def save(path: Path, content: Iterable[str], before: State | None) -> None:
    """Write a manifest atomically.

    Args:
        before: the state of the file when it was read or checked.

    Raises:
        OutputError: as `require_writable`; if another program, such as `genie generate`, has written there since,
            for its rows would be lost; and if the disk refuses.
    """
    if require_writable(path) != before:
        raise OutputError(f"{path} has changed meanwhile", "nothing was written; run the same command again")
    write_atomically(path, "".join(content).encode())
