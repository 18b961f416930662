"""The folder of an export: resumed after a kill at any moment, and nothing of a person's replaced."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.errors import OutputError
from tests.conftest import Genie, tree
from tests.export import runs
from tests.export.conftest import FORMS
from tests.generate.test_resume import run_killed_at

MOMENTS = 4


@pytest.mark.parametrize("form", FORMS)
def test_kill_at_any_moment_and_rerun_equals_never_killed(form: str, sets: Path, genie: Genie, tmp_path: Path) -> None:
    words = ["export", str(sets / "made"), "--with", str(sets / "photos"), "--format", form]
    never = run_killed_at(0, tmp_path, "never", *words)
    assert never.returncode == 0, never.stderr
    assert tree(tmp_path / "never") == tree(sets / form)
    operations = int(never.stderr.split("operations ")[1])
    for moment in random.Random(form).sample(range(1, operations + 1), MOMENTS):
        out = tmp_path / f"out-{moment}"
        killed = run_killed_at(moment, tmp_path, out.name, *words)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        result = genie(*words, "--out", out.name)
        assert result.exit_code == 0, (moment, result.output)
        assert tree(out) == tree(sets / form), f"killed at operation {moment} of {operations}"


@pytest.mark.parametrize("form", FORMS)
def test_a_finished_export_is_checked_and_left(form: str, sets: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sets / form, tmp_path / "set"))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if ".genie" not in path.parts}
    exported = api.export(sets / "made", out, format=form, with_=sets / "photos")
    assert exported.kept == ()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    [damaged, *_] = sorted(path for path in out.rglob("*.*") if path.suffix in (".jpg", ".tar", ".parquet"))
    data = damaged.read_bytes()
    damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(OutputError) as caught:
        api.export(sets / "made", out, format=form, with_=sets / "photos")
    assert damaged.name in str(caught.value)


def test_where_there_are_no_hard_links_files_are_copied(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: Any, *rest: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", link)
        api.export(sets / "made", tmp_path / "set", with_=sets / "photos")
    assert tree(tmp_path / "set") == tree(sets / "imagefolder")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "set").rglob("*.jpg"))


def test_an_image_that_is_a_link_becomes_a_file(sets: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(sets / "made", tmp_path / "made"))
    for path in made.rglob("*.jpg"):
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    api.export(made, tmp_path / "set", with_=sets / "photos")
    assert not any(path.is_symlink() for path in (tmp_path / "set").rglob("*"))
    assert tree(tmp_path / "set") == tree(sets / "imagefolder")


@pytest.mark.parametrize("name", ["notes.txt", "README.md", "train/fox/mine.jpg", ".genie/journal.jsonl", ".hidden"])
def test_a_folder_with_anything_else_is_refused(name: str, sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    before = tree(out)
    with pytest.raises(OutputError) as caught:
        api.export(sets / "made", out)
    assert "that genie export did not put there" in str(caught.value)
    assert "new folder" in caught.value.hint
    assert tree(out) == before


def test_folders_that_are_something_else_are_refused(sets: Path, tmp_path: Path) -> None:
    library = Path(shutil.copytree(sets, tmp_path / "library"))
    before = tree(library)
    for out in ("photos", "made", "photos/set", "made/train/set", "made/manifest.jsonl", "imagefolder"):
        with pytest.raises(OutputError):
            api.export(library / "made", library / out, with_=library / "photos", format="parquet")
        assert tree(library) == before, out


def test_other_images_are_refused_and_named(sets: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sets / "parquet", tmp_path / "set"))
    before = tree(out)
    with pytest.raises(OutputError, match="holds another export: other images"):
        api.export(sets / "made", out, format="parquet")
    with pytest.raises(OutputError, match='form "parquet" -> "imagefolder"'):
        api.export(sets / "made", out, with_=sets / "photos")
    (out / ".genie/export.json").write_text("{")
    with pytest.raises(OutputError, match="damaged"):
        api.export(sets / "made", out, format="parquet", with_=sets / "photos")
    (out / ".genie/export.json").write_bytes((sets / "parquet/.genie/export.json").read_bytes())
    assert tree(out) == before


def test_what_a_person_changed_or_added_is_kept(sets: Path, tmp_path: Path, genie: Genie) -> None:
    out = Path(shutil.copytree(sets / "imagefolder", tmp_path / "set"))
    card = (out / "README.md").read_text().replace("license: unknown", "license: cc-by-4.0")
    (out / "README.md").write_text(card)
    (out / "LICENSE").write_text("mine")
    result = genie("export", sets / "made", "--with", sets / "photos", "--out", out)
    assert result.exit_code == 0
    assert "README.md was edited, and is left as it is" in " ".join(result.stderr.split())
    assert (out / "README.md").read_text() == card
    assert (out / "LICENSE").read_text() == "mine"


def test_an_unedited_card_follows_the_licence(sets: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sets / "imagefolder", tmp_path / "set"))
    exported = api.export(sets / "made", out, with_=sets / "photos", license="mit")
    assert "license: mit\n" in (out / "README.md").read_text()
    assert exported.kept == ("croissant.json",)


def test_a_file_of_a_person_where_an_image_goes_is_kept(sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    api.export(sets / "made", out)
    image = next((out / "train/a%2Fb").iterdir())
    image.unlink()
    runs.photo(image, 5)
    before = tree(out)
    with pytest.raises(OutputError) as caught:
        api.export(sets / "made", out)
    assert image.name in str(caught.value)
    assert "move it away" in caught.value.hint
    assert tree(out) == before


def test_a_link_where_a_folder_goes_is_not_followed(sets: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    api.export(sets / "made", out)
    shutil.move(out / "train/a%2Fb", elsewhere)
    (out / "train/a%2Fb").symlink_to(elsewhere)
    next(elsewhere.iterdir()).unlink()
    before = tree(elsewhere)
    with pytest.raises(OutputError, match="is a link"):
        api.export(sets / "made", out)
    assert tree(elsewhere) == before


def test_two_at_once_are_refused(sets: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    out = Path(shutil.copytree(sets / "imagefolder", tmp_path / "set"))
    (out / ".genie/export.owner").write_text("process 7 on elsewhere")
    with FileLock(out / ".genie/export.lock"), pytest.raises(OutputError, match="in use by process 7 on elsewhere"):
        api.export(sets / "made", out, with_=sets / "photos")


def test_a_full_disk_stops_it_and_a_rerun_completes_it(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError) as caught:
            api.export(sets / "made", out, format="parquet", with_=sets / "photos")
    assert "space" in caught.value.hint
    api.export(sets / "made", out, format="parquet", with_=sets / "photos")
    assert tree(out) == tree(sets / "parquet")
