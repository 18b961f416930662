"""`genie select`, on images that the bundled model made."""

from __future__ import annotations

import json
import shlex
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from tests.conftest import Genie
from tests.oracle.judged import parsed

Judged = tuple[Path, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def _judged(_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(_made / "out", folder / "out")
    api.judge(folder / "out").write(folder / "out/judged.jsonl")
    return folder / "out"


@pytest.fixture
def judged(_judged: Path, tmp_path: Path) -> Judged:
    """A judged manifest of its own, and its rows."""
    path = Path(shutil.copytree(_judged, tmp_path / "out")) / "judged.jsonl"
    return path, parsed(path.read_text())[1:]


def kept(text: str) -> list[str]:
    return [row["id"] for row in parsed(text)[1:] if row["select"]["selected"]]


def test_rows_gain_a_column_and_nothing_else(genie: Genie, judged: Judged) -> None:
    result = genie("select", judged[0], "--verdict", "hard")
    assert result.exit_code == 0, result.stderr
    header, *rows = parsed(result.stdout)
    assert header["root"] == str(judged[0].parent)
    assert [{key: row[key] for key in row if key != "select"} for row in rows] == judged[1]
    hard = [row["id"] for row in judged[1] if row["oracle"]["verdict"] == "hard negative"]
    assert 0 < len(hard) < 36
    assert kept(result.stdout) == hard
    assert f"{len(hard)} of 36 images selected, {36 - len(hard)} marked as not selected" in result.stderr
    left_out = next(row for row in rows if not row["select"]["selected"])
    assert left_out["select"] == {"selected": False, "reason": f"verdict: {left_out['oracle']['verdict']}"}


def test_a_file_a_pipe_and_a_program_give_the_same(genie: Genie, judged: Judged, tmp_path: Path) -> None:
    words = ("--verdict", "hard,easy", "--hardness", ".25,.75", "--per-target", 3)
    assert genie("select", judged[0], *words, "--out", "selected.jsonl").exit_code == 0
    written = (tmp_path / "selected.jsonl").read_text()
    by_pipe = genie("select", "-", *words, stdin=genie("select", judged[0]).stdout)
    assert by_pipe.stdout == written
    by_api = api.select(judged[0], verdict=["hard", "easy"], hardness=(0.25, 0.75), per_target=3)
    by_api.write(tmp_path / "api.jsonl")
    assert (tmp_path / "api.jsonl").read_text() == written
    assert repr(by_api).startswith("<Selected: 6 of 36 images; dropped: ")
    assert Counter(row["target"] for row in parsed(written)[1:] if row["select"]["selected"]) == {"two": 3, "five": 3}


def test_in_place_and_anew(genie: Genie, judged: Judged) -> None:
    wide = genie("select", judged[0], "--min-confidence", 0.3).stdout
    for confidence in (0.9, 0.3):
        done = genie("select", judged[0], "--min-confidence", confidence, "--out", judged[0])
        assert done.exit_code == 0, done.stderr
        assert ("selected again" in done.stderr) == (confidence == 0.3)
    assert kept(judged[0].read_text()) == kept(wide)
    assert "a selection replaces the one before" in " ".join(done.stderr.split()).lower()
    assert "selected again" not in genie("select", judged[0], "--min-confidence", 0.3).stderr


def test_the_next_command_is_one_that_runs(genie: Genie, judged: Judged, tmp_path: Path) -> None:
    """From the oracle to a data set, by pasting what is printed; in a folder with a space and a quote."""
    run = shutil.move(judged[0].parent, tmp_path / "it's a run")
    said = genie("oracle", run, "--out", f"{run}/judged.jsonl").stderr
    for name, command in (("which of them to use", "select"), ("a data set of them", "export")):
        line = next(line for line in said.splitlines() if line.startswith(f"next, {name}: genie {command} "))
        done = genie(*shlex.split(line.partition(": genie ")[2]))
        assert done.exit_code == 0, done.stderr
        said = done.stderr
    hard = [row for row in judged[1] if row["oracle"]["verdict"] == "hard negative"]
    assert len(list((tmp_path / "set/train").glob("*/*"))) == len(hard) + 10  # and the photos


def test_dropped_rows_are_those_that_would_be_marked(genie: Genie, judged: Judged) -> None:
    marked = genie("select", judged[0], "--source-similarity", ".9,1", "--balanced")
    dropped = genie("select", judged[0], "--source-similarity", ".9,1", "--balanced", "--drop")
    assert [row["id"] for row in parsed(dropped.stdout)[1:]] == kept(marked.stdout)
    assert "dropped" in dropped.stderr.splitlines()[-1]
    numbers = Counter(row["target"] for row in parsed(dropped.stdout)[1:])
    assert numbers["two"] == numbers["five"] > 0


def test_the_tables_say_what_was_left_out_by_r_and_by_target(genie: Genie, judged: Judged) -> None:
    done = genie("select", judged[0], "--min-confidence", 0.6, "--per-target", 4, "--out", "s.jsonl")
    rows = [words for line in done.stdout.splitlines() if (words := line.split())]
    assert ["method", "and", "r", "images", "selected", "min-confidence", "per-target"] in rows
    selected = parsed(Path("s.jsonl").read_text())[1:]
    for name, own in (
        ("genie 0.5", [row for row in selected if row["r"] == 0.5]),
        ("genie 1", [row for row in selected if row["r"] == 1]),
        ("two", [row for row in selected if row["target"] == "two"]),
        ("all", selected),
    ):
        why = Counter(row["select"].get("reason", "").partition(":")[0] for row in own)
        assert [*name.split(), *map(str, (len(own), why[""], why["min-confidence"], why["per-target"]))] in rows


def test_many_conditions_fit_80_columns(genie: Genie, judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    many = ("--verdict", "hard,easy", "--min-confidence", ".5", "--source-similarity", "0.2,1", "--hardness", "0.1,0.9")
    screen = genie("select", judged[0], *many, "--per-target", 3, "--balanced", "--out", "s.jsonl").stdout
    assert max(map(len, screen.splitlines())) <= 80
    assert "…" not in screen
    assert "left out" in screen


def test_nothing_asked_is_nothing_filtered(genie: Genie, judged: Judged) -> None:
    result = genie("select", judged[0])
    assert result.exit_code == 0
    assert "no condition was given: nothing was filtered" in result.stderr
    assert parsed(result.stdout)[1:] == judged[1]
    some = genie("select", judged[0], "--per-target", 5)
    later = genie("select", "-", "--drop", stdin=some.stdout)
    assert [row["id"] for row in parsed(later.stdout)[1:]] == kept(some.stdout)


def test_only_what_was_chosen_elsewhere(genie: Genie, judged: Judged, tmp_path: Path) -> None:
    ids = [row["id"] for row in judged[1][3:9]]
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    listed = genie("select", judged[0], "--keep", "ids.txt", "--out", "kept.jsonl")
    assert listed.exit_code == 0, listed.stderr
    assert kept((tmp_path / "kept.jsonl").read_text()) == ids
    again = genie("select", judged[0].parent / "manifest.jsonl", "--keep", "kept.jsonl")
    assert kept(again.stdout) == ids
    assert "nowhere.txt cannot be read" in genie("select", judged[0], "--keep", "nowhere.txt").stderr


def test_near_duplicates_and_leaks(genie: Genie, judged: Judged, _made: Path, tmp_path: Path) -> None:  # noqa: PT019
    """The fixture has one photo of each class, so that held-out images say how alike real images are."""
    from genie_cli.data.digits.paint import DigitsInTheWild

    DigitsInTheWild("test").save(tmp_path / "test", per_class=3)
    for photo in (tmp_path / "test").glob("*/test-0000?.png"):
        photo.unlink()  # these are the sources
    copied = judged[1][0]
    (tmp_path / "test/two/copy.jpg").write_bytes((judged[0].parent / copied["file"]).read_bytes())
    shutil.copy(next((_made / "photos/one").iterdir()), tmp_path / "test/one/source.png")
    done = genie("select", judged[0], "--held-out", "test", "--distinct", "--backbone", "digits")
    assert done.exit_code == 0, done.stderr
    assert "near-duplicates: features of digits-encoder@" in done.stderr
    assert f"{copied['file']} shows test/two/copy.jpg (distance 0.0000)" in done.stderr
    assert "test/one/source.png is the source of 4 images" in done.stderr
    rows = {row["id"]: row for row in parsed(done.stdout)[1:]}
    assert rows[copied["id"]]["select"]["reason"] == "held-out: 0 from test/two/copy.jpg"
    from_one = [row for row in rows.values() if row["source"]["label"] == "one"]
    assert [row["select"]["reason"] for row in from_one] == ["held-out: made from test/one/source.png"] * 4
    alone = genie("select", judged[0], "--distinct")
    assert alone.exit_code == 2
    assert "there are no two sources of one class" in alone.stderr


def test_what_an_earlier_selection_left_out_is_said_by_the_oracle(genie: Genie, judged: Judged) -> None:
    some = genie("select", judged[0], "--per-target", 5)
    again = genie("oracle", "-", "--min-confidence", 0.5, "--drop", stdin=some.stdout)
    assert "an earlier genie select left out 26 images" in again.stderr
    good = [row["id"] for row in judged[1] if row["oracle"]["target_probability"] >= 0.5]
    assert [row["id"] for row in parsed(again.stdout)[1:]] == good


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--out", "s.jsonl", "--json"], "--out does not go with --json"),
        (["--verdict", "hrad"], "did you mean hard?"),
        (["--hardness", ".25"], "--hardness: must be two numbers, LOW,HIGH: '.25' was given"),
        (["--hardness", ".75,.25"], "--hardness: 0.75,0.25 is not a range within 0,1"),
        (["--source-similarity", "0,2"], "--source-similarity: 0,2 is not a range within 0,1"),
        (["--per-target", "0"], "--per-target: must be a whole number, at least 1"),
        (["--backbone", "digits"], "--backbone: used only with --distinct and --held-out"),
        (["--device", "cpu"], "--device: used only with --distinct and --held-out"),
        (["--distinct", "--backbone", "no-such-model", "--held-out", "."], "no-such-model"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, judged: Judged, words: list[str], reason: str) -> None:
    result = genie("select", judged[0], *words)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_images_that_no_oracle_has_judged(genie: Genie, judged: Judged) -> None:
    bare = judged[0].parent / "manifest.jsonl"
    refused = genie("select", bare, "--verdict", "hard")
    assert refused.exit_code == 2
    assert "no oracle has judged the images" in refused.stderr
    assert f"genie oracle {bare} --out judged.jsonl" in refused.stderr


def test_a_damaged_column_is_named_with_its_line(genie: Genie, judged: Judged) -> None:
    lines = judged[0].read_text().splitlines()
    lines[4] = json.dumps({**json.loads(lines[4]), "select": {"selected": "yes"}})
    judged[0].write_text("\n".join(lines) + "\n")
    result = genie("select", judged[0], "--balanced")
    assert result.exit_code == 1
    assert 'judged.jsonl, line 5: select.selected cannot be "yes"' in result.stderr
