"""Links, pipes and devices that wait in an output folder: nothing is written or read through them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genie_cli.errors import OutputError
from genie_cli.generate.folder import Output
from tests.generate.outputs import HEADER, PLAN, killed, rows, run

MINE = b"a file of mine, which others may not change\n"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    path.write_bytes(MINE)
    return path


@pytest.mark.parametrize(
    ("name", "part"),
    [(name, "") for name in ("run.owner", "start.owner", "manifest.owner", "aside")]
    + [(name, "-1-of-2") for name in ("run-1-of-2.owner", "aside-1-of-2")],
)
def test_a_link_in_place_of_a_file_of_genies_is_replaced(tmp_path: Path, mine: Path, name: str, part: str) -> None:
    private = tmp_path / "out/.genie"
    private.mkdir(parents=True)
    waiting = private / name
    waiting.symlink_to(mine)
    assert len(run(Output(tmp_path / "out", HEADER, part), PLAN)) == len(PLAN)
    assert mine.read_bytes() == MINE
    assert not waiting.is_symlink()


@pytest.mark.parametrize("name", [".genie/journal.jsonl", ".genie/run.lock", ".genie", "train"])
def test_what_cannot_be_replaced_is_refused(tmp_path: Path, mine: Path, name: str) -> None:
    waiting = tmp_path / "out" / name
    waiting.parent.mkdir(parents=True)
    waiting.symlink_to(mine)
    with pytest.raises(OutputError, match=r"cannot write to|not a folder"):
        run(Output(tmp_path / "out", HEADER), PLAN)
    assert mine.read_bytes() == MINE
    assert waiting.is_symlink()


def test_a_folder_that_is_linked_in_place_of_genies_own(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.genie").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link, not a folder of genie's"):
        run(Output(tmp_path / "out", HEADER), PLAN)
    assert os.listdir(tmp_path / "elsewhere") == []


def test_images_may_lie_on_another_disk(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/train").symlink_to(tmp_path / "large")
    run(Output(tmp_path / "out", HEADER), PLAN)
    assert list((tmp_path / "large").rglob("*.png"))


@pytest.mark.parametrize("name", [".genie/journal.jsonl", ".genie/journal-1-of-2.jsonl", "manifest.jsonl"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    killed(Output(tmp_path, HEADER), PLAN)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(OutputError, match="it is a named pipe, not a regular file"):
        run(Output(tmp_path, HEADER), PLAN)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path)])
def test_what_is_in_the_way_of_an_image_fails_its_job_alone(tmp_path: Path, make: object) -> None:
    (row,) = [row for row in run(Output(tmp_path / "first", HEADER), PLAN[:1]) if row.file]
    way = tmp_path / "out" / row.file
    way.parent.mkdir(parents=True)
    make(way)  # type: ignore[operator]
    found = run(Output(tmp_path / "out", HEADER), PLAN)
    assert len(found) == len(PLAN)
    (failed,) = [each for each in found if each.job == row.job]
    assert failed.reason == f"another file is in the way: {row.file}"
    assert os.path.lexists(way)
    assert len(rows(Output(tmp_path / "out", HEADER))) == len(PLAN)
