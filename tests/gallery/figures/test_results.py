"""Results files as panels of points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from genie_cli.errors import ManifestError, UsageError
from genie_cli.evaluate.results import COMPARISONS, files_of
from genie_cli.fewshot import results as fewshot
from genie_cli.gallery.figures.results import data
from genie_cli.longtail import results as longtail
from tests.damage import damaged, only_our_errors

COMMON: dict[str, Any] = {"dataset": "mini", "backbone": "eye@0123", "classifier": "lr", "ways": 5, "episode_list": "x"}
WEAK = fewshot.Record(
    **COMMON, shots=1, queries=15, episodes=600, augmentation="weak", accuracy=50, interval=1.5, baseline="weak",
    difference=0, difference_interval=0,
)  # fmt: skip
GENIE = fewshot.Record(
    **COMMON, shots=1, queries=15, episodes=600, augmentation="genie r=0.8", accuracy=55.5, interval=1.25,
    baseline="weak", difference=5.5, difference_interval=0.5,
)  # fmt: skip
COMPARISON = fewshot.Comparison(
    **COMMON, shots=1, episodes=600, augmentation="genie r=0.8", baseline="weak", difference=5.5, episode_interval=0.5,
    clustered_interval=2.5, p_value=0.01,
)  # fmt: skip
TAIL: dict[str, Any] = {"dataset": "digits", "network": "resnet", "thresholds": "livt", "loss": "bce", "prior": "real"}
ONE = longtail.Record(**TAIL, augmentation="genie", seed=1, seeds=1, many=90, few=40, overall=70)
MEAN = longtail.Record(
    **TAIL, augmentation="genie", seed=None, seeds=3, many=91, few=41, overall=71, many_interval=1, few_interval=4,
    overall_interval=2,
)  # fmt: skip
DIFFERENCE = longtail.Comparison(
    dataset="digits", network="resnet", group="few", augmentation="genie", baseline="none", difference=-3, seeds=3,
    seed_interval=1, images=20, two_way_interval=2,
)  # fmt: skip


def written(folder: Path, records: list[Any], comparisons: list[Any]) -> Path:
    kinds = files_of(type(records[0]), records)
    if comparisons:
        kinds |= files_of(type(comparisons[0]), comparisons, COMPARISONS)
    for name, text in kinds.items():
        (folder / name).write_text(text)
    return folder


def panels(folder: Path) -> dict[tuple[str, str], dict[str, tuple[float, float | None]]]:
    found = data(folder)["panels"]
    return {
        (panel["title"], panel["interval"]): {each["label"]: (each["value"], each["half"]) for each in panel["points"]}
        for panel in found
    }


def test_few_shot_results_with_the_clustered_interval(tmp_path: Path) -> None:
    found = panels(written(tmp_path, [WEAK, GENIE], [COMPARISON]))
    assert found == {
        ("Accuracy in %, 1 shot", "95 % interval over episodes of the same images"): {
            "weak": (50, 1.5),
            "genie r=0.8": (55.5, 1.25),
        },
        ("Difference in points, 1 shot", "95 % interval clustered by query and support images"): {
            "genie r=0.8 vs. weak": (5.5, 2.5)
        },
    }
    assert data(tmp_path)["about"] == "mini, eye, lr, 5-way, 600 episodes"


def test_without_comparisons_the_differences_from_the_baseline(tmp_path: Path) -> None:
    found = panels(written(tmp_path, [WEAK, GENIE], []))
    name = ("Difference in points, 1 shot", "95 % interval over episodes of the same images")
    assert found[name] == {"genie r=0.8 vs. weak": (5.5, 0.5)}


def test_long_tailed_results_are_the_means_over_seeds(tmp_path: Path) -> None:
    found = panels(written(tmp_path, [ONE, MEAN], [DIFFERENCE]))
    assert found == {
        ("Accuracy in %, many", "95 % interval over seeds"): {"genie": (91, 1)},
        ("Accuracy in %, few", "95 % interval over seeds"): {"genie": (41, 4)},
        ("Difference in points, few", "95 % interval over seeds and test images"): {"genie vs. none": (-3, 2)},
        ("Accuracy in %, overall", "95 % interval over seeds"): {"genie": (71, 2)},
    }


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no results\.jsonl") as caught:
        data(tmp_path)
    assert "--out" in caught.value.hint
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(ManifestError, match="has no results"):
        data(tmp_path)


@pytest.mark.parametrize("line", ['{"accuracy": 1}', "[]", "{", '{"network": "x"}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    written(tmp_path, [WEAK], [])
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ManifestError, match=r"results\.jsonl, line 2: "):
        data(tmp_path)


RECORDS = [
    text.encode()
    for text in (
        files_of(fewshot.Record, [WEAK, GENIE])["results.jsonl"],
        files_of(longtail.Record, [ONE, MEAN])["results.jsonl"],
    )
]
COMPARED = [
    files_of(kind, [each])["results.jsonl"].encode()
    for kind, each in ((fewshot.Comparison, COMPARISON), (longtail.Comparison, DIFFERENCE))
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=damaged(*RECORDS), compared=damaged(*COMPARED))
def test_damaged_files_are_shown_or_refused_with_our_errors(tmp_path: Path, records: bytes, compared: bytes) -> None:
    (tmp_path / "results.jsonl").write_bytes(records)
    (tmp_path / "comparisons.jsonl").write_bytes(compared)
    only_our_errors(lambda: data(tmp_path))
    (tmp_path / "results.jsonl").write_bytes(RECORDS[0])
    only_our_errors(lambda: data(tmp_path))
