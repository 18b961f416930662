"""Long-tailed records: their files are byte for byte what they were, and notebooks show them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.config import LongTail
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.results import comma_separated, lines
from genie_cli.files.cells import unescape_cell
from genie_cli.longtail.groups import THRESHOLDS, Profile
from genie_cli.longtail.results import Conditions, Record
from genie_cli.longtail.testing import Outcome

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
GROUPS = ("many", "med", "few", "overall")
RECORDS = st.builds(
    Record,
    **dict.fromkeys(
        ("dataset", "network", "thresholds", "loss", "prior", "augmentation"), st.text("ab,\"'\n é", min_size=1)
    ),
    seed=st.none() | st.integers(0, 10**6),
    seeds=st.integers(1, 9),
    **{name: st.none() | NUMBERS for name in ("many", "med", "few")},
    overall=NUMBERS,
    **{f"{name}_interval": st.none() | NUMBERS for name in GROUPS},
    added=st.integers(0, 10**6),
    rejected=NUMBERS,
    **{f"paper_{name}": st.none() | NUMBERS for name in GROUPS},
)


def a_record(**changes: Any) -> Record:
    common = {"dataset": "digits", "network": "test_resnet", "thresholds": "livt", "loss": "bal-bce", "prior": "real"}
    own = {"augmentation": "genie r=0.8", "seed": 0, "seeds": 1, "many": 70.25, "few": 1e-4, "overall": 55.5}
    return Record(**{**common, **own, "added": 6, "rejected": 0.25, **changes})


@given(st.lists(RECORDS, max_size=3))
def test_files_are_read_back(records: list[Record]) -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(Record, records), newline="")))
    assert [Record(**{key: unescape_cell(value) or None for key, value in row.items()}) for row in rows] == records  # type: ignore[arg-type]
    assert [Record(**json.loads(line)) for line in lines(records).split("\n")[:-1]] == records


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_files_are_what_they_were(kind: str) -> None:
    """Written by the version before records became dataclasses, but for the name of `thresholds`."""
    mean = a_record(seed=None, seeds=2, few=0.0, many_interval=1.5, few_interval=0.0, overall_interval=0.1234)
    figures: dict[str, Any] = dict(zip((f"paper_{name}" for name in GROUPS), (74.46, 56.71, 50.85, 62.8), strict=True))
    records = [a_record(), replace(mean, **figures)]
    before = (Path(__file__).parent / f"records.{kind}").read_text()
    assert (lines(records) if kind == "jsonl" else comma_separated(Record, records)) == before


def test_pandas_makes_a_table_of_records() -> None:
    table = pd.DataFrame([a_record(), a_record(seed=None, seeds=2)])
    assert list(table.columns) == [field.name for field in fields(Record)]
    assert table["overall"].tolist() == [55.5, 55.5]
    assert table["seed"].isna().tolist() == [False, True]


def test_a_record_is_shown_in_one_line() -> None:
    assert repr(a_record()) == ("<digits, test_resnet, genie r=0.8, seed 0: many 70.25, few 0.00, overall 55.50 %>")
    assert repr(a_record(seed=None, seeds=3)).startswith("<digits, test_resnet, genie r=0.8, mean of 3 seeds: many")


class TestRecordsOf:
    PROFILE = Profile({"a": 1000, "b": 10, "c": 5}, THRESHOLDS["livt"])
    CONDITIONS = Conditions("imagenet-lt", LongTail(), PROFILE, has_checkpoint=True, steps=50)
    NONE = Augmentation(AugmentationName.NONE)

    def outcome(self, seed: int, few: float, augmentation: Augmentation = NONE, rejected: int = 0) -> Outcome:
        return Outcome(augmentation, seed, {"a": 0.5, "b": few, "c": 0.0}, 6, rejected)

    def test_a_record_for_each_training_and_their_mean_after_them(self) -> None:
        genie = Augmentation(AugmentationName.GENIE, (0.8,))
        outcomes = [self.outcome(0, 0.2), self.outcome(1, 0.4), self.outcome(0, 1.0, genie, rejected=2)]
        records = self.CONDITIONS.records_of(outcomes)
        assert [(r.augmentation, r.seed, r.seeds) for r in records] == [
            ("none", 0, 1),
            ("none", 1, 1),
            ("none", None, 2),
            ("genie r=0.8", 0, 1),
            ("genie r=0.8", None, 1),
        ]
        assert [(r.many, r.med, r.few) for r in records[:3]] == [(50, None, 10), (50, None, 20), (50, None, 15)]
        # deviation 7.0711, t(.975, 1) = 12.7062
        assert records[2].few_interval == pytest.approx(12.7062 * 7.0711 / 2**0.5, abs=1e-3)
        assert (records[2].many_interval, records[2].med_interval) == (0, None)
        assert records[4].overall_interval is None
        assert (records[4].added, records[4].rejected) == (6, 0.25)

    @pytest.mark.parametrize(
        ("conditions", "alike"),
        [
            (CONDITIONS, True),
            (replace(CONDITIONS, partial=True), False),
            (replace(CONDITIONS, dataset="digits"), False),
            (replace(CONDITIONS, recipe=LongTail(loss="bce")), False),
            (replace(CONDITIONS, recipe=LongTail(network="resnet50")), False),
            (replace(CONDITIONS, profile=replace(PROFILE, thresholds=THRESHOLDS["oltr"])), False),
            (replace(CONDITIONS, has_checkpoint=False), False),
            (replace(CONDITIONS, recipe=LongTail(epochs=10)), False),
            (replace(CONDITIONS, recipe=LongTail(mixup=0.0)), False),
            (replace(CONDITIONS, recipe=LongTail(per_class=20)), False),
            (replace(CONDITIONS, recipe=LongTail(seeds=(7,), workers=0, gradient_accumulation_steps=8)), True),
        ],
    )
    def test_the_papers_figures_stand_beside_means_that_were_measured_alike(
        self, conditions: Conditions, alike: bool
    ) -> None:
        one, mean = conditions.records_of([self.outcome(0, 0.2)])
        assert one.paper_overall is None
        assert (mean.paper_few, mean.paper_overall) == ((41.0, 60.9) if alike else (None, None))

    @pytest.mark.parametrize(
        ("steps", "rejected", "few"), [(50, 0, 50.85), (20, 0, None), (None, 0, None), (50, 1, None)]
    )
    def test_generated_images_are_made_in_as_many_steps_and_none_is_rejected(
        self, steps: int | None, rejected: int, few: float | None
    ) -> None:
        genie = Augmentation(AugmentationName.GENIE, (0.8,))
        conditions = replace(self.CONDITIONS, steps=steps)
        outcomes = [self.outcome(0, 0.2), self.outcome(0, 0.4, genie, rejected)]
        means = [record for record in conditions.records_of(outcomes) if record.seed is None]
        assert [record.paper_few for record in means] == [41.0, few]
