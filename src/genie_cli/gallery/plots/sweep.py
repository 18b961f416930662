"""Sources and what they become under one target as r rises: the paper's Figures 2 and 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genie_cli.errors import UsageError
from genie_cli.gallery.figures.choosing import Sweep, sweeps
from genie_cli.gallery.items import Contents, Item
from genie_cli.gallery.plots.grid import cell_of, main_method, source_of
from genie_cli.gallery.plots.names import kind_name
from genie_cli.gallery.plots.pictures import PictureRow
from genie_cli.gallery.plots.pictures import draw as draw_pictures
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 8
COLUMNS = 8  # noise ratios


def draw(contents: Contents, observer: Observer) -> Figure:
    """Draw up to `ROWS` sweeps over up to `COLUMNS` noise ratios.

    Raises:
        UsageError: no two images differ only in r.
    """
    method = main_method(contents.items)
    items = {item.row.job.id: item for item in contents.items if item.image and item.row.job.method is method}
    found = sweeps(item.row for item in items.values())
    if not found:
        raise UsageError(
            "--figure sweep: no two images differ only in r", "generate several: genie generate ... --r 0.6,0.7,0.8"
        )
    count = Counter(row.job.r for sweep in found for row in sweep)
    ratios = sorted(sorted(count, key=lambda r: (-count[r], r))[:COLUMNS])
    chosen = choose(found, ratios)
    name = kind_name(method, 0).partition(",")[0]
    observer.found(f"the figure shows {name}: {len(chosen)} of {len(found)} sources with targets")
    rows = [_row(sweep, items, ratios) for sweep in chosen]
    if any(cell.below for row in rows for cell in row.cells):
        observer.found("below each image: the oracle's probability of the target; ✓: it is the oracle's top class")
    return draw_pictures(["source", *(f"r = {r:g}" for r in ratios)], rows, observer)


def choose(found: Sequence[Sweep], ratios: Sequence[float]) -> list[Sweep]:
    """The sweeps that are shown: those with most of the noise ratios, and of these as many targets as there are."""
    ranked: dict[tuple[int, str], list[Sweep]] = {}
    for sweep in found:  # in the order of hashes
        present = len({row.job.r for row in sweep} & {*ratios})
        ranked.setdefault((present, sweep[0].job.target), []).append(sweep)
    order = [(-count, place, sweep) for (count, _), own in ranked.items() for place, sweep in enumerate(own)]
    order.sort(key=lambda each: (each[0], each[1], each[2][0].job.noise_seed))
    return sorted((sweep for _, _, sweep in order[:ROWS]), key=lambda sweep: (*_pair(sweep), sweep[0].job.noise_seed))


def _pair(sweep: Sweep) -> tuple[str, str]:
    job = sweep[0].job
    return job.source.label if job.source else "", job.target


def _row(sweep: Sweep, items: dict[str, Item], ratios: Sequence[float]) -> PictureRow:
    source, target = _pair(sweep)
    own = {row.job.r: items[row.job.id] for row in sweep}
    cells = [cell_of(own.get(r), _below(own.get(r))) for r in ratios]
    return PictureRow([source, f"to {target}"], [source_of(items[sweep[0].job.id]), *cells])


def _below(item: Item | None) -> str:
    """The oracle's probability of the target, and a mark if it is the top class; "" if it has not been asked."""
    judgement = item.row.judgement if item else None
    if judgement is None or judgement.target_probability is None:
        return ""
    return f"{judgement.target_probability:.2f}" + (" ✓" if judgement.consistent else "")
