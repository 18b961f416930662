"""Few-shot records: their files are byte for byte what they were, and notebooks show them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.results import comma_separated, lines
from genie_cli.fewshot.episodes import EpisodeList, EpisodeSpec
from genie_cli.fewshot.evaluator import Outcome
from genie_cli.fewshot.results import Conditions, Record
from genie_cli.fewshot.task import FEWSHOT, FINEGRAINED, Task
from genie_cli.files.cells import unescape_cell

WORDS = st.text(st.sampled_from("abc é,;\"'\n=🦊[]"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | NUMBERS
COUNTS = st.integers(0, 10**6)
RECORDS = st.builds(
    Record,
    **dict.fromkeys(("dataset", "backbone", "classifier", "episode_list", "augmentation"), WORDS),
    **dict.fromkeys(("ways", "shots", "queries", "episodes"), COUNTS),
    **dict.fromkeys(("accuracy", "interval", "added", "rejected"), NUMBERS),
    **dict.fromkeys(("difference", "difference_interval", "paper", "paper_interval"), MAYBE),
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
    read: list[dict[str, Any]] = [{key: unescape_cell(value) or None for key, value in row.items()} for row in rows]
    assert [Record(**row) for row in read] == records


def test_csv_has_its_header_even_without_records() -> None:
    assert comma_separated(Record, []) == ",".join(field.name for field in fields(Record)) + "\n"


@given(st.lists(RECORDS, max_size=4))
def test_json_lines_are_read_back(records: list[Record]) -> None:
    text = lines(records)
    assert text.count("\n") == len(records)
    assert [Record(**json.loads(line)) for line in text.split("\n")[:-1]] == records


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_files_are_what_they_were(kind: str) -> None:
    """Written by the version before records became dataclasses, but for the last field."""
    records = [
        a_record("none", accuracy=60.0, interval=0.0, baseline=None),
        a_record("weak", paper=63.14, paper_interval=0.77, difference=0.0, difference_interval=0.0),
        a_record(
            "genie r=0.8", 5, accuracy=85.3811, difference=-3.98, difference_interval=0.3, added=20.0, rejected=1e-4
        ),
    ]
    before = (Path(__file__).parent / f"records.{kind}").read_text()
    assert (lines(records) if kind == "jsonl" else comma_separated(Record, records)) == before


def test_pandas_makes_a_table_of_records() -> None:
    records = [a_record("weak"), a_record("genie r=0.8", difference=1.5, difference_interval=0.5)]
    table = pd.DataFrame(records)
    assert list(table.columns) == [field.name for field in fields(Record)]
    assert table["augmentation"].tolist() == ["weak", "genie r=0.8"]
    assert table["accuracy"].dtype == float
    assert table.loc[1, "difference"] == 1.5


def test_a_record_is_shown_in_one_line() -> None:
    assert repr(a_record("weak", difference=0.0, difference_interval=0.0)) == (
        "<mini, 5-way, 1-shot, weak: 63.14 ± 0.77 %>"
    )
    assert repr(a_record("genie r=0.8", 5, accuracy=85.38, difference=3.98, difference_interval=0.3)) == (
        "<mini, 5-way, 5-shot, genie r=0.8: 85.38 ± 0.77 %, +3.98 ± 0.30 vs. weak>"
    )


BIRDS: dict[str, Any] = {
    "dataset": "cub",
    "paper_backbone": FINEGRAINED.backbone,
    "spec": EpisodeSpec(ways=20, queries=0),
    "count": 100,
}


def measured(
    task: Task,
    dataset: str,
    name: AugmentationName = AugmentationName.WEAK,
    spec: EpisodeSpec | None = None,
    count: int = 600,
    rejected: float = 0,
    **conditions: Any,
) -> Record:
    ratios = (0.8,) if name is AugmentationName.GENIE else ()
    outcome = Outcome(Augmentation(name, ratios), [], np.array([0.5, 0.7] * (count // 2)), 0, rejected)
    given = {"backbone": "b@1", "classifier": task.classifier, **conditions}
    (record,) = Conditions(task, dataset, **given).records_of(
        EpisodeList(spec or EpisodeSpec(), (), "", "0"), [outcome]
    )
    return record


def test_a_record_of_an_outcome() -> None:
    record = measured(FEWSHOT, "mini", count=2, paper_backbone="unisiam-resnet18")
    assert (record.accuracy, record.interval, record.episodes) == (60, pytest.approx(19.6, abs=0.01), 2)
    assert (record.baseline, record.difference, record.difference_interval) == ("weak", 0, 0)
    assert (record.paper, record.paper_interval, record.backbone, record.episode_list) == (None, None, "b@1", "0")
    without = measured(FEWSHOT, "mini", baseline="strong")
    assert (without.baseline, without.difference, without.paper) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({}, (63.14, 0.77)),
        ({"paper_backbone": ""}, (None, None)),
        ({"count": 598}, (None, None)),
        ({"spec": EpisodeSpec(queries=16)}, (None, None)),
        ({"name": AugmentationName.GENIE, "steps": 50}, (75.45, 0.62)),
        ({"name": AugmentationName.GENIE, "steps": 20}, (None, None)),
        ({"name": AugmentationName.GENIE, "steps": None}, (None, None)),
        ({"name": AugmentationName.GENIE, "steps": 50, "rejected": 0.1}, (None, None)),
    ],
)
def test_the_papers_figure_stands_beside_what_was_measured_alike(
    changes: dict[str, Any], figure: tuple[float | None, float | None]
) -> None:
    usual = {"dataset": "mini", "paper_backbone": "unisiam-resnet18"}
    record = measured(FEWSHOT, **{**usual, **changes})
    assert (record.paper, record.paper_interval) == figure


def test_the_papers_fine_grained_figures_have_no_intervals() -> None:
    assert (measured(FINEGRAINED, **BIRDS).paper, measured(FINEGRAINED, **BIRDS).paper_interval) == (90.34, None)
    assert measured(FINEGRAINED, **BIRDS | {"count": 98}).paper is None
