"""The part of a confusion matrix that can be looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from genie_cli.confuse.confusion import Confusion
from genie_cli.manifest import Row

MOST = 60  # classes that are shown


def data(confusion: Confusion, rows: Iterable[Row]) -> dict[str, Any]:
    """For the page: up to `MOST` classes, those of the manifest where there are more, of these the most confused ones.

    Returns:
        ``labels``, ``counts`` with a row for each true class, ``totals`` of the whole rows, and ``classes``, how many
        there are; ``chosen`` says by what the classes were chosen: "", "manifest" or "confusions".
    """
    places, chosen = _shown(confusion, {name for row in rows for name in _classes(row)})
    return {
        "labels": [confusion.labels[place] for place in places],
        "counts": [[confusion.matrix[true][predicted] for predicted in places] for true in places],
        "totals": [sum(confusion.matrix[place]) for place in places],
        "classes": len(confusion.labels),
        "chosen": chosen,
    }


def _classes(row: Row) -> Iterable[str]:
    return (row.job.target, row.job.source.label) if row.job.source else (row.job.target,)


def _shown(confusion: Confusion, named: Collection[str]) -> tuple[list[int], str]:
    """The places of the classes that are shown, ascending."""
    places = list(range(len(confusion.labels)))
    if len(places) <= MOST:
        return places, ""
    own = [place for place in places if confusion.labels[place] in named]
    if 2 <= len(own) <= MOST:
        return own, "manifest"
    errors = _errors(confusion)
    most = sorted(own if len(own) > MOST else places, key=lambda place: (-errors[place], place))
    return sorted(most[:MOST]), "confusions"


def _errors(confusion: Confusion) -> list[int]:
    """For each class, the images of it that were taken for others, and those of others that were taken for it."""
    found = [-2 * row[place] for place, row in enumerate(confusion.matrix)]
    for true, row in enumerate(confusion.matrix):
        found[true] += sum(row)
        for predicted, count in enumerate(row):
            if count:
                found[predicted] += count
    return found
