"""`genie generate --plan`, with plans from a dry run or from `genie explain`: the same images, or a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from genie_cli import provenance
from tests.conftest import Genie, tree
from tests.generate.command import EVERYTHING, rows


def test_a_source_that_changed_since_the_plan_fails(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    Image.new("RGB", (32, 32), "red").save(photos / "one/test-00001.png")
    result = genie("generate", "--plan", "-", "--out", "out", stdin=plan)
    assert result.exit_code == 3
    [reason] = [str(row["reason"]) for row in rows(tmp_path / "out") if "reason" in row]
    assert reason.endswith("changed since the plan was made")


def test_a_plan_makes_the_same_images(genie: Genie, photos: Path, tmp_path: Path) -> None:
    genie("generate", "--src-dir", photos, *EVERYTHING, "--out", "direct")
    plan = genie("generate", "--src-dir", photos, *EVERYTHING, "--dry-run", "--json").stdout
    assert not (tmp_path / "genie-out").exists()
    header, *jobs = plan.splitlines(keepends=True)
    (tmp_path / "jobs.jsonl").write_text("".join([header, *reversed(jobs)]))
    assert genie("generate", "--plan", "jobs.jsonl", "--out", "planned").exit_code == 0
    assert tree(tmp_path / "planned/train/seven") == tree(tmp_path / "direct/train/seven")


def test_a_job_that_makes_no_sense_is_skipped_with_its_reason(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    edited = plan.replace('"target": "seven"', '"target": "one"', 1).replace('"label": "one"', '"label": "two"')
    lines = [line for line in edited.splitlines() if '"target": "one"' not in line or '"label"' in line]
    source = json.loads(lines[1])["source"]["label"]
    lines[1] = lines[1].replace('"target": "one"', f'"target": "{source}"')
    result = genie("generate", "--plan", "-", "--out", "out", stdin="\n".join(lines) + "\n")
    assert result.exit_code == 3
    skipped = [row for row in rows(tmp_path / "out") if row["status"] == "skipped"]
    assert [row["reason"] for row in skipped] == [f"genie cannot make '{source}' from a source of class '{source}'"]


@pytest.mark.parametrize("image_format", ["jpg", "png", "webp"])
def test_explain_makes_the_same_image_again(genie: Genie, photos: Path, tmp_path: Path, image_format: str) -> None:
    out = ("--per-target", "1", "--format", image_format, "--out", "out")
    genie("generate", "--src-dir", photos, "--targets", "seven", *out)
    [image] = (tmp_path / "out/train/seven").iterdir()
    plan = genie("explain", "--json", image).stdout
    again = ("--src-dir", photos, "--format", image_format, "--out", "again")
    assert genie("generate", "--plan", "-", *again, stdin=plan).exit_code == 0
    assert tree(tmp_path / "again/train") == {
        key: value for key, value in tree(tmp_path / "out/train").items() if key != "metadata.jsonl"
    } | {"metadata.jsonl": tree(tmp_path / "again/train")["metadata.jsonl"]}


def test_explains_command_is_the_whole_truth(genie: Genie, photos: Path, tmp_path: Path) -> None:
    from genie_cli.generate.command import command_of_image

    genie("generate", "--src-dir", photos, "--targets", "seven", "--per-target", "1", "--out", "out")
    [image] = (tmp_path / "out/train/seven").iterdir()
    command = command_of_image(image, provenance.read(image))
    command = command.replace("genie ", f"{sys.executable} -m genie_cli ")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "again/train/seven" / image.name).read_bytes() == image.read_bytes()


def test_a_plan_whose_paths_leave_its_root_is_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    result = genie("generate", "--plan", "-", stdin=plan.replace("eight/", "../photos/eight/", 1))
    assert result.exit_code == 1
    assert "line 2" in result.stderr
    assert "leaves its root" in result.stderr
    assert not (tmp_path / "genie-out").exists()


def test_a_plan_remembers_its_settings(genie: Genie, photos: Path) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--guidance", "3", "--dry-run").stdout
    result = genie("generate", "--plan", "-", stdin=plan)
    assert result.exit_code == 2
    assert "the plan was made with --guidance 3.0, this run has 7.5" in result.stderr
    assert genie("generate", "--plan", "-", "--guidance", "3", stdin=plan).exit_code == 0


def test_a_folder_of_sources_that_is_a_file_is_not_said_to_be_missing(
    genie: Genie, photos: Path, tmp_path: Path
) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    (tmp_path / "photos.zip").write_bytes(b"PK")
    for name, what in (("photos.zip", "is not a folder"), ("gone", "is not there")):
        moved = plan.replace(f'"source_root":"{photos}"', f'"source_root":"{tmp_path / name}"')
        result = genie("generate", "--plan", "-", "--dry-run", stdin=moved)
        assert f"the sources' folder {tmp_path / name} {what}" in " ".join(result.stderr.split())
