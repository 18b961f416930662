"""`genie select`: which images are to be used? A manifest in, a manifest out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver
from genie_cli.cli._manifests import deliver
from genie_cli.cli._options import EVALUATION, INPUT, MODEL, OUTPUT, option, probability, whole_number, with_settings
from genie_cli.cli._printable import text
from genie_cli.cli._settings import Chosen
from genie_cli.config import BUNDLED, LITE0
from genie_cli.data.listing import counted
from genie_cli.errors import UsageError
from genie_cli.oracle.conditions import Band
from genie_cli.oracle.verdict import Verdict
from genie_cli.settings import split_list

if TYPE_CHECKING:
    from genie_cli.oracle.selected import Counts, Leak, Selected

_SHOWN = 20  # targets, or pairs
_WIDE = 1000  # columns of a terminal that any table fits


def _band(words: str) -> Band:
    """Reads the value of an option that is a range of numbers; whether it is within 0..1 is checked with its name."""
    try:
        low, high = map(float, words.split(","))
    except ValueError:
        raise typer.BadParameter(f"must be two numbers, LOW,HIGH: {words!r} was given") from None
    return Band(low, high)


@with_settings(["model.device"])
def select(
    chosen: Chosen,
    manifest: Annotated[
        str,
        Argument(help="A manifest, or the folder of a run ('-': stdin).", metavar="MANIFEST", show_default=False),
    ],
    keep: Annotated[
        Path | None,
        option(help="Keep only the jobs in this manifest, or in this list of job ids.", panel=INPUT, metavar="FILE"),
    ] = None,
    held_out: Annotated[
        Path | None,
        option(
            help="Test or query images: drop near-duplicates of these, and name the pairs.", panel=INPUT, metavar="DIR"
        ),
    ] = None,
    verdict: Annotated[
        list[str] | None,
        option(
            help="Keep these verdicts: hard (negative), easy, mislabelled, correct(ly labelled).",
            panel=EVALUATION,
            metavar="NAME,...",
            choices=tuple(Verdict),
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        option(help="Lowest probability of the label.", panel=EVALUATION, metavar="FLOAT", parser=probability),
    ] = None,
    source_similarity: Annotated[
        Band | None,
        option(help="Lowest and highest similarity to the source.", panel=EVALUATION, metavar="LOW,HIGH", parser=_band),
    ] = None,
    hardness: Annotated[
        Band | None,
        option(
            help="Quantiles of hardness within each target; .25,.75 is the middle half.",
            panel=EVALUATION,
            metavar="LOW,HIGH",
            parser=_band,
        ),
    ] = None,
    distinct: Annotated[
        bool, option("--distinct", help="Of near-duplicates of one target keep the best.", panel=EVALUATION)
    ] = False,
    per_target: Annotated[
        int | None,
        option(help="Keep this many images of each target.", panel=EVALUATION, metavar="INT", parser=whole_number(1)),
    ] = None,
    balanced: Annotated[
        bool, option("--balanced", help="Keep as many images of each target as the smallest has.", panel=EVALUATION)
    ] = False,
    backbone: Annotated[
        str | None,
        option(
            help="Network that tells near-duplicates: digits (bundled), lite0 (ImageNet, without a hub), "
            "unisiam-resnet18, -34 or -50, or a timm model.",
            panel=MODEL,
            metavar="NAME",
            default="digits for its images, else DeiT-Base",
            choices=(BUNDLED, LITE0),
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, option(help="File with the backbone's weights.", panel=MODEL, metavar="FILE")
    ] = None,
    drop: Annotated[bool, option("--drop", help="Drop images instead of marking them.", panel=OUTPUT)] = False,
    out: Annotated[
        Path | None, option(help="The manifest to write; it may be the one read.", panel=OUTPUT, metavar="FILE")
    ] = None,
    json_: Annotated[bool, option("--json", help="Print the manifest to stdout, as in a pipe.", panel=OUTPUT)] = False,
) -> None:
    """Select the images to use, of those that genie oracle has accepted; later commands leave out the others.

    Each row gains the column select: whether it is selected, and if not, why. An earlier selection is replaced. The
    best images are those whose label is the most probable.

    Example: genie select judged.jsonl --verdict hard --per-target 50 --out selected.jsonl
    """
    from genie_cli.oracle import manifests

    if out and json_:
        raise UsageError("--out does not go with --json", "leave out one of them")
    before = manifests.require_writable(out) if out else None
    needs_device = distinct or held_out is not None
    selected = api.select(
        manifest,
        keep=keep,
        verdict=split_list(verdict) or (),
        min_confidence=min_confidence,
        source_similarity=source_similarity,
        hardness=hardness,
        held_out=held_out,
        distinct=distinct,
        per_target=per_target,
        balanced=balanced,
        backbone=backbone,
        checkpoint=checkpoint,
        device=chosen.settings.model.device if needs_device else chosen.options.get("device"),
        observer=ConsoleObserver(),
    )
    shown = partial(_show, selected, drop)
    deliver(selected, drop, out, before, json_, shown, _following(selected, out))


def _following(selected: Selected, out: Path | None) -> tuple[str, list[str]] | None:
    """To export what was selected, with the photos that it was made from."""
    if not out or not selected.counts.selected:
        return None
    photos = selected.images.source_root
    with_photos = ["--with", str(photos)] if photos else []
    return "a data set of them", ["genie", "export", str(out), *with_photos, "--out", "set"]


def _show(selected: Selected, dropped: bool, console: Console) -> None:
    whole = selected.counts
    if selected.conditions:
        by_r = {f"{method} {r:g}": counts for (method, r), counts in selected.by_r().items()}
        console.print(_table("Left out, by noise ratio", "method and r", by_r, whole, console))
        by_target = selected.by_target()
        shown = sorted(sorted(by_target, key=lambda target: by_target[target].selected)[:_SHOWN])
        more = f", the {len(shown)} with the fewest of {len(by_target)}" if len(shown) < len(by_target) else ""
        groups = {target: by_target[target] for target in shown}
        console.print(_table(f"Left out, by target{more}", "target", groups, whole, console))
    _show_leaks(selected.leaks, console)
    rest = whole.images - whole.selected
    outcome = "dropped" if dropped else "marked as not selected" if selected.conditions else "were marked before"
    console.print(f"{whole.selected} of {whole.images} images selected" + (f", {rest} {outcome}" if rest else ""))


def _table(title: str, first: str, groups: Mapping[str, Counts], whole: Counts, console: Console) -> Table:
    """A row per group, and their sum: images, how many are selected, and how many each condition left out.

    Conditions have a column each if there is room for them, else one together.
    """
    by_column, in_words = (
        Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False) for _ in range(2)
    )
    for table in (by_column, in_words):
        table.add_column(first)
        table.add_column("images", justify="right")
        table.add_column("selected", justify="right")
    for condition in whole.dropped:
        by_column.add_column(condition, justify="right")
    in_words.add_column("left out")
    for name, counts in {**groups, "all": whole}.items():
        own = text(name), str(counts.images), str(counts.selected)
        by_column.add_row(*own, *(str(counts.dropped.get(condition, 0)) for condition in whole.dropped))
        in_words.add_row(*own, ", ".join(f"{condition} {number}" for condition, number in counts.dropped.items()))
    needed = console.measure(by_column, options=console.options.update(max_width=_WIDE)).maximum
    return by_column if needed <= console.width else in_words


def _show_leaks(leaks: Sequence[Leak], console: Console) -> None:
    """The pairs of images and held-out images, for a person to look at; of copies of sources how often each was one."""
    near = [leak for leak in leaks if leak.distance is not None]
    for leak in near[:_SHOWN]:
        console.print(f"{leak.file} shows {leak.held_out} (distance {leak.distance:.4f})", soft_wrap=True)
    if len(near) > _SHOWN:
        console.print(f"and {len(near) - _SHOWN} more images show held-out ones; the column select names them")
    sources = Counter(leak.held_out for leak in leaks if leak.distance is None)
    for name, number in sources.most_common(_SHOWN):
        console.print(f"{name} is the source of {counted(number, 'image')}", soft_wrap=True)
    if len(sources) > _SHOWN:
        console.print(f"and {len(sources) - _SHOWN} more held-out images are sources; the column select names them")
