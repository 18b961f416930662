"""The folder that is unpacked to: resumed after a kill at any moment, and nothing of a person's replaced."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import numpy as np
import pytest

from genie_cli import api
from genie_cli.errors import OutputError, UsageError
from tests.conftest import Genie, tree
from tests.generate.test_resume import operations_of, run_killed_at
from tests.unpack import packs
from tests.unpack.packs import OF


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    np.savez(tmp_path / "all.npz", images=packs.pixels(), labels=OF)
    return tmp_path / "all.npz"


def test_kill_at_any_moment_and_rerun_equals_never_killed(packed: Path, genie: Genie, tmp_path: Path) -> None:
    never = run_killed_at(0, tmp_path, "never", "unpack", str(packed))
    assert never.returncode == 0, never.stderr
    operations = operations_of(never)
    for moment in random.Random(5).sample(range(1, operations + 1), 3):
        out = tmp_path / f"out-{moment}"
        killed = run_killed_at(moment, tmp_path, out.name, "unpack", str(packed))
        # Two threads that make the same folder at once try it twice: then there are operations more.
        was_over = killed.returncode == 0 and operations_of(killed) < moment
        assert killed.returncode == -signal.SIGKILL or was_over, killed.stderr
        result = genie("unpack", packed, "--out", out.name)
        assert result.exit_code == 0, (moment, result.output)
        assert tree(out) == tree(tmp_path / "never"), f"killed at operation {moment} of {operations}"


def test_again_changes_nothing_and_notices_what_was_changed(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    api.unpack(packed, out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("[!.]*/*")}
    api.unpack(packed, out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("[!.]*/*")} == before
    next(iter(before)).unlink()
    api.unpack(packed, out)
    assert set(out.glob("[!.]*/*")) == set(before)
    [first, *_] = before
    first.write_bytes(b"mine")
    with pytest.raises(OutputError, match="is another file than genie unpack would put there"):
        api.unpack(packed, out)
    assert first.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["notes.txt", "0/00000000.png", ".genie/export.json"])
def test_a_folder_with_anything_else_is_refused(name: str, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).write_text("mine")
    before = tree(tmp_path / "out")
    with pytest.raises(OutputError, match="that genie unpack did not put there"):
        api.unpack(packed, tmp_path / "out")
    assert tree(tmp_path / "out") == before


def test_other_files_need_another_folder(packed: Path, tmp_path: Path) -> None:
    api.unpack(packed, tmp_path / "out")
    before = tree(tmp_path / "out")
    np.savez(tmp_path / "other.npz", images=packs.pixels(1), labels=[0])
    with pytest.raises(OutputError, match="holds what was unpacked from other files"):
        api.unpack(tmp_path / "other.npz", tmp_path / "out")
    assert tree(tmp_path / "out") == before


def test_a_class_folder_that_is_a_link_is_not_followed(packed: Path, tmp_path: Path) -> None:
    api.unpack(packed, tmp_path / "out")
    folder = tmp_path / "out/0"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/00000000.png").unlink()
    with pytest.raises(OutputError, match="is a link"):
        api.unpack(packed, tmp_path / "out")
    assert not (tmp_path / "elsewhere/00000000.png").exists()


def test_all_files_are_looked_at_before_anything_is_written(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no images")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        api.unpack([packed, tmp_path / "notes.txt"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
