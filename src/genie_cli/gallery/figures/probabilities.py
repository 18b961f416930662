"""What an oracle gives the classes of source and target: over r for images that differ only in r, and its densities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any

from genie_cli.gallery.figures.choosing import Sweep, evenly, sweeps
from genie_cli.manifest import Row

LINES = 200  # that are drawn
BINS = 20


def trajectories(rows: Iterable[Row]) -> dict[str, Any]:
    """For the page: by method the probabilities over r, a line for each source, target and replicate, and their means.

    Returns:
        Empty if no two judged images differ only in r.
    """
    found = sweeps(row for row in rows if _target(row) is not None)
    drawn = evenly(found, LINES, _method, lambda sweep: (sweep[0].job.noise_seed, _method(sweep)))
    methods = [
        {
            "method": method,
            "sweeps": len(own),
            "means": list(_means(own)),
            "lines": [_line(sweep) for sweep in drawn if _method(sweep) == method],
        }
        for method in sorted(set(map(_method, found)))
        if (own := [sweep for sweep in found if _method(sweep) == method])
    ]
    return {"methods": methods} if methods else {}


def densities(rows: Iterable[Row]) -> dict[str, Any]:
    """For the page: by method and r, how many images have a probability in each of `BINS` bins of 0..1.

    Returns:
        Empty if no image was judged.
    """
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if _target(row) is not None:
            groups.setdefault((row.job.method.value, row.job.r), []).append(row)
    panels = [
        {
            "method": method,
            "r": r,
            "target": _histogram(map(_target, groups[method, r])),
            "source": _histogram(map(_source, groups[method, r])),
        }
        for method, r in sorted(groups)
    ]
    return {"bins": BINS, "panels": panels} if panels else {}


def _method(sweep: Sweep) -> str:
    return sweep[0].job.method.value


def _target(row: Row) -> float | None:
    return row.judgement.target_probability if row.judgement else None


def _source(row: Row) -> float | None:
    """None, too, if the source is of the target's class: that probability is the target's."""
    is_other = row.job.source is not None and row.job.source.label != row.job.target
    return row.judgement.source_probability if row.judgement and is_other else None


def _line(sweep: Sweep) -> dict[str, Any]:
    job = sweep[0].job
    return {
        "source": job.source.label if job.source else "",
        "target": job.target,
        "points": [
            {"r": row.job.r, "target": _target(row), "source": _source(row), "job": row.job.id} for row in sweep
        ],
    }


def _means(found: Sequence[Sweep]) -> Iterator[dict[str, Any]]:
    """The mean over all lines, drawn or not, at each r."""
    by_r: dict[float, list[Row]] = {}
    for sweep in found:
        for row in sweep:
            by_r.setdefault(row.job.r, []).append(row)
    for r in sorted(by_r):
        target, source = ([value for row in by_r[r] if (value := of(row)) is not None] for of in (_target, _source))
        yield {
            "r": r,
            "images": len(target),
            "target": fmean(target),
            "source": fmean(source) if source else None,
        }


def _histogram(values: Iterable[float | None]) -> list[int]:
    counts = [0] * BINS
    for value in values:
        if value is not None:
            counts[min(int(value * BINS), BINS - 1)] += 1
    return counts
