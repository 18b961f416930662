"""The options of `genie fewshot` as they are typed, set in the environment, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data.digits.paint import DigitsInTheWild
from tests.conftest import Genie
from tests.fewshot.test_fewshot import GENERATIVE, QUICK, SMALL, records


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--augment", "week"), "--augment: there is no augmentation 'week'; did you mean weak?"),
        (("--device", "gpu"), "'gpu'"),
        (("--backbone", "resnet5O"), "there is no model 'resnet5O'"),
        (("--baseline", "genie"), "did you mean genie r=0.8?"),
        (("--classifier", "svn"), "did you mean svm?"),
        (("--augment", "weak", "--r", "0.8"), "genie and of img2img, and neither is among --augment"),
        (("--r", "1.5"), "--r: must be a number, above 0 and at most 1: '1.5' was given"),
        (("--r", "much"), "--r: must be a number"),
        (("--manifest", "m.jsonl", "--steps", "9"), "leave out --steps"),
        (("--manifest", "m.jsonl", "--plan-out", "p.jsonl"), "leave out --plan-out"),
        (("--manifest", "nowhere.jsonl"), "does not exist"),
        (("--soft-labels",), "takes the oracle's labels from a manifest"),
        (("--augment", "none", "--plan-out", "p.jsonl"), "there is no plan"),
        (("--shots", "0"), "--shots"),
        (("--ways", "6"), "digits"),
        (("--data-dir", "somewhere"), "leave out --data-dir"),
        (("--dataset", "folder"), "needs --data-dir"),
        (("--dataset", "mini"), "--data-dir"),
        (("--dataset", "mini", "--data-dir", "nowhere"), "nowhere"),
        (("--backbone", "unisiam-resnet18", "--augment", "none"), "--checkpoint"),
        (("--episode-list", "nowhere.jsonl"), "cannot be read"),
        (("--manifest", "m.jsonl", "--augment", "weak"), "leave out --manifest"),
        (("--manifest", "m.jsonl", "--episode-list", "e.jsonl", "--seed", 1), "leave out --seed"),
        (("--partial",), "--partial goes with --dataset mini, tiered"),
        (("--as-authors", "--queries", "15"), "--as-authors decides these: leave out --queries"),
        (("--as-authors", "--prompt", "a {target}"), "--as-authors decides these: leave out --prompt"),
        (("--added", "-1"), "--added"),
        (("--pool", "-1"), "--pool"),
        (("--ada", "prob"), "did you mean probe?"),
        (("--augment", "genie-ada", "--ada", "probe", "--manifest", "m.jsonl"), "leave out --manifest, --plan-out"),
        (("--steps", "3"), "img2img-l has r = 0.3, which leaves no step to run out of 3"),
        (("--revision", "main", "--episodes", 2), "--revision goes with a Hugging Face model"),
        (("--backbone", "unisiam-resnet18", "--episodes", 2), "--checkpoint"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    refused = genie("fewshot", *words, "--out", "out")
    assert refused.exit_code in (1, 2)
    assert complaint in " ".join(refused.stderr.split())
    assert not (tmp_path / "out").exists()


def test_lists_that_would_not_fit_into_one_table(genie: Genie, tmp_path: Path) -> None:
    words = ("fewshot", *SMALL, "--augment", "none")
    assert genie(*words, "--out", "one").exit_code == 0
    assert genie(*words, "--out", "other", "--seed", 1).exit_code == 0
    assert genie(*words, "--out", "wide", "--ways", 3).exit_code == 0
    first, other = (f"{out}/episodes-2-way-1-shot.jsonl" for out in ("one", "other"))
    for second, reason in ((other, "are both 2-way 1-shot"), ("wide/episodes-3-way-1-shot.jsonl", "into one table")):
        refused = genie("fewshot", "--episode-list", first, "--episode-list", second, "--augment", "none", "--out", "x")
        assert refused.exit_code == 2
        assert reason in refused.stderr
        assert not (tmp_path / "x").exists()


def test_the_environment_may_name_a_folder_that_the_digits_do_not_need(
    genie: Genie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENIE_DATA", "/data/mini")
    assert genie("fewshot", *SMALL, "--augment", "none").exit_code == 0


@pytest.mark.parametrize("where", ["variable", "file"])
def test_ratios_from_a_variable_or_a_file_are_used(
    genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "variable":
        monkeypatch.setenv("GENIE_R", "0.6")
    else:
        (tmp_path / "genie.toml").write_text("[generate]\nr = [0.6]\n")
    plan = genie("fewshot", *SMALL, "--augment", "weak,genie", "--plan-out", "-")
    assert {row["r"] for row in records(plan.stdout)[1:]} == {0.6}
    typed = genie("fewshot", *SMALL, "--augment", "weak,genie", "--r", 0.7, "--plan-out", "-")
    assert {row["r"] for row in records(typed.stdout)[1:]} == {0.7}
    assert genie("fewshot", *SMALL, "--augment", "none").exit_code == 0  # where it does not apply


def test_lists_of_values_with_commas_or_one_by_one(genie: Genie) -> None:
    words = ("fewshot", *SMALL[:2], *SMALL[4:], "--plan-out", "-")
    together = genie(*words, "--augment", "img2img-h,genie", "--r", "0.6, 0.8", "--shots", "1,2")
    apart = genie(
        *words, "--augment", "img2img-h", "--augment", "genie", "--r", 0.6, "--r", 0.8, "--shots", 1, "--shots", 2
    )
    assert together.exit_code == 0, together.stderr
    assert apart.stdout == together.stdout


def test_results_of_somebody_elses_are_refused_at_once(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/results.csv").write_text("dataset,backbone,accuracy\nmini,mine,99\n")
    refused = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "out")
    assert refused.exit_code == 1
    assert "out/results.csv was not written by genie, or has been edited since" in refused.stderr
    assert "choose another --out" in refused.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["results.csv"]


def test_a_backbone_is_asked_for_before_hours_of_making_images(genie: Genie, tmp_path: Path) -> None:
    DigitsInTheWild("val").save(tmp_path / "photos", per_class=4)
    words = ("fewshot", "--dataset", "folder", "--data-dir", "photos", "--model", "digits", *SMALL[2:], *QUICK)
    refused = genie(*words, "--augment", "genie")
    assert refused.exit_code == 2
    assert "say which network computes the features: --backbone" in refused.stderr
    assert not (tmp_path / "genie-fewshot").exists()
