"""`genie fewshot`: its three ways to run give one result, and nothing is left out in silence."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import FewShot, Generate, Model, Settings
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.fewshot.options import FewShotOptions
from genie_cli.fewshot.prepare import prepare
from genie_cli.fewshot.task import FEWSHOT
from genie_cli.observer import Observer
from genie_cli.settings import variable_of
from tests.conftest import Genie
from tests.evaluate.other_settings import KEYS
from tests.manifests import excerpt

SMALL = ("--dataset", "digits", "--shots", 1, "--ways", 2, "--queries", 3, "--episodes", 2)
GENERATIVE = ("--augment", "weak,img2img-h,txt2img,genie", "--r", "0.6,0.8")
QUICK = ("--steps", 4, "--slots", 4)


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture(scope="module")
def one_go(tmp_path_factory: pytest.TempPathFactory, _cache: Path) -> Path:
    """What SMALL, GENERATIVE and QUICK give in one go, made once as a program would."""
    out = tmp_path_factory.mktemp("fewshot") / "one-go"
    settings = Settings(
        fewshot=FewShot(shots=(1,), ways=2, queries=3, episodes=2),
        generate=Generate(r=(0.6, 0.8), steps=4),
        model=Model(slots=4),
    )
    options = FewShotOptions("digits", out, ("weak", "img2img-h", "txt2img", "genie"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        prepare(FEWSHOT, options, settings, frozenset(), Observer()).evaluate()
    return out


@pytest.fixture
def made(genie: Genie, one_go: Path, tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A copy of it, `one-go`: its manifest and its results."""
    out = Path(shutil.copytree(one_go, tmp_path / "one-go"))
    return out / "images/manifest.jsonl", records((out / "results.jsonl").read_text())


def test_three_ways_give_one_result(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    in_one_go = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "typed")
    assert in_one_go.exit_code == 0, in_one_go.stderr
    assert records(in_one_go.stdout) == made[1]
    assert genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    generated = genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png")
    assert generated.exit_code == 0, generated.stderr
    by_file = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "made/manifest.jsonl", "--out", "by-file")
    by_pipe = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "-", "--out", "by-pipe", stdin=generated.stdout)
    assert records(by_file.stdout) == records(by_pipe.stdout) == made[1]


def test_a_pipe_of_three_commands_gives_what_three_files_give(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]]
) -> None:
    rule = ("--min-confidence", 0.5, "--soft-labels")
    assert genie("oracle", made[0], *rule, "--out", "judged.jsonl").exit_code == 0
    by_file = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "judged.jsonl", "--soft-labels", "--out", "by-file")
    plan = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--plan-out", "-")
    generated = genie("generate", "--plan", "-", "--out", "made", "--format", "png", stdin=plan.stdout)
    judged = genie("oracle", "-", *rule, stdin=generated.stdout)
    by_pipe = genie(
        "fewshot", *SMALL, *GENERATIVE, "--manifest", "-", "--soft-labels", "--out", "by-pipe", stdin=judged.stdout
    )
    assert by_pipe.exit_code == 0, by_pipe.stderr
    assert records(by_pipe.stdout) == records(by_file.stdout)
    assert any(record["rejected"] for record in records(by_pipe.stdout))


def test_the_results_are_in_files_too(genie: Genie, tmp_path: Path, made: tuple[Path, list[dict[str, Any]]]) -> None:
    assert records((tmp_path / "one-go" / "results.jsonl").read_text()) == made[1]
    rows = list(csv.DictReader((tmp_path / "one-go" / "results.csv").read_text().splitlines()))
    assert [row["augmentation"] for row in rows] == ["weak", "img2img-h", "txt2img", "genie r=0.6", "genie r=0.8"]
    assert [float(row["accuracy"]) for row in rows] == [record["accuracy"] for record in made[1]]


def test_the_same_command_makes_nothing_twice(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    before = {path: path.stat().st_mtime_ns for path in made[0].parent.rglob("*.png")}
    again = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "one-go")
    assert records(again.stdout) == made[1]
    assert {path: path.stat().st_mtime_ns for path in made[0].parent.rglob("*.png")} == before


def test_more_augmentations_join_the_same_folder(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    more = genie("fewshot", *SMALL, *QUICK, "--augment", "weak,genie", "--r", 0.9, "--out", "one-go")
    assert more.exit_code == 0, more.stderr
    assert records(more.stdout)[0] == made[1][0]


def edited(manifest: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Path:
    """A copy beside ``manifest``, with other rows."""
    head, *rows = manifest.read_text().splitlines()
    other = manifest.with_name("edited.jsonl")
    changed = change([json.loads(row) for row in rows])
    other.write_text(excerpt(head, map(json.dumps, changed)))
    return other


def test_the_order_of_a_manifest_does_not_matter(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    shuffled = edited(made[0], lambda rows: random.Random(1).sample(rows, len(rows)))
    assert records(genie("fewshot", *SMALL, *GENERATIVE, "--manifest", shuffled).stdout) == made[1]


def test_a_missing_image_is_named(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    lost = json.loads(made[0].read_text().splitlines()[1])
    without = edited(made[0], lambda rows: rows[1:])
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", without)
    assert refused.exit_code == 2
    assert "1 generated images that are needed are not in the manifests" in refused.stderr
    assert f"{lost['method']} at r = {lost['r']:g}, {lost['target']!r}" in refused.stderr
    assert "--plan-out" in refused.stderr


def test_a_lost_file_is_named(genie: Genie, made: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    gone = next(made[0].parent.rglob("*.png"))
    gone.unlink()
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", made[0])
    # Its features may have been kept from the run that made it; then it is not needed.
    assert refused.exit_code == 0
    unknown = tmp_path / "another-cache"
    again = ("--manifest", made[0], "--out", tmp_path / "again")  # where there are no predictions
    refused = genie("fewshot", *SMALL, *GENERATIVE, *again, cache=unknown)
    assert refused.exit_code == 1
    assert gone.name in refused.stderr


def test_what_the_oracle_rejected_is_left_out_and_counted(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]]
) -> None:
    rejected = edited(made[0], lambda rows: [{**row, "oracle": {"accepted": row["r"] != 0.8}} for row in rows])
    done = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", rejected)
    found = {record["augmentation"]: record for record in records(done.stdout)}
    assert (found["genie r=0.8"]["added"], found["genie r=0.8"]["rejected"]) == (0, 1)
    assert (found["genie r=0.6"]["added"], found["genie r=0.6"]["rejected"]) == (1, 0)
    assert found["genie r=0.8"]["accuracy"] == found["weak"]["accuracy"]
    assert "genie r=0.8, 1-shot: 100.0% of the images were rejected or not selected" in done.stderr


@pytest.mark.parametrize("band", ["0,.5", ".5,1"])
def test_a_band_of_hardness_on_the_same_episodes(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]], band: str
) -> None:
    """What is outside the band is left out, and counted."""
    judged = genie("oracle", made[0])
    selected = genie("select", "-", "--hardness", band, stdin=judged.stdout)
    own = [row for row in records(selected.stdout)[1:] if (row["method"], row["r"]) == ("genie", 0.8)]
    share = sum(row["select"]["selected"] for row in own) / len(own)
    assert 0 < share < 1
    done = genie("fewshot", *SMALL, "--augment", "weak,genie", "--manifest", "-", stdin=selected.stdout)
    weak, hard = records(done.stdout)
    assert weak == made[1][0]
    assert (hard["added"], hard["rejected"]) == (share, 1 - share)


def test_soft_labels_are_needed_where_they_are_asked_for(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", made[0], "--soft-labels")
    assert refused.exit_code == 2
    assert "genie oracle MANIFEST --soft-labels" in refused.stderr
    one_hot = edited(made[0], lambda rows: [{**row, "oracle": {"soft_label": {row["target"]: 1.0}}} for row in rows])
    assert records(genie("fewshot", *SMALL, *GENERATIVE, "--manifest", one_hot, "--soft-labels").stdout) == made[1]


def test_an_episode_list_reruns_the_episodes(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    listed = tmp_path / "one-go" / "episodes-2-way-1-shot.jsonl"
    again = genie("fewshot", *GENERATIVE, "--manifest", made[0], "--episode-list", listed)
    assert records(again.stdout) == made[1]
    refused = genie("fewshot", "--episode-list", listed, "--ways", 3)
    assert refused.exit_code == 2
    assert "--episode-list decides these: leave out --ways" in refused.stderr


def test_another_seed_shares_the_folder(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    other = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--seed", 1, "--out", "one-go")
    assert other.exit_code == 0, other.stderr
    assert [record["episode_list"] for record in records(other.stdout)] != [r["episode_list"] for r in made[1]]
    again = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "one-go")
    assert records(again.stdout) == made[1]


def test_a_variable_of_another_command_does_not_conflict(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `GENIE_MODEL=digits genie fewshot --manifest m`; what was typed does."""
    variables = {
        "GENIE_MODEL": "digits",
        "GENIE_STEPS": "9",
        "GENIE_SEED": "1",
        "GENIE_WAYS": "3",
        "GENIE_R": "0.6,0.8",
    }
    assert set(variables) <= {variable_of(key) for key in KEYS}
    listed = made[0].parents[1] / "episodes-2-way-1-shot.jsonl"
    words = ("fewshot", *GENERATIVE[:2], "--manifest", made[0], "--episode-list", listed)
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        done = genie(*words, "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert records(done.stdout) == made[1]
    for option in ("--model", "digits"), ("--steps", 9), ("--seed", 1), ("--ways", 3):
        refused = genie(*words, *option)
        assert refused.exit_code == 2
        assert f"leave out {option[0]}" in refused.stderr


def test_a_folder_of_any_classes(genie: Genie, tmp_path: Path) -> None:
    DigitsInTheWild("val").save(tmp_path / "photos", per_class=4)
    small = ("--shots", 1, "--ways", 3, "--queries", 3, "--episodes", 3, "--augment", "none,weak,strong,cutmix,mixup")
    done = genie("fewshot", "--dataset", "folder", "--data-dir", "photos", "--backbone", "digits", *small)
    assert done.exit_code == 0, done.stderr
    assert len(records(done.stdout)) == 5


def test_every_class_of_the_digits_has_a_prompt(genie: Genie) -> None:
    plan = genie("fewshot", "--plan-out", "-", "--augment", "genie", "--episodes", 5)
    prompts = {json.loads(line)["prompt"] for line in plan.stdout.splitlines()[1:]}
    assert prompts == {f"A photo of a {name}" for name in CLASSES[5:]}
