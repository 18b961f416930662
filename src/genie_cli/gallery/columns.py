"""What the page filters, sorts and shows in tiles, as columns: `genie.load` in the page reads them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from genie_cli.files.reading import is_text
from genie_cli.gallery.items import Contents
from genie_cli.gallery.pictures import Pictures
from genie_cli.gallery.sheets import CELLS, COLUMNS, LARGEST, Drawn
from genie_cli.manifest import Row, Status

NOT_JUDGED, NOT_MADE = "not judged", "not made"
CHUNK = 1000  # rows in a file of `lines`


def columns(contents: Contents, pictures: Pictures) -> dict[str, Any]:
    """All rows, in the manifest's order.

    ``ids`` has 20 characters per row. A column in ``coded`` has its different values, sorted, and for each row the
    place of its value among them; no codes if all rows have the same. Missing numbers are None, missing places -1.
    """
    rows = [item.row for item in contents.items]
    jobs = [row.job for row in rows]
    return {
        "key": key(contents),
        "chunk": CHUNK,
        "ids": "".join(job.id for job in jobs),
        "coded": {
            "target": coded(job.target for job in jobs),
            "source": coded(job.source.label if job.source else "" for job in jobs),
            "method": coded(job.method.value for job in jobs),
            "r": coded(job.r for job in jobs),
            "prompt": coded(job.prompt for job in jobs),
            "replicate": coded(job.replicate for job in jobs),
            "verdict": coded(map(verdict_of, rows)),
            "state": coded(map(state_of, rows)),
            "consistent": coded(_consistent(row) for row in rows),
            "problem": coded(row.reason or pictures.image_problem(place) for place, row in enumerate(rows)),
            "lost": coded(map(pictures.source_problem, range(len(rows)))),
        },
        "confidence": [row.judgement.target_probability if row.judgement else None for row in rows],
        "similarity": [row.judgement.source_similarity if row.judgement else None for row in rows],
        "sweep": _sweeps(rows),
        "picture": [-1 if cell is None or cell in pictures.images.problems else cell for cell in pictures.cell_of],
        "photo": [-1 if place is None or place in pictures.sources.problems else place for place in pictures.source_of],
        "pictures": _sheets(pictures.images),
        "photos": _sheets(pictures.sources),
        "cells": {"across": COLUMNS, "all": CELLS, "largest": LARGEST},
        "header": _header(contents),
    }


def coded(values: Iterable[Any]) -> dict[str, Any]:
    """The different values, sorted, and the place of each value among them."""
    found = list(values)
    different = sorted(set(found))
    if len(different) == 1:
        return {"values": different, "codes": None}
    places = {value: place for place, value in enumerate(different)}
    return {"values": different, "codes": [places[value] for value in found]}


def verdict_of(row: Row) -> str:
    """The oracle's verdict, or that there is none."""
    if row.status is not Status.MADE:
        return NOT_MADE
    return row.judgement.verdict if row.judgement and row.judgement.verdict else NOT_JUDGED


def state_of(row: Row) -> str:
    """What became of a job, in a word: whether its image is used, and if not, what decided that."""
    if row.status is not Status.MADE:
        return row.status.value
    if row.is_rejected:
        return "rejected"
    if row.selection:
        return "selected" if row.selection.selected else "not selected"
    return "accepted" if row.judgement else NOT_JUDGED


def summary(contents: Contents) -> list[str]:
    """How many rows there are, made and not, in words."""
    counts = Counter(item.row.status for item in contents.items)
    words = [f"{counts[Status.MADE]:,} {'image' if counts[Status.MADE] == 1 else 'images'}"]
    return words + [f"{counts[status]:,} {status.value}" for status in Status if status != "made" and counts[status]]


def key(contents: Contents) -> str:
    """Tells galleries of other rows apart, of which a browser keeps choices, or has a page open."""
    return hashlib.sha256("".join(item.row.job.id for item in contents.items).encode()).hexdigest()[:20]


def _consistent(row: Row) -> str:
    return "" if not row.judgement or not row.judgement.top else "yes" if row.judgement.consistent else "no"


def _sweeps(rows: Sequence[Row]) -> list[int]:
    """For each row its sweep: images that differ in r alone have the same number."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(row.job.noise_seed, len(numbers)) for row in rows]


def _sheets(drawn: Drawn) -> dict[str, Any]:
    return {
        "names": [sheet.name for sheet in drawn.sheets],
        "sides": [sheet.side for sheet in drawn.sheets],
        "sizes": coded(size or (0, 0) for sheet in drawn.sheets for size in sheet.sizes),
    }


def _header(contents: Contents) -> list[str]:
    """The first line of a manifest of chosen rows, before and after their number.

    It may lie anywhere, unless the images lie in a folder whose name is no text: then it must lie with them.
    """
    root = str(contents.root.resolve())
    header = contents.header.model_copy(update={"root": root if is_text(root) else None})
    before, number, after = header.line(0).partition('"rows":0')
    return [before + number[:-1], after]
