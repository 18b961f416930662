"""The files that say what a folder has: the manifest, the metadata for Hugging Face's `datasets`, and the card."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from genie_cli.files.reading import open_text
from genie_cli.files.writing import open_new
from genie_cli.generate import card, metadata
from genie_cli.generate.binding import manifest_of
from genie_cli.generate.paths import IMAGES
from genie_cli.header import Header
from genie_cli.manifest import Row, Status


def metadata_of(root: Path, name: str = metadata.LINES) -> Path:
    """The metadata of an output folder; ``name`` says in which form."""
    return root / IMAGES / name


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
    tally, has_times = card.Tally(), False
    places = [manifest_of(root), metadata_of(root)]
    with _written(aside / places[0].name) as table, _written(aside / places[1].name) as shown:
        table.write(header.line(count))
        for row in rows:
            table.write(row.line())
            if row.status is Status.MADE:
                record = _record(row)
                shown.write(metadata.line_of(record))
                has_times |= any(map(metadata.is_like_a_time, (record["label"], record["source_label"])))
                tally.add(row.job, row.sha256)
    if not tally.images:
        return places[:1]
    if has_times and metadata.can_be_table():
        places[1] = _as_table(aside, metadata_of(root, metadata.TABLE))
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


def _record(row: Row) -> dict[str, Any]:
    """An image in the metadata. Every value has its type: without a source, the class of the source is empty."""
    job = row.job
    name, source_label = row.file.removeprefix(f"{IMAGES}/"), job.source.label if job.source else ""
    return {"file_name": name, "label": job.target, "source_label": source_label, "r": job.r, "id": job.id}


def _as_table(aside: Path, place: Path) -> Path:
    """Write the metadata that are aside as Parquet, beside them; returns ``place``, where these are to be put."""
    columns = (card.Feature("file_name", "string", "the image's file"), *card.FEATURES[1:])
    (aside / place.name).unlink(missing_ok=True)
    with open_text(aside / metadata.LINES) as lines, open_new(aside / place.name) as file:
        metadata.write_table(map(json.loads, lines), columns, file)
        file.flush()
        os.fsync(file.fileno())
    (aside / metadata.LINES).unlink()
    return place


def drop_superseded(places: Iterable[Path]) -> None:
    """Delete the metadata in the form of before, where they have been put in another: readers take one only."""
    for path in places:
        if path.name == metadata.TABLE:
            path.with_name(metadata.LINES).unlink(missing_ok=True)
