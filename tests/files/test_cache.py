"""The folder for what can be computed again: where it should be, or else somewhere, and that is said."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from genie_cli.files import cache as module
from genie_cli.files.cache import cache
from genie_cli.observer import Observer


class Heard(Observer):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Heard:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    module._temporary.cache_clear()
    return Heard()


def test_the_variable_decides(heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache(heard) == tmp_path / "genie"
    assert not heard.warnings


def test_else_the_home_folder(heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache(heard) == tmp_path / ".cache/genie"
    assert not heard.warnings


@pytest.mark.parametrize("home", ["file", "file/below", "loop"])
def test_else_a_temporary_one(heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("HOME", str(tmp_path / home))
    folder = cache(heard)
    assert folder == cache(heard) == tmp_path / f"tmp/genie-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all("set XDG_CACHE_HOME" in warning and str(folder) in warning for warning in heard.warnings)


def test_a_user_without_a_name(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert cache(heard).is_dir()
    assert "there is no home folder" in heard.warnings[0]


def test_a_folder_that_others_may_write_to_is_not_trusted(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    theirs = tmp_path / f"tmp/genie-{os.getuid()}"
    theirs.mkdir()
    theirs.chmod(0o777)
    assert cache(heard) != theirs
