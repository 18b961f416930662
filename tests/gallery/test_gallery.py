"""The folder of a gallery: what is in it, and that nothing of a person's is touched."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from genie_cli import api
from genie_cli.errors import OutputError
from genie_cli.gallery.columns import state_of
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from tests.conftest import Genie, tree
from tests.export import runs
from tests.gallery import made
from tests.gallery.conftest import Shown
from tests.generate.test_resume import run_killed_at

MOMENTS = 3


def values(path: Path) -> Any:
    """The last JSON value in one of the page's data files."""
    literal = path.read_text(encoding="ascii").split("JSON.parse('")[-1].rsplit("')", 1)[0]
    return json.loads(literal.encode().decode("unicode_escape"))


def column(data: dict[str, Any], name: str) -> list[Any]:
    coded = data["coded"][name]
    return [coded["values"][code] for code in coded["codes"] or [0] * (len(data["ids"]) // 20)]


class Ears(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def left_out(self, reasons: Sequence[str]) -> None:
        self.heard += reasons


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, list[Row]]:
    """A small run of its own, with photos."""
    photos = made.photos(tmp_path / "photos")
    rows = [runs.made(tmp_path / "made", job) for job in made.jobs(photos, ["fox", "owl"], [0.5, 0.8])]
    runs.write(tmp_path / "made", rows, photos)
    return tmp_path, rows


def test_every_row_is_there_as_it_is(shown: Shown) -> None:
    data = values(shown.root / "gallery/data/rows.js")
    assert data["ids"] == "".join(row.job.id for row in shown.rows)
    assert column(data, "target") == [row.job.target for row in shown.rows]
    assert column(data, "r") == [row.job.r for row in shown.rows]
    assert column(data, "problem") == [row.reason for row in shown.rows]
    assert column(data, "state") == [state_of(row) for row in shown.rows]
    assert {*column(data, "state")} == {
        *("accepted", "rejected", "selected", "not selected", "not judged", "failed", "skipped")
    }
    probabilities = [row.judgement.target_probability if row.judgement else None for row in shown.rows]
    assert data["confidence"] == probabilities
    assert [cell >= 0 for cell in data["picture"]] == [row.status is Status.MADE for row in shown.rows]
    details = values(shown.root / "gallery/data/lines-0000.js")
    for row, known in zip(shown.rows, details, strict=True):
        assert json.loads(known["line"])["id"] == row.job.id
        assert known.get("oracle") == row.extra.get("oracle")
        assert ("image" in known, "photo" in known) == (row.status is Status.MADE, row.job.source is not None)


def test_the_same_manifest_gives_the_same_bytes(shown: Shown, tmp_path: Path) -> None:
    root = Path(shutil.copytree(shown.root, tmp_path / "copy"))
    first = {path: path.stat().st_mtime_ns for path in (root / "gallery/sheets").iterdir()}
    api.gallery(root / "made", out=root / "gallery")
    assert {path: path.stat().st_mtime_ns for path in first} == first
    api.gallery(root / "made", out=root / "new")
    assert tree(root / "new") == tree(root / "gallery")


def test_kill_at_any_moment_and_rerun_equals_never_killed(
    library: tuple[Path, list[Row]], genie: Genie, tmp_path: Path
) -> None:
    never = run_killed_at(0, tmp_path, "never", "gallery", "made")
    assert never.returncode == 0, never.stderr
    operations = int(never.stderr.split("operations ")[1])
    for moment in random.Random(1).sample(range(1, operations + 1), MOMENTS):
        killed = run_killed_at(moment, tmp_path, f"out-{moment}", "gallery", "made")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        result = genie("gallery", "made", "--out", f"out-{moment}")
        assert result.exit_code == 0, (moment, result.output)
        assert tree(tmp_path / f"out-{moment}") == tree(tmp_path / "never"), f"{moment} of {operations}"


def test_judging_draws_no_thumbnail_again_and_what_is_obsolete_goes(library: tuple[Path, list[Row]]) -> None:
    root, rows = library
    gallery = root / "gallery"
    api.gallery(root / "made", out=gallery)
    drawn = {path: path.stat().st_mtime_ns for path in (gallery / "sheets").iterdir()}
    (gallery / "sheets/mine.jpg").write_text("mine")
    judged = [row.judged(runs.ACCEPTED.model_copy(update={"accepted": False})) for row in rows]
    runs.write(root / "made", judged, root / "photos")
    api.gallery(root / "made", out=gallery)
    assert {path: path.stat().st_mtime_ns for path in drawn} == drawn
    assert {*column(values(gallery / "data/rows.js"), "state")} == {"rejected"}
    runs.write(root / "made", judged[:3], root / "photos")
    (gallery / "data/lines-0007.js").write_text("of a longer manifest")
    api.gallery(root / "made", out=gallery)
    assert not [path for path in drawn if path.exists()]
    assert {path.name for path in (gallery / "data").iterdir()} == {"rows.js", "figures.js", "lines-0000.js"}
    assert (gallery / "sheets/mine.jpg").read_text() == "mine"


def test_images_that_cannot_be_shown_are_named(library: tuple[Path, list[Row]]) -> None:
    root, rows = library
    paths = [root / "made" / row.file for row in rows]
    api.gallery(root / "made", out=root / "gallery")
    paths[0].unlink()
    paths[1].write_bytes(runs.image(rows[2].job))
    paths[2].write_bytes(b"")
    photo = next((root / "photos").rglob("*.jpg"))
    photo.unlink()
    ears = Ears()
    made_anew = api.gallery(root / "made", out=root / "gallery", observer=ears)
    assert made_anew.missing == len(ears.heard) == 4
    data = values(root / "gallery/data/rows.js")
    problems = column(data, "problem")
    assert [why.split(":")[0] for why in problems[:3]] == ["cannot be read", "has changed", "is empty (0 bytes)"]
    assert data["picture"][:4] == [-1, -1, -1, 3]
    lost = [row.job.source is not None and photo.match(f"*/{row.job.source.path}") for row in rows]
    assert [bool(why) for why in column(data, "lost")] == lost
    api.gallery(root / "made", out=root / "new")
    assert tree(root / "new") == tree(root / "gallery")


def test_folders_whose_names_are_no_text(library: tuple[Path, list[Row]], tmp_path: Path) -> None:
    root, rows = library
    made_in = tmp_path / os.fsdecode(b"caf\xe9 #")
    (root / "made").rename(made_in)
    api.gallery(made_in, out=made_in / "gallery")
    details = values(made_in / "gallery/data/lines-0000.js")
    assert [known["image"] for known in details] == [f"../{quote(row.file)}" for row in rows]
    assert not any("command" in known for known in details)
    api.gallery(made_in, out=tmp_path / "gallery")
    known = values(tmp_path / "gallery/data/lines-0000.js")[0]
    assert known["image"] == f"../caf%E9%20%23/{quote(rows[0].file)}"


def test_a_damaged_sheet_is_drawn_again(library: tuple[Path, list[Row]]) -> None:
    root, _ = library
    api.gallery(root / "made", out=root / "gallery")
    before = tree(root / "gallery")
    [first, *_] = (root / "gallery/sheets").iterdir()
    first.write_bytes(first.read_bytes()[:-9])
    with (root / "gallery/.genie/sheets.jsonl").open("a") as journal:
        journal.write('{"name": "')
    api.gallery(root / "made", out=root / "gallery")
    assert tree(root / "gallery") == before
    (root / "gallery/.genie/sheets.jsonl").write_text('{"name": "../../x"}\n')
    api.gallery(root / "made", out=root / "gallery")
    assert tree(root / "gallery") == before


@pytest.mark.parametrize("name", ["notes.txt", "index.html", "sheets/mine.jpg", ".genie/journal.jsonl", ".hidden"])
def test_a_folder_with_anything_else_is_refused(name: str, shown: Shown, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    before = tree(out)
    with pytest.raises(OutputError, match="that genie gallery did not put there") as caught:
        api.gallery(shown.root / "made", out=out)
    assert "new folder" in caught.value.hint
    assert tree(out) == before


def test_so_are_the_folders_of_photos_and_images(shown: Shown) -> None:
    before = tree(shown.root)
    for out in ("photos", "photos/gallery", "made", "made/train/gallery"):
        with pytest.raises(OutputError):
            api.gallery(shown.root / "made", out=shown.root / out)
        assert tree(shown.root) == before, out


def test_the_command_says_what_to_open_or_opens_it(library: tuple[Path, list[Row]], genie: Genie) -> None:
    root, _ = library
    address = (root / "gallery/index.html").as_uri()
    result = genie("gallery", "made")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"open gallery/index.html in a browser: {address}" in result.stderr
    (root / "browser").write_text(f'#!/bin/sh\necho "$1" > {root}/opened\n')
    (root / "browser").chmod(0o755)
    command = [sys.executable, "-m", "genie_cli", "gallery", "made", "--open"]
    environment = {"BROWSER": f"{root}/browser %s", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run(command, check=True, cwd=root, capture_output=True, env=environment)
    assert (root / "opened").read_text().strip() == address


def test_commands_are_those_of_explain(genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a real run: with sources, and a batch size that rows state."""
    monkeypatch.setattr("genie_cli.cli.explain.wants_lines", lambda as_json: as_json)
    words = ("--src-dir", photos, "--targets", "two", "--per-target", 2, "--out", "-made")
    assert genie("generate", *words).exit_code == 0
    assert genie("gallery", "./-made").exit_code == 0
    details = values(Path("gallery/data/lines-0000.js"))
    assert len(details) == 2
    for known in details:
        image = Path("-made", json.loads(known["line"])["file"]).absolute()
        assert known["command"] == genie("explain", image).stdout.splitlines()[-1]
        assert "--slots=4" in known["command"]


def test_it_loads_no_torch() -> None:
    code = "import sys; import genie_cli.gallery.gallery; print([m for m in ('torch', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
