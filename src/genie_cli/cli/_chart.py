"""The class frequencies of a long-tailed data set as a bar chart for the terminal, with a table of the groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.bar import Bar
from rich.console import Group as Renderables
from rich.table import Table
from rich.text import Text

from genie_cli.cli._printable import text
from genie_cli.longtail.groups import Group, Profile

_MOST_BARS = 20
_BAR_WIDTH, _NAME_WIDTH = 40, 24  # columns
_COLOURS = {Group.MANY: "green", Group.MED: "yellow", Group.FEW: "red"}


def chart(profile: Profile) -> Renderables:
    """The profile, largest class first, at most 80 columns wide, and the numbers of classes and images of each group.

    Up to 20 classes have a bar each. Of more, each bar is the mean of a twentieth of the classes.
    """
    return Renderables(_summary(profile), text(""), _bars(profile), _groups(profile))


def _summary(profile: Profile) -> Text:
    counts = profile.counts.values()
    imbalance = f"{profile.imbalance:,.1f}".removesuffix(".0")
    many = f"{len(counts):,} classes, {sum(counts):,} training images"
    return text(f"{many}, {max(counts):,} to {min(counts):,} per class, imbalance {imbalance}")


def _bars(profile: Profile) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", max_width=_NAME_WIDTH, no_wrap=True, overflow="ellipsis")
    grid.add_column(max_width=_BAR_WIDTH)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    bars = [(name, counts, sum(counts) / len(counts)) for name, counts in _binned(profile)]
    longest = bars[0][2]
    for name, counts, mean in bars:
        # A class of 5 images must be visible beside one of 1000: the shortest visible bar is 1/8 of a column.
        length = max(mean, longest / (8 * _BAR_WIDTH))
        here = list(dict.fromkeys(map(profile.thresholds.group, counts)))
        images = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
        groups = text(", ").join(text(group, _COLOURS[group]) for group in here)
        grid.add_row(text(name), Bar(longest, 0, length, color=_COLOURS[here[0]]), images, groups)
    return grid


def _binned(profile: Profile) -> Iterator[tuple[str, Sequence[int]]]:
    """The name of each bar, and its classes' counts, descending."""
    ranked = sorted(profile.counts.items(), key=lambda item: -item[1])
    bars = min(len(ranked), _MOST_BARS)
    for bar in range(bars):
        first, end = bar * len(ranked) // bars, (bar + 1) * len(ranked) // bars
        name = ranked[first][0] if len(ranked) == bars else f"{first + 1} to {end}"
        yield name, [count for _, count in ranked[first:end]]


def _groups(profile: Profile) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for head in (f"thresholds: {profile.thresholds.name}", "images per class", "classes", "images"):
        table.add_column(text(head), justify="left" if head.startswith("thresholds") else "right")
    for group, labels in profile.groups().items():
        images = sum(profile.counts[label] for label in labels)
        words = profile.thresholds.in_words(group)
        table.add_row(text(group.capitalize(), _COLOURS[group]), words, f"{len(labels):,}", f"{images:,}")
    return table
