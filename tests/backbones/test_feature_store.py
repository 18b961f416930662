"""Whatever becomes of the cache's file, features are those computed without it, and what was wrong is said."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from genie_cli.backbones import feature_store
from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.errors import OutputError
from genie_cli.observer import Observer
from tests.damage import flipped

COUNT = 40
IMAGES = {
    f"{number:064x}:weak:{number}": torch.randint(
        0, 256, (3, 2, 2), generator=torch.Generator().manual_seed(number)
    ).byte()
    for number in range(COUNT)
}
FILE = "tiny@0.sqlite"


class Told(Observer):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def warning(self, message: str) -> None:
        self.words.append(message)


def network(name: str = "tiny@0", length: int = 3) -> Backbone:
    torch.manual_seed(length)
    return Backbone(name, nn.Sequential(nn.Flatten(), nn.Linear(12, length)), Preprocess(2, 2))


def views(read: list[str] | None = None) -> dict[str, Callable[[], torch.Tensor]]:
    def view(key: str) -> torch.Tensor:
        if read is not None:
            read.append(key)
        return IMAGES[key]

    return {key: partial(view, key) for key in IMAGES}


EXPECTED = Features(network(), None).of(views())


def same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[key], other[key]) for key in one)


def told_by(folder: Path, read: list[str] | None = None) -> list[str]:
    """What is said while the features are computed, which must be the right ones."""
    told = Told()
    assert same(Features(network(), folder, told).of(views(read)), EXPECTED)
    return told.words


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file with all features in it."""
    folder = tmp_path_factory.mktemp("whole")
    assert told_by(folder) == []
    assert [path.name for path in folder.iterdir()] == [FILE]
    return (folder / FILE).read_bytes()


def edited(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute(statement, values)


class TestDamage:
    def test_a_flipped_byte_anywhere_changes_no_feature(self, tmp_path: Path, whole: bytes) -> None:
        for place in (*range(0, 120, 7), *range(120, len(whole), 101)):
            (tmp_path / FILE).write_bytes(flipped(whole, place))
            told_by(tmp_path)
            assert told_by(tmp_path) == [], "the cache was repaired"

    def test_nor_does_a_cut_anywhere(self, tmp_path: Path, whole: bytes) -> None:
        for end in (*range(0, 120, 7), *range(120, len(whole), 997)):
            (tmp_path / FILE).write_bytes(whole[:end])
            told_by(tmp_path)
            assert told_by(tmp_path) == []

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE features_2 SET value = x'00'",
            "UPDATE features_2 SET value = value || value",
            "UPDATE features_2 SET value = x'007e007e007e'",  # NaN
            "UPDATE features_2 SET value = x'000000000000'",
            "UPDATE features_2 SET value = (SELECT value FROM features_2 ORDER BY key DESC LIMIT 1)",
            "UPDATE features_2 SET checksum = x''",
            "UPDATE features_2 SET value = 'text'",
        ],
    )
    def test_rows_that_do_not_fit_are_said_once_and_replaced(self, tmp_path: Path, whole: bytes, change: str) -> None:
        (tmp_path / FILE).write_bytes(whole)
        first, second = list(IMAGES)[:2]
        edited(tmp_path, f"{change} WHERE key IN (?, ?)", first, second)
        read: list[str] = []
        (said,) = told_by(tmp_path, read)
        assert said == f"{tmp_path / FILE} is damaged: 2 rows that do not fit their checksums are computed again"
        assert sorted(read) == [first, second]
        assert told_by(tmp_path) == []

    def test_another_networks_file_under_this_name_is_not_used(self, tmp_path: Path) -> None:
        other = network("other@1")
        with torch.no_grad():
            last = other.network.get_submodule("1")
            assert isinstance(last, nn.Linear)
            last.bias.add_(1)
        Features(other, tmp_path).of(views())
        (tmp_path / "other@1.sqlite").rename(tmp_path / FILE)
        (said,) = told_by(tmp_path)
        assert "40 rows that do not fit" in said

    def test_features_of_another_length_are_not_used(self, tmp_path: Path) -> None:
        Features(network(length=4), tmp_path).of(views())
        (said,) = told_by(tmp_path)
        assert "40 rows that do not fit" in said

    @pytest.mark.parametrize("content", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_file_of_another_kind_is_begun_anew(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / FILE).write_bytes(content)
        (tmp_path / f"{FILE}-journal").write_bytes(content)
        assert told_by(tmp_path) == [
            f"{tmp_path / FILE} was damaged: it was deleted, and its features are computed again"
        ]
        assert [path.name for path in tmp_path.iterdir()] == [FILE]
        read: list[str] = []
        assert told_by(tmp_path, read) == []
        assert read == []

    def test_the_rows_of_an_earlier_format_are_not_read(self, tmp_path: Path) -> None:
        edited(tmp_path, "CREATE TABLE features (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
        for key in IMAGES:
            edited(tmp_path, "INSERT INTO features VALUES (?, ?)", key, b"\0" * 6)
        assert told_by(tmp_path) == []

    def test_it_may_be_deleted_while_it_is_used(self, tmp_path: Path) -> None:
        features = Features(network(), tmp_path)
        first = features.of(dict(list(views().items())[:20]))
        (tmp_path / FILE).unlink()
        assert same(first | features.of(dict(list(views().items())[20:])), EXPECTED)
        assert told_by(tmp_path) == []


@contextmanager
def no_room() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


class TestUnwritable:
    """A cache that cannot be used ends no run; it is said once, with the cause."""

    def said(self, folder: Path, cause: str) -> None:
        told = Told()
        features = Features(network(), folder, told)
        for _ in range(2):
            assert same(features.of(views()), EXPECTED)
        read: list[str] = []
        assert same(features.of(views(read)), EXPECTED)
        assert read == []  # they are in memory
        (said,) = told.words
        assert f"{FILE}: {cause}; they are kept in memory" in said
        assert "XDG_CACHE_HOME" in said

    def test_by_a_lock(self, tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feature_store, "_TIMEOUT", 0.01)
        (tmp_path / FILE).write_bytes(whole)
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.said(tmp_path, "another process has been writing to it for 0 seconds")
        assert (tmp_path / FILE).read_bytes() == whole

    def test_for_lack_of_room(self, tmp_path: Path) -> None:
        with no_room():
            self.said(tmp_path, "SQLite says: disk I/O error")  # on a full disk SQLite says that it is full

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_in_a_folder_that_is_read_only(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o555)
        self.said(tmp_path, "Permission denied")
        self.said(tmp_path / "deeper", "Permission denied")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_what_is_in_a_read_only_file_is_used(self, tmp_path: Path, whole: bytes) -> None:
        (tmp_path / FILE).write_bytes(whole)
        (tmp_path / FILE).chmod(0o444)
        tmp_path.chmod(0o555)
        read: list[str] = []
        assert told_by(tmp_path, read) == []
        assert read == []


class TestInTheWay:
    @pytest.mark.parametrize("end", ["", "-journal", "-wal"])
    @pytest.mark.parametrize("kind", ["a folder", "a named pipe", "a device"])
    def test_what_is_no_file_is_named_and_stays(self, tmp_path: Path, whole: bytes, end: str, kind: str) -> None:
        (tmp_path / FILE).write_bytes(whole)
        place = tmp_path / f"{FILE}{end}"
        place.unlink(missing_ok=True)
        make = {"a folder": place.mkdir, "a named pipe": lambda: os.mkfifo(place)}
        make.get(kind, lambda: place.symlink_to("/dev/zero"))()
        with pytest.raises(OutputError, match=f"features cannot be cached in .*{end}: it is {kind}") as caught:
            Features(network(), tmp_path).of(views())
        assert "move it away" in caught.value.hint
        assert os.path.lexists(place)

    @pytest.mark.parametrize("below", ["file", "file/deeper"])
    def test_a_file_in_the_place_of_its_folder(self, tmp_path: Path, below: str) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OutputError, match=r"features cannot be cached in .*file"):
            Features(network(), tmp_path / below).of(views())
        assert (tmp_path / "file").read_text() == "mine"
