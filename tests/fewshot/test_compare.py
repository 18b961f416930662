"""Paired differences between augmentations: by hand, from the files of a run, and what they are clustered by."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from genie_cli import api
from genie_cli.data import catalog
from genie_cli.errors import UsageError
from genie_cli.fewshot.compare import accuracy, difference
from genie_cli.fewshot.episodes import Episode, EpisodeList, EpisodeSpec
from genie_cli.fewshot.results import Comparison
from genie_cli.jobs import Source
from tests.conftest import Genie, tree
from tests.fewshot.test_episodes import source
from tests.fewshot.test_fewshot import SMALL

Z = stats.norm.ppf(0.975)
Floats = NDArray[np.float64]


def listed(count: int, *, queries: int = 3, shared: bool = False) -> EpisodeList:
    """Two-way episodes. Query images come again from episode to episode; support images only if they are ``shared``."""
    episodes = []
    for number in range(count):
        support = tuple((source(label, 100 + (number % 2 if shared else number)),) for label in ("cat", "dog"))
        query = tuple(tuple(source(label, (number + q) % 5) for q in range(queries)) for label in ("cat", "dog"))
        episodes.append(Episode(number, ("cat", "dog"), support, query))
    return EpisodeList.of(EpisodeSpec(ways=2, shots=1, queries=queries), episodes, "pets")


def guesses(of: EpisodeList, seed: int) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 2, sum(map(len, episode.query))) for episode in of.episodes]


def right(of: EpisodeList, predicted: Sequence[NDArray[np.int64]]) -> list[list[float]]:
    """Counted one by one: the first half of an episode's queries is of class 0, the second of class 1."""
    return [
        [float(said == (place >= len(found) // 2)) for place, said in enumerate(found)]
        for found, _ in zip(predicted, of.episodes, strict=True)
    ]


def by_hand(values: list[list[float]], query: list[list[Hashable]]) -> tuple[float, float, float]:
    """The mean, and half the width of both intervals where no two episodes share a support image."""
    means = [sum(row) / len(row) for row in values]
    mean = sum(means) / len(means)
    usual = Z * np.std(means, ddof=1) / len(means) ** 0.5
    sums: dict[str, dict[Hashable, float]] = {"query": defaultdict(float), "both": defaultdict(float)}
    for number, (row, names) in enumerate(zip(values, query, strict=True)):
        for place, (value, name) in enumerate(zip(row, names, strict=True)):
            error = (value - mean) / len(values) / len(row)
            sums["query"][name] += error
            sums["both"][number, place] += error
    of_query, of_both = (
        sum(part**2 for part in own.values()) * len(own) / (len(own) - 1) for own in (sums["query"], sums["both"])
    )
    of_episodes = (usual / Z) ** 2
    return mean, usual, Z * max(of_query + of_episodes - of_both, of_query, of_episodes) ** 0.5


def scan(image: Source) -> str:
    return image.sha256


@pytest.mark.parametrize("seed", range(5))
def test_a_difference_is_that_of_each_query_image(seed: int) -> None:
    of = listed(12)
    one, other = guesses(of, seed), guesses(of, seed + 100)
    found = difference([(of, one, other)], scan)
    values = [
        [a - b for a, b in zip(*rows, strict=True)] for rows in zip(right(of, one), right(of, other), strict=True)
    ]
    names: list[list[Hashable]] = [[s.sha256 for part in episode.query for s in part] for episode in of.episodes]
    mean, usual, clustered = by_hand(values, names)
    assert found.mean == pytest.approx(mean)
    assert found.episodes.half_width == pytest.approx(usual)
    assert found.half_width == pytest.approx(clustered)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(mean) * Z / clustered))
    opposite = difference([(of, other, one)], scan)
    assert (opposite.mean, opposite.half_width) == (pytest.approx(-mean), pytest.approx(clustered))


@pytest.mark.parametrize("seed", range(5))
def test_so_is_an_accuracy(seed: int) -> None:
    of = listed(12)
    found = accuracy([(of, guesses(of, seed))], scan)
    names: list[list[Hashable]] = [[s.sha256 for part in episode.query for s in part] for episode in of.episodes]
    assert (found.mean, found.episodes.half_width, found.half_width) == pytest.approx(
        by_hand(right(of, guesses(of, seed)), names)
    )


def test_images_of_one_original_are_one_cluster() -> None:
    """Cat 0 and dog 0 are of one scan, and so on: five clusters of query images, not ten."""
    of = listed(12)
    one, other = guesses(of, 1), guesses(of, 2)
    numbers = {source(label, n).sha256: n for label in ("cat", "dog") for n in range(200)}
    found = difference([(of, one, other)], lambda image: numbers[image.sha256])
    values = [[a - b for a, b in zip(*rows, strict=True)]
              for rows in zip(right(of, one), right(of, other), strict=True)]  # fmt: skip
    names: list[list[Hashable]] = [[numbers[s.sha256] for p in episode.query for s in p] for episode in of.episodes]
    assert found.half_width == pytest.approx(by_hand(values, names)[2])
    assert found.half_width != pytest.approx(difference([(of, one, other)], scan).half_width)


def test_support_images_that_come_again_widen_the_interval() -> None:
    """With the one pair of support images all is right, with the other all is wrong."""
    of = listed(12, shared=True)
    wrong = [np.array([1, 1, 1, 0, 0, 0])] * 12
    found = accuracy([(of, [np.sort(own) if n % 2 else own for n, own in enumerate(wrong)])], scan)
    assert found.mean == 0.5
    assert found.support > 0.2
    assert found.half_width > 1.5 * found.episodes.half_width
    assert accuracy([(listed(12), guesses(listed(12), 1))], scan).support == 0


def test_several_lists_are_put_together() -> None:
    one, other = listed(8), listed(4, queries=2)
    parts = [(one, guesses(one, 1), guesses(one, 2)), (other, guesses(other, 3), guesses(other, 4))]
    both = difference(parts, scan)
    separately = [difference([part], scan) for part in parts]
    assert both.episodes.count == 12
    assert both.mean == pytest.approx((8 * separately[0].mean + 4 * separately[1].mean) / 12)


def test_predictions_of_other_episodes_are_refused() -> None:
    of = listed(4)
    with pytest.raises(ValueError, match=r"argument \d"):
        difference([(of, guesses(of, 1), guesses(of, 2)[:3])], scan)


OPTIONS: dict[str, Any] = {"ways": 2, "queries": 3, "episodes": 6, "shots": [1, 2]}


@pytest.fixture
def kept(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))


@pytest.mark.usefixtures("kept")
def test_a_program_and_the_command_compare_what_the_files_of_predictions_say(genie: Genie, tmp_path: Path) -> None:
    pairs = ["weak,none", "none,strong"]
    found = api.fewshot(augment=["none", "weak", "strong"], compare=pairs, out=tmp_path / "called", **OPTIONS)
    assert [(c.augmentation, c.baseline, c.shots) for c in found.comparisons] == [
        ("weak", "none", 1), ("weak", "none", 2), ("none", "strong", 1), ("none", "strong", 2),
    ]  # fmt: skip
    dataset = catalog.load("fewshot", "digits")
    for one in found.comparisons:
        head, *rows = lines(tmp_path / f"called/episodes-2-way-{one.shots}-shot.jsonl")
        _, *predictions = lines(tmp_path / f"called/predictions-2-way-{one.shots}-shot.jsonl")
        predicted = {row["augmentation"]: row["predicted"] for row in predictions}
        known = dataset.by_content()
        images = [dataset.original_of(known[digest]) for digest in head["images"]]
        values = [
            [
                float(a == truth) - float(b == truth)
                for a, b, truth in zip(first, second, [0] * 3 + [1] * 3, strict=True)
            ]
            for first, second in zip(predicted[one.augmentation], predicted[one.baseline], strict=True)
        ]
        names: list[list[Hashable]] = [[images[i] for part in row["query"] for i in part] for row in rows]
        mean, usual, without_support = by_hand(values, names)
        assert one.difference == pytest.approx(100 * mean, abs=1e-3)
        assert one.episode_interval == pytest.approx(100 * usual, abs=1e-3)
        assert one.clustered_interval >= 100 * without_support - 1e-3
        assert one.p_value == pytest.approx(p_value(one), abs=1e-3)
        accuracies = {record.augmentation: record.accuracy for record in found if record.shots == one.shots}
        assert one.difference == pytest.approx(accuracies[one.augmentation] - accuracies[one.baseline], abs=1e-3)
    assert [Comparison(**row) for row in lines(tmp_path / "called/comparisons.jsonl")] == found.comparisons
    with (tmp_path / "called/comparisons.csv").open(newline="") as file:
        cells = [(row["augmentation"], row["baseline"], float(row["difference"])) for row in csv.DictReader(file)]
    assert cells == [(c.augmentation, c.baseline, c.difference) for c in found.comparisons]

    words = ("fewshot", "--ways", 2, "--queries", 3, "--episodes", 6, "--shots", "1,2", "--augment", "none,weak,strong")
    typed = genie(*words, "--compare", pairs[0], "--compare", pairs[1], "--out", "typed")
    assert typed.exit_code == 0, typed.stderr
    ours = [json.loads(line) for line in typed.stdout.splitlines()]
    assert [Comparison(**row) for row in ours if "clustered_interval" in row] == found.comparisons
    both = [
        {n: d for n, d in tree(tmp_path / out).items() if not n.startswith(".genie")} for out in ("called", "typed")
    ]
    assert both[0] == both[1]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def p_value(one: Comparison) -> float:
    if not one.clustered_interval:
        return float(one.difference == 0)
    return float(2 * stats.norm.sf(abs(one.difference) / (one.clustered_interval / Z)))


@pytest.mark.usefixtures("kept")
def test_what_cannot_be_compared_is_refused_before_anything_is_run(genie: Genie, tmp_path: Path) -> None:
    refused = genie("fewshot", *SMALL, "--augment", "none,weak", "--compare", "weak,strnog", "--out", "out")
    assert refused.exit_code == 2
    assert "'strnog' is not among the augmentations" in " ".join(refused.stderr.split())
    with pytest.raises(UsageError, match="is no pair of augmentations"):
        api.fewshot(augment=["none", "weak"], compare="weak", out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/comparisons.csv").write_text("mine")
    refused = genie("fewshot", *SMALL, "--augment", "none,weak", "--compare", "weak,none", "--out", "out")
    assert refused.exit_code == 1
    assert "comparisons.csv was not written by genie" in " ".join(refused.stderr.split())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["comparisons.csv"]


def test_a_difference_is_shown_in_one_line() -> None:
    own: dict[str, Any] = {"dataset": "digits", "backbone": "b@1", "classifier": "lr", "ways": 5, "shots": 1}
    own |= {"episodes": 600, "episode_list": "0" * 64, "augmentation": "genie r=0.8", "baseline": "txt2img"}
    one = Comparison(**own, difference=1.284, episode_interval=0.57, clustered_interval=1.1, p_value=0.02)
    assert repr(one) == (
        "<digits, 5-way, 1-shot, genie r=0.8 minus txt2img: +1.28 ± 0.57 over episodes, ± 1.10 clustered by image>"
    )
