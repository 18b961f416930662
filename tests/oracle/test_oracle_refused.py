"""What `genie oracle` refuses, and what it leaves unmeasured and says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from genie_cli.backbones.digits import backbone
from genie_cli.data.digits.paint import CLASSES
from genie_cli.errors import ModelError, OutputError
from genie_cli.oracle.class_map import resolve
from genie_cli.oracle.judge import AcceptanceRule, Oracle
from genie_cli.oracle.manifests import read_images, require_writable, save
from genie_cli.oracle.vocabulary import Vocabulary
from tests.conftest import Genie
from tests.manifests import excerpt
from tests.oracle.judged import parsed, said


def test_sources_that_have_moved_are_said(genie: Genie, made: Path, _made: Path) -> None:  # noqa: PT019
    made.write_text(made.read_text().replace(str(_made / "photos"), "/nowhere/photos"))
    result = genie("oracle", made)
    assert result.exit_code == 0
    assert "not measured: the folder of the sources, /nowhere/photos, is not there" in " ".join(result.stderr.split())
    assert {columns["verdict"] for columns in said(result.stdout)} <= {"correctly labelled", "mislabelled"}


def test_a_missing_or_changed_image_is_named_and_nothing_written(genie: Genie, made: Path) -> None:
    image = made.parent / parsed(made.read_text())[1]["file"]
    before = made.read_bytes()
    image.write_bytes(image.read_bytes() + b"x")
    result = genie("oracle", made, "--out", made)
    assert result.exit_code == 1
    assert f"{image.name}: has changed" in result.stderr
    image.unlink()
    result = genie("oracle", made, "--out", made)
    assert f"{image.name}: cannot be read" in result.stderr
    assert not result.stdout
    assert made.read_bytes() == before


def test_a_source_that_was_broken_from_the_start_spoils_its_own_jobs_only(
    genie: Genie, photos: Path, tmp_path: Path
) -> None:
    (photos / "one/test-00001.png").write_bytes(b"\x89PNG cut off")
    assert genie("generate", "--src-dir", photos, "--targets", "two", "--out", "out").exit_code == 3
    result = genie("oracle", tmp_path / "out/manifest.jsonl")
    assert result.exit_code == 0, result.stderr
    rows = parsed(result.stdout)[1:]
    assert [row["source"]["label"] for row in rows if row["status"] == "failed"] == ["one"]
    assert all(row["oracle"]["source_similarity"] is not None for row in rows if row["status"] == "made")


def test_a_run_that_was_stopped_before_its_end_is_said(genie: Genie, made: Path) -> None:
    """Its manifest is that of the run before, and what was made since is in the journal."""
    assert "stopped" not in genie("oracle", made.parent).stderr
    (made.parent / ".genie/journal.jsonl").write_text(made.read_text())
    for words in (("oracle", made.parent), ("export", made.parent, "--out", "set")):
        result = genie(*words)
        assert result.exit_code == 0, result.stderr
        said = " ".join(result.stderr.split())
        assert "images that the manifest does not list yet are left out" in said
        assert f"genie status {made.parent}" in said


def test_too_few_sources_are_said(genie: Genie, made: Path) -> None:
    header, *rows = made.read_text().splitlines()
    few = [row for row in rows if json.loads(row)["source"]["label"] in ("zero", "one")]
    made.write_text(excerpt(header, few))
    result = genie("oracle", made)
    assert "source similarity is not measured: there are fewer than three" in result.stderr
    assert {columns["source_similarity"] for columns in said(result.stdout)} == {None}


def test_rows_that_another_command_wrote_meanwhile_are_not_lost(genie: Genie, made: Path) -> None:
    before = require_writable(made)
    content = made.read_text()
    made.write_text(content.splitlines()[0] + "\n")
    with pytest.raises(OutputError, match="has changed meanwhile"):
        save(made, [content], before)
    assert made.read_text() == content.splitlines()[0] + "\n"
    save(made, [content], require_writable(made))
    assert made.read_text() == content


def test_a_changed_source_is_named(genie: Genie, made: Path, _made: Path, tmp_path: Path) -> None:  # noqa: PT019
    photos = shutil.copytree(_made / "photos", tmp_path / "photos")
    (photos / "one/test-00001.png").write_bytes(b"other")
    made.write_text(made.read_text().replace(str(_made / "photos"), str(photos)))
    result = genie("oracle", made)
    assert result.exit_code == 1
    assert "test-00001.png: has changed" in result.stderr
    assert "photos that they were made from, which must be unchanged" in " ".join(result.stderr.split())


def test_photos_that_were_deleted_since_leave_their_own_images_unmeasured(
    genie: Genie,
    made: Path,
    _made: Path,  # noqa: PT019
    tmp_path: Path,
) -> None:
    photos = shutil.copytree(_made / "photos", tmp_path / "photos")
    (photos / "one/test-00001.png").unlink()
    made.write_text(made.read_text().replace(str(_made / "photos"), str(photos)))
    result = genie("oracle", made)
    assert result.exit_code == 0, result.stderr
    words = " ".join(result.stderr.split())
    assert "source similarity is not measured of 4 images" in words
    assert "no longer in" in words
    assert "such as one/test-00001.png" in words
    measured = {row["source"]["label"]: row["oracle"]["source_similarity"] for row in parsed(result.stdout)[1:]}
    assert [label for label, similarity in measured.items() if similarity is None] == ["one"]
    for photo in photos.glob("[!tz]*/*"):  # two and three, and zero, are left: two of them for the target two
        photo.unlink()
    result = genie("oracle", made)
    assert result.exit_code == 0, result.stderr


def test_only_a_manifest_is_overwritten(genie: Genie, made: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = genie("oracle", made, "--out", "notes.txt")
    assert result.exit_code == 1
    assert "is not a manifest of genie" in result.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert genie("oracle", made, "--out", "no/where.jsonl").exit_code == 1
    plan = genie("generate", "--src-dir", photos, "--targets", "two", "--dry-run").stdout
    (tmp_path / "plan.jsonl").write_text(plan)
    assert genie("oracle", made, "--out", "plan.jsonl").exit_code == 1
    assert (tmp_path / "plan.jsonl").read_text() == plan != ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--drop"], "--drop: everything is accepted"),
        (["--json", "--out", "x.jsonl"], "--out does not go with --json"),
        (["--write-class-map", "m.csv", "--out", "x.jsonl"], "--out: not used with --write-class-map"),
        (["--write-class-map", "m.csv", "--candidates", "episode", "--json"], "--candidates, --json: not used with"),
        (["--oracle", "no-such-model"], "no-such-model"),
        (["--min-confidence", "2"], "min-confidence"),
        (["--class-map", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, made: Path, words: list[str], reason: str) -> None:
    result = genie("oracle", made, *words)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_input_that_is_no_manifest(genie: Genie, made: Path) -> None:
    assert "is empty" in genie("oracle", "-", stdin="").stderr
    assert "nowhere.jsonl: does not exist" in genie("oracle", "nowhere.jsonl").stderr
    result = genie("oracle", "-", stdin=excerpt(made.read_text().splitlines()[0], []))
    assert result.exit_code == 1
    assert "no image that was made" in result.stderr


def test_an_unknown_target_ends_in_a_map_and_an_unknown_source_in_a_word(
    genie: Genie, made: Path, tmp_path: Path
) -> None:
    text = made.read_text().replace('"label": "one"', '"label": "cat"')
    header, *rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        row["target"] = row["target"].replace("five", "fiv")
        del row["id"]
    made.write_text("".join(json.dumps(line) + "\n" for line in (header, *rows)))
    result = genie("oracle", made)
    assert result.exit_code == 2
    assert "1 of 2 labels" in result.stderr
    assert "'fiv': is unknown; similar: five" in result.stderr
    result = genie("oracle", made, "--write-class-map", "map.csv")
    assert result.exit_code == 0
    assert not result.stdout
    assert "2 without a class" in result.stderr
    edited = (tmp_path / "map.csv").read_text().replace("fiv,,", "fiv,five,")
    (tmp_path / "map.csv").write_text(edited)
    result = genie("oracle", made, "--class-map", "map.csv")
    assert result.exit_code == 0
    assert "source classes without a probability: 'cat': the map gives it no class" in result.stderr
    of_cats = [row["oracle"] for row in parsed(result.stdout)[1:] if row["source"]["label"] == "cat"]
    assert of_cats
    assert {columns["source_probability"] for columns in of_cats} == {None}
    refused = genie("oracle", made, "--class-map", "map.csv", "--candidates", "target,source")
    assert "or use --candidates all, for which sources need none" in refused.stderr
    assert refused.exit_code == 2
    assert "'cat'" in refused.stderr


def test_an_oracle_that_gives_no_numbers(made: Path) -> None:
    broken = backbone("oracle")
    broken.network[-1].bias.data.fill_(torch.nan)  # type: ignore[index]
    with pytest.raises(ModelError, match="is not finite"):
        Oracle(broken, resolve(CLASSES, Vocabulary(CLASSES)), read_images(made), AcceptanceRule()).annotate()


@pytest.mark.parametrize("value", ["x", "nan", "1.1", "-0.1", ""])
def test_what_is_no_probability(genie: Genie, value: str) -> None:
    refused = genie("oracle", "nothing.jsonl", "--min-confidence", value)
    assert refused.exit_code == 2
    assert f"must be a number from 0 to 1: '{value}' was given" in refused.stderr
