"""Results of the benchmarks as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from genie_cli.cli._printable import text
from genie_cli.evaluate.paper_tables import Figure

if TYPE_CHECKING:
    from genie_cli.fewshot.results import Comparison
    from genie_cli.fewshot.results import Record as FewShotRecord
    from genie_cli.longtail.results import Comparison as LongTailComparison
    from genie_cli.longtail.results import Record as LongTailRecord


def fewshot_table(records: Sequence[FewShotRecord]) -> Table:
    """One row per augmentation; for each number of shots accuracy, difference from the baseline, paper."""
    first = records[0]
    shots = sorted({record.shots for record in records})
    title = f"{first.dataset}, {first.ways}-way, {first.episodes} episodes, {first.backbone}, {first.classifier}"
    grid = Table(title=text(title), title_justify="left", box=box.SIMPLE_HEAD)
    grid.add_column("augmentation")
    with_paper = any(record.paper is not None for record in records)
    for count in shots:
        grid.add_column(f"{count}-shot, %", justify="right")
        grid.add_column(f"vs. {first.baseline}" if first.baseline else "", justify="right")
        if with_paper:
            grid.add_column("paper", justify="right")
    for name in dict.fromkeys(record.augmentation for record in records):
        cells: list[Text] = []
        for count in shots:
            found = [record for record in records if record.augmentation == name and record.shots == count]
            cells += _cells(found[0] if found else None, with_paper)
        grid.add_row(text(name), *cells)
    return grid


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per paired difference and number of shots."""
    grid = Table(title="paired differences, percentage points", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("augmentation", "minus", "shots"):
        grid.add_column(name)
    for name in ("difference", "95 % over episodes", "95 % clustered by image", "p"):
        grid.add_column(name, justify="right")
    for each in comparisons:
        figures = f"{each.difference:+.2f}", f"± {each.episode_interval:.2f}", f"± {each.clustered_interval:.2f}"
        named = each.augmentation, each.baseline, str(each.shots)
        grid.add_row(*map(text, (*named, *figures, f"{each.p_value:.2g}")))
    return grid


def _cells(record: FewShotRecord | None, with_paper: bool) -> list[Text]:
    if record is None:
        return [text("")] * (2 + with_paper)
    cells = [text(f"{record.accuracy:.2f} ± {record.interval:.2f}"), _difference(record)]
    return [*cells, text(_papers(record))] if with_paper else cells


def _papers(record: FewShotRecord) -> str:
    if record.paper is None:
        return ""
    return str(Figure(record.paper, record.paper_interval))


def _difference(record: FewShotRecord) -> Text:
    """Colored only if the interval does not include zero."""
    if record.difference is None or record.difference_interval is None or record.augmentation == record.baseline:
        return text("")
    certain = record.episodes > 1 and abs(record.difference) > record.difference_interval
    style = ("green" if record.difference > 0 else "red") if certain else ""
    return text(f"{record.difference:+.2f} ± {record.difference_interval:.2f}", style)


def longtail_table(records: Sequence[LongTailRecord]) -> Table:
    """One row per augmentation, with means over the seeds; the paper's figures in the row below it."""
    from genie_cli.longtail.results import GROUPS

    means = [record for record in records if record.seed is None]
    first = means[0]
    title = f"{first.dataset}, {first.network}, {first.loss}, mean of {first.seeds} seed{'s' * (first.seeds > 1)}"
    grid = Table(title=text(title), title_justify="left", box=box.SIMPLE_HEAD)
    grid.add_column("augmentation")
    for group in GROUPS:
        grid.add_column(f"{group.capitalize()}, %", justify="right")
    for record in means:
        grid.add_row(text(record.augmentation), *(text(_mean(record, group)) for group in GROUPS))
        if record.paper_overall is not None:
            paper = [getattr(record, f"paper_{group}") for group in GROUPS]
            grid.add_row(text("  the paper", "dim"), *(text(f"{value:.2f}", "dim") for value in paper))
    return grid


def _mean(record: LongTailRecord, group: str) -> str:
    mean, interval = getattr(record, group), getattr(record, f"{group}_interval")
    if mean is None:
        return ""
    return f"{mean:.2f}" if interval is None else f"{mean:.2f} ± {interval:.2f}"


def longtail_comparisons(comparisons: Sequence[LongTailComparison]) -> Table:
    """One row per pair of augmentations and interval, one column per group."""
    from genie_cli.longtail.results import GROUPS

    seeds = comparisons[0].seeds
    title = f"paired differences over {seeds} seed{'s' * (seeds > 1)}, with 95 % intervals"
    grid = Table(title=text(title), title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("augmentation", "interval over"):
        grid.add_column(column)
    for group in GROUPS:
        grid.add_column(f"{group.capitalize()}, %", justify="right")
    for pair in dict.fromkeys((record.augmentation, record.baseline) for record in comparisons):
        own = {record.group: record for record in comparisons if (record.augmentation, record.baseline) == pair}
        for words, name in (("seeds", "seed_interval"), ("seeds and test images", "two_way_interval")):
            cells = [
                _apart(own[group].difference, getattr(own[group], name)) if group in own else "" for group in GROUPS
            ]
            grid.add_row(text(" less ".join(pair) if words == "seeds" else ""), words, *map(text, cells))
    return grid


def _apart(difference: float, interval: float | None) -> str:
    return f"{difference:+.2f}" if interval is None else f"{difference:+.2f} ± {interval:.2f}"
