"""Tables of results."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genie_cli.cli._tables import fewshot_table, longtail_comparisons, longtail_table
from genie_cli.fewshot.results import Record
from genie_cli.longtail.results import Comparison
from genie_cli.longtail.results import Record as LongTailRecord


def a_record(augmentation: str = "weak", shots: int = 1, **changes: Any) -> Record:
    return Record(
        **{
            "dataset": "mini",
            "backbone": "unisiam-resnet18@1",
            "classifier": "lr",
            "ways": 5,
            "shots": shots,
            "queries": 15,
            "episodes": 600,
            "episode_list": "0" * 64,
            "augmentation": augmentation,
            "accuracy": 63.14,
            "interval": 0.77,
            "baseline": "weak",
            **changes,
        }
    )


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def headers(records: list[Record]) -> list[str]:
    return [str(column.header) for column in fewshot_table(records).columns]


class TestFewShot:
    def test_one_row_per_augmentation_and_columns_for_each_number_of_shots(self) -> None:
        records = [
            a_record("weak", 5, accuracy=81.4),
            a_record("genie r=0.8", 5, accuracy=85.38, difference=3.98, difference_interval=0.3),
            a_record("weak", 1),
            a_record("genie r=0.8", 1, accuracy=75.45, difference=12.31, difference_interval=0.5),
        ]
        assert headers(records) == ["augmentation", "1-shot, %", "vs. weak", "5-shot, %", "vs. weak"]
        text = shown(fewshot_table(records))
        assert "mini, 5-way, 600 episodes, unisiam-resnet18@1, lr" in text
        weak, genie = (" ".join(line.split()) for line in text.splitlines() if "±" in line)
        assert weak == "weak 63.14 ± 0.77 81.40 ± 0.77"
        assert genie == "genie r=0.8 75.45 ± 0.77 +12.31 ± 0.50 85.38 ± 0.77 +3.98 ± 0.30"

    def test_the_papers_column_is_there_only_where_the_paper_has_a_figure(self) -> None:
        assert "paper" not in headers([a_record("weak"), a_record("none")])
        with_figure = [a_record("none"), a_record("weak", paper=63.1)]
        assert headers(with_figure) == ["augmentation", "1-shot, %", "vs. weak", "paper"]
        assert [str(cell) for cell in fewshot_table(with_figure).columns[3].cells] == ["", "63.10"]
        with_interval = [a_record("weak", paper=63.1, paper_interval=0.77)]
        assert [str(cell) for cell in fewshot_table(with_interval).columns[3].cells] == ["63.10 ± 0.77"]

    def test_what_was_not_run_stays_empty(self) -> None:
        grid = fewshot_table([a_record("weak", 1), a_record("genie r=0.8", 5)])
        assert [str(cell) for cell in grid.columns[1].cells] == ["63.14 ± 0.77", ""]
        assert [str(cell) for cell in grid.columns[3].cells] == ["", "63.14 ± 0.77"]

    @pytest.mark.parametrize(
        ("difference", "interval", "episodes", "colour"),
        [(1.0, 0.9, 600, "green"), (-1.0, 0.9, 600, "red"), (1.0, 1.1, 600, ""), (-1.0, 1.1, 600, ""), (9.0, 0, 1, "")],
    )
    def test_colour_means_that_the_sign_is_certain(
        self, difference: float, interval: float, episodes: int, colour: str
    ) -> None:
        record = a_record("mixup", difference=difference, difference_interval=interval, episodes=episodes)
        (cell,) = fewshot_table([record]).columns[2].cells
        assert isinstance(cell, Text)
        assert (cell.style, str(cell)) == (colour, f"{difference:+.2f} ± {interval:.2f}")

    def test_names_are_shown_as_they_are(self) -> None:
        text = shown(fewshot_table([a_record("[bold]a", dataset="[red]b")]))
        assert "[bold]a" in text
        assert "[red]b" in text


class TestLongTail:
    def record(self, augmentation: str, seed: int | None, **changes: Any) -> LongTailRecord:
        figures = {"many": 70.0, "med": 50.0, "few": 30.0, "overall": 55.5}
        common = {"dataset": "imagenet-lt", "network": "vit", "thresholds": "livt", "loss": "bal-bce", "prior": "real"}
        return LongTailRecord(
            **{
                **common,
                "augmentation": augmentation,
                "seed": seed,
                "seeds": 1 if seed is not None else 2,
                **figures,
                **changes,
            }
        )

    def test_means_only_with_the_papers_figures_below(self) -> None:
        paper = dict.fromkeys(("paper_many", "paper_med", "paper_few", "paper_overall"), 60.9)
        records = [
            self.record("none", 0),
            self.record("none", None, overall_interval=1.25, **paper),
            self.record("genie r=0.8", None, few=None),
        ]
        text = [" ".join(line.split()) for line in shown(longtail_table(records)).splitlines() if line.strip()]
        assert text[0] == "imagenet-lt, vit, bal-bce, mean of 2 seeds"
        assert text[1] == "augmentation Many, % Med, % Few, % Overall, %"
        assert text[3:] == [
            "none 70.00 50.00 30.00 55.50 ± 1.25",
            "the paper 60.90 60.90 60.90 60.90",
            "genie r=0.8 70.00 50.00 55.50",
        ]


def test_differences_of_groups_that_exist_with_the_intervals_that_are_known() -> None:
    common: dict[str, Any]
    common = {"dataset": "digits", "network": "test_resnet", "augmentation": "genie r=0.8", "baseline": "txt2img"}
    records = [
        Comparison(**common, group="few", difference=1.234, seeds=3, seed_interval=0.5, images=300),
        Comparison(**common, group="overall", difference=-0.1, seeds=3, seed_interval=0.2, images=1000),
    ]
    lines = [" ".join(line.split()) for line in shown(longtail_comparisons(records)).splitlines() if line.strip()]
    assert lines[0] == "paired differences over 3 seeds, with 95 % intervals"
    assert lines[3:] == [
        "genie r=0.8 less txt2img seeds +1.23 ± 0.50 -0.10 ± 0.20",
        "seeds and test images +1.23 -0.10",
    ]
