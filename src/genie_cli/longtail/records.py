"""Long-tailed results as records, and as a table like the paper's Table 3."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.table import Table
from rich.text import Text

GROUPS = ("many", "med", "few", "overall")


class Record(BaseModel):
    """One training, or the mean of several that differ in the seed alone. All figures are in %.

    Attributes:
        seed: None for the mean.
        seeds: how many trainings it is of.
        many, med, few, overall: means of per-class accuracies; None for a group without classes.
        many_interval, ...: half of the mean's 95 % interval, by Student's t; None for one training.
        added: generated images that were trained on.
        rejected: share of the generated images that were left out, since the oracle rejected them.
        paper_many, ...: the paper's, where data set and network are.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    network: str
    thresholds: str
    loss: str
    prior: str
    augmentation: str
    seed: int | None
    seeds: int
    many: float | None = None
    med: float | None = None
    few: float | None = None
    overall: float
    many_interval: float | None = None
    med_interval: float | None = None
    few_interval: float | None = None
    overall_interval: float | None = None
    added: int = 0
    rejected: float = 0
    paper_many: float | None = None
    paper_med: float | None = None
    paper_few: float | None = None
    paper_overall: float | None = None


def table(records: Sequence[Record]) -> Table:
    """A row an augmentation, the means over seeds; the paper's figures in the row below it."""
    means = [record for record in records if record.seed is None]
    first = means[0]
    title = f"{first.dataset}, {first.network}, {first.loss}, mean of {first.seeds} seed{'s' * (first.seeds > 1)}"
    grid = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    grid.add_column("augmentation")
    for group in GROUPS:
        grid.add_column(f"{group.capitalize()}, %", justify="right")
    for record in means:
        grid.add_row(Text(record.augmentation), *(Text(_cell(record, group)) for group in GROUPS))
        if record.paper_overall is not None:
            paper = [getattr(record, f"paper_{group}") for group in GROUPS]
            grid.add_row(Text("  the paper", "dim"), *(Text(f"{value:.2f}", "dim") for value in paper))
    return grid


def _cell(record: Record, group: str) -> str:
    mean, interval = getattr(record, group), getattr(record, f"{group}_interval")
    if mean is None:
        return ""
    return f"{mean:.2f}" if interval is None else f"{mean:.2f} ± {interval:.2f}"
