"""Sources and what they become under each target, at one noise ratio: the paper's Figure 1.

Where few sources became several targets, it has pairs instead: each target's images beside their sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genie_cli.errors import UsageError
from genie_cli.gallery.items import Contents, Item
from genie_cli.gallery.plots.names import kind_name
from genie_cli.gallery.plots.pictures import Cell, PictureRow
from genie_cli.gallery.plots.pictures import draw as draw_pictures
from genie_cli.jobs import Method
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 8
COLUMNS = 8  # targets
PAIRS = 4  # of a target

Made = dict[str, dict[str, Item]]  # by the SHA-256 of the source, and by target


def draw(contents: Contents, observer: Observer) -> Figure:
    """Draw up to `ROWS` sources and up to `COLUMNS` targets.

    Raises:
        UsageError: no image was made from a source.
    """
    method, r, items = _of_one_ratio(contents)
    targets = _targets(items)
    made = _by_source(items, targets)
    chosen = choose(made, targets)
    name, every = kind_name(method, r), len({item.row.job.target for item in items})
    if 2 * sum(_reach(made[sha256], targets) for sha256 in chosen) < len(chosen) * len(targets):
        observer.found(f"the figure shows {name}: {len(targets)} of {every} targets, each image beside its source")
        return draw_pictures(["source", "made"] * PAIRS, [_pairs(items, target) for target in targets], observer)
    observer.found(f"the figure shows {name}: {len(chosen)} of {len(made)} sources, {len(targets)} of {every} targets")
    rows = [_row(made[sha256], targets) for sha256 in chosen]
    return draw_pictures(["source", *targets], rows, observer)


def _row(own: dict[str, Item], targets: Sequence[str]) -> PictureRow:
    label = _label(own)
    cells = [cell_of(own[target]) if target in own else Cell(missing=target != label) for target in targets]
    return PictureRow([label], [source_of(next(iter(own.values()))), *cells])


def _pairs(items: Sequence[Item], target: str) -> PictureRow:
    """Images of a target, each beside its source, from as many classes as there are."""
    ranked: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: item.row.job.id):
        if item.row.job.target == target:
            ranked.setdefault(_label({target: item}), []).append(item)
    order = sorted((place, item.row.job.id) for own in ranked.values() for place, item in enumerate(own))
    chosen = {job: number for number, (_, job) in enumerate(order[:PAIRS])}
    shown = sorted((item for item in items if item.row.job.id in chosen), key=lambda item: chosen[item.row.job.id])
    cells = [cell for item in shown for cell in (source_of(item), cell_of(item))]
    return PictureRow([f"to {target}"], [*cells, *(Cell(missing=False) for _ in range(2 * PAIRS - len(cells)))])


def source_of(item: Item) -> Cell:
    """The place of an image's source."""
    return Cell(item.source, item.row.job.source.sha256 if item.row.job.source else "")


def cell_of(item: Item | None, below: str = "") -> Cell:
    """The place of a generated image; an empty one for None."""
    return Cell(item.image, item.row.sha256, below) if item else Cell()


def main_method(items: Sequence[Item]) -> Method:
    """GeNIe, or else the method with sources that made most of the images.

    Raises:
        UsageError: no image was made from a source.
    """
    count = Counter(item.row.job.method for item in items if item.image and item.row.job.source)
    if not count:
        raise UsageError("--figure: no image was made from a source", "use --figure map, which needs none")
    return Method.GENIE if Method.GENIE in count else max(sorted(count), key=lambda method: count[method])


def choose(made: Made, targets: Sequence[str]) -> list[str]:
    """The sources that are shown: those that became most of the targets, and of these as many classes as there are.

    A source of a target's class counts as if it had become that, since it cannot.
    """
    ranked: dict[tuple[int, str], list[str]] = {}
    for sha256 in sorted(made):
        ranked.setdefault((_reach(made[sha256], targets), _label(made[sha256])), []).append(sha256)
    order = sorted((-count, place, own) for (count, _), every in ranked.items() for place, own in enumerate(every))
    return sorted((own for _, _, own in order[:ROWS]), key=lambda own: (_label(made[own]), own))


def _reach(own: dict[str, Item], targets: Sequence[str]) -> int:
    """How many targets a source became, its own class included."""
    return len({*own} | ({_label(own)} & {*targets}))


def _label(own: dict[str, Item]) -> str:
    source = next(iter(own.values())).row.job.source
    return source.label if source else ""


def _of_one_ratio(contents: Contents) -> tuple[Method, float, list[Item]]:
    """The images of the method, at its usual noise ratio, or else at that with the most images."""
    method = main_method(contents.items)
    own = [item for item in contents.items if item.image and item.row.job.source and item.row.job.method is method]
    count = Counter(item.row.job.r for item in own)
    r = method.default_r if method.default_r in count else max(sorted(count), key=lambda each: count[each])
    return method, r, [item for item in own if item.row.job.r == r]


def _targets(items: Sequence[Item]) -> list[str]:
    count = Counter(item.row.job.target for item in items)
    return sorted(sorted(count, key=lambda target: (-count[target], target))[:COLUMNS])


def _by_source(items: Sequence[Item], targets: Sequence[str]) -> Made:
    """The first replicate for each source and target."""
    made: Made = {}
    for item in sorted(items, key=lambda item: (item.row.job.replicate, item.row.job.id)):
        job = item.row.job
        if job.source and job.target in targets:
            made.setdefault(job.source.sha256, {}).setdefault(job.target, item)
    return made
