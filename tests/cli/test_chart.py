"""The class frequencies of a long-tailed data set in the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from genie_cli.cli._chart import chart
from genie_cli.longtail.groups import THRESHOLDS, Profile, ShotThresholds

COUNTS = st.lists(st.integers(1, 2000), min_size=1, max_size=200)


def drawn(found: Profile) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(chart(found))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_bar_for_each_of_a_few_classes() -> None:
    lines = drawn(Profile({"tail": 5, "[red]head": 500, "middle": 50}, THRESHOLDS["livt"]))
    assert lines[0] == "3 classes, 555 training images, 500 to 5 per class, imbalance 100"
    bars = [line.split() for line in lines if "█" in line or "▍" in line]
    assert [(name, count, group) for name, _, count, group in bars] == [
        ("[red]head", "500", "many"),
        ("middle", "50", "med"),
        ("tail", "5", "few"),
    ]
    assert [len(bar) for _, bar, _, _ in bars] == [40, 4, 1]
    table = [line.split() for line in lines if line.strip().startswith(("thresholds", "Many", "Med", "Few"))]
    assert table == [
        ["thresholds:", "livt", "images", "per", "class", "classes", "images"],
        ["Many", "101", "or", "more", "1", "500"],
        ["Med", "20", "to", "100", "1", "50"],
        ["Few", "up", "to", "19", "1", "5"],
    ]


@given(COUNTS, st.sampled_from([*THRESHOLDS.values(), ShotThresholds.parse("300,30")]))
def test_the_chart_fits_a_terminal_and_every_bar_shows(counts: list[int], where: ShotThresholds) -> None:
    lines = drawn(Profile({f"class {place}": count for place, count in enumerate(counts)}, where))
    assert max(map(len, lines)) <= 80
    bars = [line for line in lines if any("█" <= character <= "▏" for character in line)]
    assert len(bars) == min(len(counts), 20)
