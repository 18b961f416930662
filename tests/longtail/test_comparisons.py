"""From trainings to the table: means, both kinds of intervals and paired differences, recomputed from the files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from genie_cli import api
from genie_cli.cli._tables import longtail_comparisons, longtail_table
from genie_cli.errors import UsageError
from genie_cli.longtail.compare import pooled
from genie_cli.longtail.results import Comparison, Records
from tests.cli.test_tables import shown
from tests.conftest import Genie
from tests.longtail.test_learned import FEW, LABELS, kept, photos

__all__ = ["kept", "photos"]  # fixtures

GROUPS = {"many": ("zero", "one"), "med": ("two",), "few": FEW, "overall": LABELS}
SEEDS = (0, 1, 2)
OPTIONS: dict[str, Any] = {
    "thresholds": "6,4",
    "per_class": 3,
    "network": "test_vit",
    "epochs": 2,
    "warmup_epochs": 1,
    "base_lr": 0.05,
    "batch": 8,
    "seeds": list(SEEDS),
    "workers": 0,
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared") / "out"


@pytest.fixture
def records(photos: Path, out: Path) -> Records:
    """Trained once for all tests."""
    return api.longtail(
        "folder",
        augment=["none", "repeat"],
        compare=["repeat,none", "none,repeat"],
        out=out,
        data_dir=str(photos),
        **OPTIONS,
    )


def accuracy(out: Path, label: str, group: str) -> list[float]:
    """Of each training, in %, from the file that it left."""
    return [
        100 * float(np.mean([json.loads(file.read_text())["accuracy"][name] for name in GROUPS[group]]))
        for file in (out / f"trainings/{label}-seed-{seed}/result.json" for seed in SEEDS)
    ]


def t_interval(values: list[float]) -> float:
    return float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))


@pytest.mark.parametrize("group", list(GROUPS))
def test_the_interval_of_a_mean_is_students(records: Records, out: Path, group: str) -> None:
    for label in ("none", "repeat"):
        values = accuracy(out, label, group)
        (mean,) = (record for record in records if record.augmentation == label and record.seed is None)
        assert getattr(mean, group) == pytest.approx(np.mean(values), abs=1e-3)
        assert getattr(mean, f"{group}_interval") == pytest.approx(t_interval(values), abs=1e-3)
        words = f"{np.mean(values):.2f} ± {t_interval(values):.2f}"
        (line,) = (line for line in shown(longtail_table(records)).splitlines() if line.split()[:1] == [label])
        assert words in line
    assert any(record.overall_interval for record in records)


@pytest.mark.parametrize("group", list(GROUPS))
def test_a_difference_is_that_of_trainings_with_one_seed(records: Records, out: Path, group: str) -> None:
    pairs = zip(accuracy(out, "repeat", group), accuracy(out, "none", group), strict=True)
    values = [one - other for one, other in pairs]
    found, opposite = (record for record in records.comparisons if record.group == group)
    assert (found.augmentation, found.baseline, found.seeds) == ("repeat", "none", 3)
    assert found.difference == pytest.approx(np.mean(values), abs=1e-3)
    assert found.seed_interval == pytest.approx(t_interval(values), abs=1e-3)
    assert found.images == 4 * len(GROUPS[group])
    assert found.two_way_interval is not None
    assert found.seed_interval is not None
    assert found.two_way_interval >= found.seed_interval
    assert opposite.difference == -found.difference
    assert (opposite.seed_interval, opposite.two_way_interval) == (found.seed_interval, found.two_way_interval)


def test_what_was_predicted_is_kept_with_each_training(records: Records, out: Path) -> None:
    for label in ("none", "repeat"):
        content = json.loads((out / f"trainings/{label}-seed-0/result.json").read_text())
        predicted = np.array(content["predicted"])
        truth = np.array([place for place in range(5) for _ in range(4)])  # by class and then by path
        for place, name in enumerate(LABELS):
            assert content["accuracy"][name] == pytest.approx(np.mean(predicted[truth == place] == place))


def test_comparisons_are_written_as_results_are(records: Records, out: Path) -> None:
    rows = [json.loads(line) for line in (out / "comparisons.jsonl").read_text().splitlines()]
    assert [Comparison(**row) for row in rows] == records.comparisons
    with (out / "comparisons.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [(row["group"], float(row["difference"])) for row in cells] == [
        (record.group, record.difference) for record in records.comparisons
    ]
    listed = json.loads((out / ".genie/results.json").read_text())["files"]
    assert {"comparisons.jsonl", "comparisons.csv", "results.csv"} <= set(listed)


def test_the_table_has_both_intervals(records: Records) -> None:
    lines = [" ".join(line.split()) for line in shown(longtail_comparisons(records.comparisons)).splitlines()]
    few = next(record for record in records.comparisons if record.group == "few")
    assert "paired differences over 3 seeds, with 95 % intervals" in lines[0]
    first = next(line for line in lines if line.startswith("repeat less none seeds "))
    second = lines[lines.index(first) + 1]
    assert second.startswith("seeds and test images ")
    assert f"{few.difference:+.2f} ± {few.seed_interval:.2f}" in first
    assert f"{few.difference:+.2f} ± {few.two_way_interval:.2f}" in second
    assert repr(few) == f"<folder, repeat less none, few: {few.difference:+.2f} %>"


def test_the_command_compares_too(genie: Genie, records: Records, photos: Path, out: Path) -> None:
    words = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items() if name != "seeds"]
    command = ("longtail", "--dataset", "folder", "--data-dir", photos, *words, "--seeds", "0,1,2", "--out", out)
    done = genie(*command, "--augment", "none,repeat", "--compare", "repeat,none")
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Comparison(**row) for row in rows if "difference" in row] == records.comparisons[:4]
    assert "(and comparisons)" in done.stderr
    refused = genie(*command, "--augment", "none,repeat", "--compare", "repeat,non")
    assert refused.exit_code == 2
    assert "'non' is not among the augmentations; did you mean none?" in " ".join(refused.stderr.split())


def test_a_file_in_the_way_is_refused_before_anything_is_trained(genie: Genie, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/comparisons.csv").write_text("mine")
    command = ("longtail", "--dataset", "folder", "--data-dir", photos, "--thresholds", "6,4", "--out", "mine")
    refused = genie(*command, "--augment", "none,repeat", "--compare", "none,repeat")
    assert refused.exit_code == 1
    assert "comparisons.csv was not written by genie" in refused.stderr
    assert not (tmp_path / "mine/trainings").exists()


def test_runs_are_compared_together(records: Records) -> None:
    once, twice = (pooled([records.trained] * count, "repeat", "none")["few"] for count in (1, 2))
    few = next(record for record in records.comparisons if record.group == "few")
    assert 100 * once.mean == pytest.approx(few.difference, abs=1e-3)
    assert (twice.mean, twice.trainings, twice.clusters) == (pytest.approx(once.mean), 6, once.clusters)


def test_a_program_that_compares_what_is_not_there_is_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'txt2img' is not among"):
        api.longtail("folder", augment="none", compare="none,txt2img", out=tmp_path, data_dir=str(photos))
