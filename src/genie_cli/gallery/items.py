"""The rows of a manifest with the files that they speak of. Independent of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genie_cli import manifest
from genie_cli.errors import ManifestError
from genie_cli.header import Header
from genie_cli.manifest import Row, Status


@dataclass(frozen=True)
class Item:
    """One job and what became of it.

    Attributes:
        image: where the generated image is said to be; None unless it was made.
        source: where its source is said to be; None if there is none, or its folder is not known.
    """

    row: Row
    image: Path | None
    source: Path | None


@dataclass(frozen=True)
class Contents:
    """A whole manifest.

    Attributes:
        name: what errors call it.
        items: all rows in their order, made or not, accepted or not.
        root: folder that the rows' files are relative to.
    """

    name: str
    header: Header
    items: Sequence[Item]
    root: Path = Path()


def read(name: str | Path) -> Contents:
    """Read a manifest by its path, by the folder of a run, or, as ``"-"``, from standard input.

    Raises:
        ManifestError: it is no manifest, or has no rows.
        UsageError: its images are probes.
    """
    with manifest.opened(name, "genie.manifest") as document:
        document.require_images()
        header = document.header
        sources = Path(header.source_root) if header.source_root else None
        items = [_item(row, document.root, sources) for row in document.rows()]
    if not items:
        raise ManifestError(document.name, 0, "has no rows", "see genie generate")
    return Contents(document.name, header, items, document.root)


def _item(row: Row, root: Path, sources: Path | None) -> Item:
    image = root / row.file if row.status is Status.MADE else None
    source = sources / row.job.source.path if sources and row.job.source else None
    return Item(row, image, source)
