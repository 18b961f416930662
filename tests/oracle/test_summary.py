"""What an oracle's judgements come to: shares by noise ratio and by pair, and the ratio with most hard negatives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from genie_cli.manifest import Row
from genie_cli.oracle.summary import summarize
from genie_cli.oracle.verdict import Verdict
from tests.conftest import Genie
from tests.oracle.judged import parsed
from tests.oracle.judgements import a_judged

HARD, EASY, WRONG = "hard negative", "easy (source lost)", "mislabelled"


def judged(**verdicts: list[str]) -> list[Row]:
    """Images with these verdicts, by their noise ratio in tenths."""
    numbered = [(int(tenths[1:]) / 10, verdict) for tenths, own in verdicts.items() for verdict in own]
    return [a_judged(number, r=r, verdict=verdict) for number, (r, verdict) in enumerate(numbered)]


def test_verdicts_are_counted_for_each_ratio() -> None:
    found = summarize(judged(r5=[HARD, HARD, WRONG, WRONG], r8=[HARD, EASY]))
    assert found.by_r["genie", 0.5].share(Verdict.HARD) == 0.5
    assert found.by_r["genie", 0.8].share(Verdict.EASY) == 0.5
    assert found.by_r["genie", 0.8].share(Verdict.MISLABELLED) == 0
    assert found.whole.verdicts == {HARD: 3, EASY: 1, WRONG: 2}
    assert found.by_pair["dog", "fox"].share(Verdict.HARD) == 0.5


@pytest.mark.parametrize(
    ("verdicts", "hardest"),
    [
        ({"r5": [HARD, WRONG], "r8": [HARD, HARD, EASY], "r10": [EASY]}, (("genie", 0.8),)),
        ({"r5": [HARD, WRONG], "r8": [EASY, HARD], "r10": [EASY]}, (("genie", 0.5), ("genie", 0.8))),
        ({"r5": [WRONG], "r8": [EASY]}, ()),
    ],
)
def test_the_ratio_with_most_hard_negatives(
    verdicts: dict[str, list[str]], hardest: tuple[tuple[str, float], ...]
) -> None:
    assert summarize(judged(**verdicts)).hardest == hardest


def test_the_tables_show_them_in_80_columns(genie: Genie, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = genie("oracle", made, "--out", made)
    rows = [words for line in done.stdout.splitlines() if (words := line.split())]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    own = [row["oracle"] for row in parsed(made.read_text())[1:] if row["r"] == 0.5]
    shares = [sum(said["verdict"] == verdict for said in own) / len(own) for verdict in (HARD, EASY, WRONG)]
    line = next(words for words in rows if words[:2] == ["genie", "0.5"])
    assert line[-3:] == [f"{share:.1%}" for share in shares]
    assert f"most hard negatives: genie at r = 0.5, {shares[0]:.1%} of the images" in done.stdout


def test_all_four_verdicts_fit_80_columns_too(
    genie: Genie,
    made: Path,
    _made: Path,  # noqa: PT019
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where a photo was deleted since: whether its images are hard cannot be measured."""
    monkeypatch.setenv("COLUMNS", "80")
    photos = shutil.copytree(_made / "photos", tmp_path / "photos")
    next((photos / "three").iterdir()).unlink()
    made.write_text(made.read_text().replace(str(_made / "photos"), str(photos)))
    lines = genie("oracle", made, "--out", made).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:2] == ["genie", "0.5"] for line in lines)
    assert any(line.split()[:3] == ["three", "->", "two"] for line in lines)
    assert any(line.split()[-2:] == ["labelled", "labelled"] for line in lines)


def test_without_sources_there_is_nothing_to_be_hard(genie: Genie) -> None:
    generated = genie("generate", "--method", "txt2img", "--targets", "two", "--per-target", 2, "--out", "t")
    said = genie("oracle", "-", stdin=generated.stdout).stderr
    assert "negative" not in said
    assert "easy" not in said
