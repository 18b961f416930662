"""The files that say what a folder has: the manifest, the metadata for Hugging Face's `datasets`, and the card."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from genie_cli.files.writing import open_new
from genie_cli.generate import card
from genie_cli.generate.binding import manifest_of
from genie_cli.generate.paths import IMAGES
from genie_cli.header import Header
from genie_cli.manifest import Row, Status


def metadata_of(root: Path) -> Path:
    """The metadata of an output folder."""
    return root / IMAGES / "metadata.jsonl"


def card_of(root: Path) -> Path:
    """The dataset card of an output folder."""
    return root / card.NAME


def set_aside(root: Path, aside: Path, header: Header, rows: Iterable[Row], count: int) -> list[Path]:
    """Write them under their own names into another folder, on disk.

    Args:
        aside: the folder that they are written into.
        rows: of the manifest, in its order.
        count: how many they are.

    Returns:
        Their places in ``root``, in the order in which they are to be put there; the metadata and the card only if
        there is an image, and the card only if it replaces none that a person wrote or edited.
    """
    tally = card.Tally()
    places = [manifest_of(root), metadata_of(root)]
    with _written(aside / places[0].name) as table, _written(aside / places[1].name) as shown:
        table.write(header.line(count))
        for row in rows:
            table.write(row.line())
            if row.status is Status.MADE:
                shown.write(_metadata_line(row))
                tally.add(row.job, row.sha256)
    if not tally.images:
        return places[:1]
    readme = card_of(root)
    if not header.settings.probe and card.is_replaceable(readme):
        with _written(aside / readme.name) as described:
            described.write(card.of_run(header, tally))
        places.append(readme)
    return places


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    """A new file, on disk when it is closed."""
    path.unlink(missing_ok=True)
    with TextIOWrapper(open_new(path), encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _metadata_line(row: Row) -> str:
    job = row.job
    shown = {"label": job.target, "source_label": job.source.label if job.source else None, "r": job.r, "id": job.id}
    return json.dumps({"file_name": row.file.removeprefix(f"{IMAGES}/"), **shown}, ensure_ascii=False) + "\n"
