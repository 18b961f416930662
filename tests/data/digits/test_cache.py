"""What is in the cache is what was painted: anything else is said, and painted again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genie_cli.data.digits.cache import _LIST, _aside, cached
from genie_cli.errors import OutputError
from genie_cli.observer import Observer
from tests.conftest import tree

PICTURES = {
    f"{split}/{label}/{number}.png": f"{split}{label}{number}"
    for split in "ab"
    for label in "cd"
    for number in range(2)
}


class Told(Observer):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def warning(self, message: str) -> None:
        self.words.append(message)


def paint(root: Path) -> None:
    for path, content in PICTURES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def fail(root: Path) -> None:
    raise AssertionError("it is painted again")


@pytest.fixture
def done(tmp_path: Path) -> Path:
    return cached(tmp_path / "cache", "some", paint)


def test_what_is_there_is_not_painted_again(done: Path) -> None:
    before, told = tree(done), Told()
    assert [path.name for path in done.parent.iterdir()] == [done.name]
    assert {path for path, content in before.items() if content != "folder"} == {*PICTURES, _LIST}
    assert cached(done.parent, "some", fail, told) == done
    assert (tree(done), told.words) == (before, [])
    assert cached(done.parent, "other", paint) != done


def flip(path: Path, place: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> Path:
    """The place of a file that is no longer there."""
    path.unlink()
    return path


def without_pictures(root: Path) -> None:
    for split in "ab":
        shutil.rmtree(root / split)


PICTURE = "b/c/1.png"
DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit": lambda root: flip(root / PICTURE),
    "a cut": lambda root: (root / PICTURE).write_bytes(b""),
    "a missing picture": lambda root: (root / PICTURE).unlink(),
    "a picture of another class": lambda root: shutil.copy(root / "b/d/1.png", root / PICTURE),
    "a foreign picture": lambda root: (root / "b/c/2.png").write_text("foreign"),
    "a foreign class": lambda root: shutil.copytree(root / "b/c", root / "b/e"),
    "a link": lambda root: emptied(root / PICTURE).symlink_to("/dev/zero"),
    "a named pipe": lambda root: os.mkfifo(emptied(root / PICTURE)),
    "a folder": lambda root: emptied(root / PICTURE).mkdir(),
    "a list that is cut": lambda root: (root / _LIST).write_bytes((root / _LIST).read_bytes()[:100]),
    "another list": lambda root: (root / _LIST).write_text("[]"),
    "an empty list": lambda root: (root / _LIST).write_text('{"kind": "genie.digits", "files": {}}'),
    "nothing but a list": without_pictures,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_does_not_fit_is_painted_again_and_said(done: Path, damage: Callable[[Path], object]) -> None:
    before, told = tree(done), Told()
    damage(done)
    assert cached(done.parent, "some", paint, told) == done
    assert tree(done) == before
    (said,) = told.words
    assert said.startswith(f"{done} is not as it was painted, and is painted again: ")
    assert [path.name for path in done.parent.iterdir()] == [done.name]


def test_no_flipped_byte_of_the_list_is_overlooked(done: Path) -> None:
    before, whole = tree(done), (done / _LIST).read_bytes()
    for place in range(0, len(whole), 5):
        flip(done / _LIST, place)
        told = Told()
        cached(done.parent, "some", paint, told)
        assert tree(done) == before or not told.words  # white space says nothing
        (done / _LIST).write_bytes(whole)


@pytest.mark.parametrize("kind", ["a folder", "a file", "a link", "a broken link"])
def test_what_genie_did_not_paint_stays(done: Path, kind: str) -> None:
    other = done.with_name(done.name.replace("some", "mine"))
    if kind == "a folder":
        paint(other)
    elif kind == "a file":
        other.write_text("mine")
    else:
        other.symlink_to(done if kind == "a link" else "nowhere")
    before = tree(done.parent)
    with pytest.raises(OutputError, match="was not painted by genie") as refused:
        cached(done.parent, "mine", paint)
    assert str(other) in str(refused.value)
    assert tree(done.parent) == before


@pytest.mark.parametrize("name", ["other", "longtail-pool-12"])
def test_what_a_killed_painter_left_is_cleared(done: Path, name: str) -> None:
    script = (
        "import os, sys; from pathlib import Path; from genie_cli.data.digits.cache import cached\n"
        "cached(Path(sys.argv[1]), sys.argv[2], lambda root: ((root / 'half').write_text(''), os.kill(os.getpid(), 9)))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(done.parent), name], check=False).returncode == -9
    assert len(list(done.parent.iterdir())) == 2
    cached(done.parent, "some", fail)
    assert [path.name for path in done.parent.iterdir()] == [done.name]


def test_what_is_being_painted_is_not_cleared_nor_what_is_not_genies(done: Path) -> None:
    token = "0123456789abcdef"
    mine = done.parent / ".digits-mine"
    mine.mkdir()
    (done.parent / f".digits-v2-link-{token}").symlink_to(mine)
    (done.parent / f".digits-v2-file-{token}").write_text("mine")
    with _aside(done.parent, "digits-v2-other") as busy:
        before = tree(done.parent)
        cached(done.parent, "some", fail)
        assert busy.is_dir()
        assert tree(done.parent) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written_is_named(done: Path) -> None:
    done.parent.chmod(0o555)
    assert cached(done.parent, "some", fail) == done
    with pytest.raises(PermissionError):
        cached(done.parent, "other", paint)
