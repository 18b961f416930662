"""Values that nothing can be done with are out of range, and are refused in words before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Genie


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--thresholds", "9" * 5000 + ",1"), "are no thresholds"),
        (("--epochs", "9" * 22), "--epochs: must be"),
        (("--batch", "9" * 22), "--batch: must be"),
        (("--per-class", "9" * 22), "--per-class: must be"),
        (("--base-lr", "nan"), "--base-lr: must be a number"),
        (("--min-lr", "1e300"), "--min-lr: must be a number"),
        (("--cutmix", "1e-300"), "--cutmix: must be 0, or 0.001 or more"),
        (("--weight-decay", "inf"), "--weight-decay: must be a number"),
        (("--randaugment", "m9-n999999999"), "--randaugment: must be RandAugment"),
        (("--seeds", "9" * 300), "--seeds"),
        (("--num-workers", -1), "--num-workers: must be"),
    ],
)
def test_longtail(genie: Genie, tmp_path: Path, words: tuple[object, ...], message: str) -> None:
    refused = genie("longtail", *words, "--out", "out")
    assert refused.exit_code == 2, refused.stderr
    assert message in " ".join(refused.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["fewshot", "finegrained"])
@pytest.mark.parametrize("option", ["--ways", "--shots", "--queries", "--episodes"])
@pytest.mark.parametrize("value", ["9" * 11, "9" * 22, "-1", "nan", "1.5"])
def test_episodes(genie: Genie, tmp_path: Path, command: str, option: str, value: str) -> None:
    refused = genie(command, option, value, "--out", "out")
    assert refused.exit_code == 2
    assert option in refused.stderr
    assert not (tmp_path / "out").exists()
