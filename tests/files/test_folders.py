"""Whether a folder can be written to is known before anything is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genie_cli.errors import OutputError
from genie_cli.files.folders import entries, make_own_folder, remove_folder, require_usable_folder


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_folder_can_have(tmp_path: Path, name: str) -> None:
    for require in (require_usable_folder, make_own_folder):
        with pytest.raises(OutputError, match=r"File name too long|no file can have this name"):
            require(tmp_path / name)


def test_entries_fit_a_pattern_and_are_sorted_and_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    for name in ("run-2.lock", "run-10.lock", "Run-1.lock", "run-1.lock.old", ".run-1.lock"):
        (tmp_path / name).write_bytes(b"")
    assert entries(tmp_path, "run*.lock") == [tmp_path / "run-10.lock", tmp_path / "run-2.lock"]
    assert entries(tmp_path / "none", "*") == entries(tmp_path / "run-2.lock", "*") == []


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for folder in (tmp_path / "loop", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match=r"cannot be read: (Too many levels|File name too long)"):
            entries(folder, "*")


def test_a_folder_is_made_below_the_nearest_that_exists(tmp_path: Path) -> None:
    require_usable_folder(tmp_path / "a/b")
    assert os.listdir(tmp_path) == []
    (tmp_path / "a").symlink_to("nowhere")
    with pytest.raises(OutputError, match="a is a broken link"):
        require_usable_folder(tmp_path / "a/b")
    (tmp_path / "a").unlink()
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OutputError, match="a is a file"):
        require_usable_folder(tmp_path / "a/b")


def test_a_link_is_no_folder_of_genies_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_bytes(b"")
    (tmp_path / "link").symlink_to("mine")
    with pytest.raises(OutputError, match="link is a link, not a folder of genie's"):
        make_own_folder(tmp_path / "link")
    remove_folder(tmp_path / "link")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine"]
