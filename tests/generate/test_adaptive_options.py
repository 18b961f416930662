"""`genie generate --r adaptive`: what goes with it, what does not, and what a person is told."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import Genie, tree
from tests.generate.command import ADAPTIVE, RATIOS, rows


@pytest.fixture
def refused(adaptive: Callable[..., Result]) -> Callable[..., str]:
    def run(*words: object, options: tuple[str, ...] = ADAPTIVE) -> str:
        result = adaptive("--out", "refused", *words, options=options)
        assert result.exit_code == 2, result.stderr
        assert not Path("refused").exists()
        return " ".join(result.stderr.split())

    return run


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        ((), ADAPTIVE[:2], "--r adaptive --backbone lite0"),
        ((), ADAPTIVE[2:], "they go with --r adaptive"),
        (("--method", "img2img"), ADAPTIVE, "leave out --method img2img"),
        (("--probe",), ADAPTIVE, "leave out --probe"),
        (("--shard", "1/2"), ADAPTIVE, "--plan-out plan.jsonl"),
        (("--profile",), ADAPTIVE, "leave it out"),
        (("--plan", "plan.jsonl"), ADAPTIVE, "leave out --r adaptive and --backbone"),
        (("--dry-run", "--json"), ADAPTIVE, "--plan-out plan.jsonl makes them"),
        ((), ("--r", "adaptive,0.8"), "genie generate takes it alone"),
        (("--targets", "seven,six,five"), ADAPTIVE, "none of six, five"),
        ((), ("--r", "adaptive", "--backbone", "digit"), "there is no model 'digit'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    refused: Callable[..., str], words: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    assert said in refused(*words, options=options)


def test_elsewhere_the_word_is_explained(
    refused: Callable[..., str], genie: Genie, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("fewshot", "finegrained", "longtail"):
        assert "--augment genie-ada --ada probe" in " ".join(genie(command, "--r", "adaptive").stderr.split())
    Path("genie.toml").write_text('[generate]\nr = ["adaptive"]\n')
    assert "--augment genie-ada --ada probe" in refused(options=())
    Path("genie.toml").unlink()
    monkeypatch.setenv("GENIE_R", "adaptive")
    assert "GENIE_R: must be a number" in refused(options=())


def test_a_dry_run_bounds_the_steps(adaptive: Callable[..., Result]) -> None:
    shown = adaptive("--dry-run", "--out", "out")
    assert shown.exit_code == 0
    assert "about 144, at most 168, of which 60 are of probes" in shown.stdout
    assert not Path("out").exists()


def test_the_summary_says_how_often_each_r_was_chosen(
    chosen: Path, adaptive: Callable[..., Result], tmp_path: Path
) -> None:
    shutil.copytree(chosen / "out", tmp_path / "out")
    shown = adaptive("--out", "out").stderr
    counts = Counter(str(row["r"]) for row in rows(chosen / "out"))
    assert ", ".join(f"{r}: {counts[r]}" for r in RATIOS) in shown


def test_a_plan_is_written_and_made_in_shards(chosen: Path, adaptive: Callable[..., Result], tmp_path: Path) -> None:
    assert adaptive("--out", "out", "--plan-out", "plan.jsonl").exit_code == 0
    assert not (tmp_path / "out/train").exists()
    for part in ("2/2", "1/2"):
        assert adaptive("--plan", "plan.jsonl", "--out", "sharded", "--shard", part, options=()).exit_code == 0
    assert tree(tmp_path / "sharded/train") == tree(chosen / "out/train")
