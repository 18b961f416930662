"""Few-shot results as records, and as a table like the paper's."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.table import Table
from rich.text import Text


class Record(BaseModel):
    """One augmentation on one list of episodes. Accuracies and differences in %.

    Attributes:
        interval: half of the 95 % interval of the mean; ``difference_interval`` likewise.
        difference: to the ``baseline``, another augmentation, episode by episode; None where that was not run.
        added: generated images used, a class and episode; ``rejected``: share left out by the oracle.
        paper: the paper's accuracy, where data set, backbone and design are the paper's.
        episode_list: SHA-256 of the list of episodes.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    backbone: str
    classifier: str
    ways: int
    shots: int
    queries: int
    episodes: int
    episode_list: str
    augmentation: str
    accuracy: float
    interval: float
    baseline: str | None = None
    difference: float | None = None
    difference_interval: float | None = None
    added: float = 0
    rejected: float = 0
    paper: float | None = None


def table(records: Sequence[Record]) -> Table:
    """A row an augmentation; for each number of shots the accuracy, the difference to the baseline, and the paper's."""
    first = records[0]
    shots = sorted({record.shots for record in records})
    title = f"{first.dataset}, {first.ways}-way, {first.episodes} episodes, {first.backbone}, {first.classifier}"
    grid = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    grid.add_column("augmentation")
    with_paper = any(record.paper is not None for record in records)
    for count in shots:
        grid.add_column(f"{count}-shot, %", justify="right")
        grid.add_column(f"to {first.baseline}" if first.baseline else "", justify="right")
        if with_paper:
            grid.add_column("paper", justify="right")
    for name in dict.fromkeys(record.augmentation for record in records):
        cells: list[Text] = []
        for count in shots:
            found = [record for record in records if record.augmentation == name and record.shots == count]
            cells += _cells(found[0] if found else None, with_paper)
        grid.add_row(Text(name), *cells)
    return grid


def _cells(record: Record | None, with_paper: bool) -> list[Text]:
    if record is None:
        return [Text()] * (2 + with_paper)
    cells = [Text(f"{record.accuracy:.2f} ± {record.interval:.2f}"), _difference(record)]
    return [*cells, Text("" if record.paper is None else f"{record.paper:.2f}")] if with_paper else cells


def _difference(record: Record) -> Text:
    """In colour only where the interval leaves no doubt about the sign."""
    if record.difference is None or record.difference_interval is None or record.augmentation == record.baseline:
        return Text("")
    certain = record.episodes > 1 and abs(record.difference) > record.difference_interval
    style = ("green" if record.difference > 0 else "red") if certain else ""
    return Text(f"{record.difference:+.2f} ± {record.difference_interval:.2f}", style)
