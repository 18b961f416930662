"""Few-shot results survive CSV and JSON Lines, the table shows them, and the paper's figures are the paper's."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from genie_cli.evaluate import paper
from genie_cli.evaluate.augmentations import AugmentationName, choose
from genie_cli.evaluate.results import comma_separated, lines
from genie_cli.fewshot.records import Record, table

WORDS = st.text(st.sampled_from("abc é,;\"'\n=🦊[]"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | NUMBERS
COUNTS = st.integers(0, 10**6)
RECORDS = st.builds(
    Record,
    **dict.fromkeys(("dataset", "backbone", "classifier", "episode_list", "augmentation"), WORDS),
    **dict.fromkeys(("ways", "shots", "queries", "episodes"), COUNTS),
    **dict.fromkeys(("accuracy", "interval", "added", "rejected"), NUMBERS),
    **dict.fromkeys(("difference", "difference_interval", "paper"), MAYBE),
)


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


@given(st.lists(RECORDS, max_size=4))
def test_csv_is_read_back(records: list[Record]) -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(Record, records), newline="")))
    assert [Record(**{key: value or None for key, value in row.items()}) for row in rows] == records


def test_csv_has_its_header_even_without_records() -> None:
    assert comma_separated(Record, []) == ",".join(Record.model_fields) + "\n"


@given(st.lists(RECORDS, max_size=4))
def test_json_lines_are_read_back(records: list[Record]) -> None:
    text = lines(records)
    assert text.count("\n") == len(records)
    assert [Record.model_validate_json(line) for line in text.split("\n")[:-1]] == records


def shown(records: list[Record]) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table(records))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def headers(records: list[Record]) -> list[str]:
    return [str(column.header) for column in table(records).columns]


class TestTable:
    def test_a_row_an_augmentation_and_columns_for_each_number_of_shots(self) -> None:
        records = [
            a_record("weak", 5, accuracy=81.4),
            a_record("genie r=0.8", 5, accuracy=85.38, difference=3.98, difference_interval=0.3),
            a_record("weak", 1),
            a_record("genie r=0.8", 1, accuracy=75.45, difference=12.31, difference_interval=0.5),
        ]
        assert headers(records) == ["augmentation", "1-shot, %", "to weak", "5-shot, %", "to weak"]
        text = shown(records)
        assert "mini, 5-way, 600 episodes, unisiam-resnet18@1, lr" in text
        weak, genie = (" ".join(line.split()) for line in text.splitlines() if "±" in line)
        assert weak == "weak 63.14 ± 0.77 81.40 ± 0.77"
        assert genie == "genie r=0.8 75.45 ± 0.77 +12.31 ± 0.50 85.38 ± 0.77 +3.98 ± 0.30"

    def test_the_papers_column_is_there_only_where_the_paper_has_a_figure(self) -> None:
        assert "paper" not in headers([a_record("weak"), a_record("none")])
        with_figure = [a_record("none"), a_record("weak", paper=63.1)]
        assert headers(with_figure) == ["augmentation", "1-shot, %", "to weak", "paper"]
        assert [str(cell) for cell in table(with_figure).columns[3].cells] == ["", "63.10"]

    def test_what_was_not_run_stays_empty(self) -> None:
        grid = table([a_record("weak", 1), a_record("genie r=0.8", 5)])
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
        (cell,) = table([record]).columns[2].cells
        assert isinstance(cell, Text)
        assert (cell.style, str(cell)) == (colour, f"{difference:+.2f} ± {interval:.2f}")

    def test_names_are_shown_as_they_are(self) -> None:
        text = shown([a_record("[bold]a", dataset="[red]b")])
        assert "[bold]a" in text
        assert "[red]b" in text


@pytest.mark.parametrize(
    ("dataset", "backbone", "shots", "augmentation", "figure"),
    [
        ("mini", "unisiam-resnet34", 5, "genie r=0.8", 86.28),
        ("tiered", "unisiam-resnet50", 1, "txt2img", 77.06),
        ("mini", "unisiam-resnet18", 1, "genie r=0.9", 75.96),
        ("mini", "unisiam-resnet34", 5, "genie r=0.7", 86.30),
        ("mini", "unisiam-resnet18", 1, "weak", 63.14),
        ("tiered", "unisiam-resnet18", 5, "strong", 80.94),
        ("mini", "unisiam-resnet50", 5, "img2img-h", 85.66),
        ("tiered", "unisiam-resnet34", 1, "mixup", 64.12),
        ("tiered", "unisiam-resnet34", 1, "genie r=0.5", None),
        ("mini", "unisiam-resnet18", 1, "none", None),
        ("mini", "unisiam-resnet18", 1, "genie-ada", None),
        ("mini", "digits", 1, "weak", None),
        ("digits", "unisiam-resnet18", 1, "weak", None),
        ("mini", "unisiam-resnet18", 10, "weak", None),
    ],
)
def test_the_papers_figures(dataset: str, backbone: str, shots: int, augmentation: str, figure: float | None) -> None:
    assert paper.fewshot(dataset, backbone, 5, shots, augmentation) == figure
    assert paper.fewshot(dataset, backbone, 20, shots, augmentation) is None


@pytest.mark.parametrize("dataset", ["mini", "tiered"])
@pytest.mark.parametrize("depth", [18, 34, 50])
def test_every_augmentation_of_the_paper_goes_by_the_name_it_has_here(dataset: str, depth: int) -> None:
    labels = [augmentation.label for augmentation in choose(list(AugmentationName), [])]
    known = {label for label in labels if paper.fewshot(dataset, f"unisiam-resnet{depth}", 5, 1, label)}
    assert set(labels) - known == {"none", "genie-ada"}
    for label in known:
        one, five = (paper.fewshot(dataset, f"unisiam-resnet{depth}", 5, shots, label) for shots in (1, 5))
        assert one
        assert five
        assert 60 < one < five < 90
