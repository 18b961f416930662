"""What lies around in folders of photos and is left out of a scan, with its reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from genie_cli.data import folder
from genie_cli.data.folder import Listing, scan
from genie_cli.files.reading import MAX_BYTES, open_binary
from tests.data.folders import NOT_AN_IMAGE, failure, found, needs_links, put, source

LOOP = "is a link that leads back to itself"


def test_files_of_other_kinds_are_ignored_with_a_reason(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    others = ("cat/a.png.bak", "cat/notes.txt", "cat/png", "labels.csv")
    for path in reversed(others):
        put(tmp_path, path)
    listing = scan(tmp_path)
    assert found(listing) == [("cat/a.png", "cat")]
    assert listing.ignored == tuple((path, NOT_AN_IMAGE) for path in others)


def test_hidden_files_and_folders_are_not_mentioned(tmp_path: Path) -> None:
    for path in ("cat/a.png", "cat/._a.png", ".DS_Store", ".git/b.png", "cat/.thumbnails/c.png"):
        put(tmp_path, path)
    assert scan(tmp_path) == Listing((source("cat/a.png", "cat"),), ())


def test_an_image_beside_class_folders_is_ignored(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    put(tmp_path, "stray.png")
    assert scan(tmp_path) == Listing((source("cat/a.png", "cat"),), (("stray.png", "lies beside the class folders"),))


@needs_links
def test_links_are_followed(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.png", b"there")
    put(tmp_path / "root", "cat/b.png")
    (tmp_path / "root/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/cat/c.png").symlink_to(tmp_path / "elsewhere/a.png")
    assert scan(tmp_path / "root").sources == (
        source("cat/b.png", "cat"),
        source("cat/c.png", "cat", b"there"),
        source("dog/a.png", "dog", b"there"),
    )


@needs_links
def test_links_that_loop_are_ignored(tmp_path: Path) -> None:
    put(tmp_path, "cat/deep/a.png")
    (tmp_path / "cat/deep/up").symlink_to(tmp_path / "cat")
    (tmp_path / "cat/root").symlink_to(tmp_path)
    (tmp_path / "cat/self.png").symlink_to("self.png")
    listing = scan(tmp_path)
    assert listing.sources == (source("cat/deep/a.png", "cat"),)
    assert listing.ignored == (("cat/deep/up", LOOP), ("cat/root", LOOP), ("cat/self.png", LOOP))


@needs_links
def test_a_folder_linked_twice_is_no_loop(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    (tmp_path / "dog").symlink_to("cat")
    assert found(scan(tmp_path)) == [("cat/a.png", "cat"), ("dog/a.png", "dog")]
    assert scan(tmp_path).ignored == ()


@needs_links
def test_a_broken_link_is_ignored(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    (tmp_path / "cat/b.png").symlink_to(tmp_path / "nowhere.png")
    assert scan(tmp_path).ignored == (("cat/b.png", "is a broken link, or has gone"),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    os.mkfifo(tmp_path / "cat/b.png")
    listing = scan(tmp_path)
    assert found(listing) == [("cat/a.png", "cat")]
    assert listing.ignored == (("cat/b.png", "is not a regular file"),)


def test_names_that_are_not_utf8_are_ignored_and_printable(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    try:
        for name in (b"cat/\xe9.png", b"\xe9t\xe9"):
            os.mkdir(os.path.join(os.fsencode(tmp_path), name))
    except OSError:
        pytest.skip("this file system has no such names")
    listing = scan(tmp_path)
    assert found(listing) == [("cat/a.png", "cat")]
    reason = "has a name that is not valid UTF-8"
    assert listing.ignored == (("\\xe9t\\xe9", reason), ("cat/\\xe9.png", reason))
    assert str(listing.ignored).encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_like_a_drive_is_ignored(tmp_path: Path) -> None:
    put(tmp_path, "cat/c:a.png")
    put(tmp_path, "c:cat/b.png")
    listing = scan(tmp_path)
    assert found(listing) == [("cat/c:a.png", "cat")]
    assert listing.ignored == (("c:cat", "has a path that Windows would take for a drive"),)


def test_an_unreadable_file_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "cat/a.png")
    put(tmp_path, "cat/secret.png")

    def guarded(path: str) -> BinaryIO:
        if "secret" in path:
            raise PermissionError(13, "Permission denied", path)
        return open_binary(path)

    monkeypatch.setattr(folder, "open_binary", guarded)  # chmod would not stop an administrator
    listing = scan(tmp_path)
    assert found(listing) == [("cat/a.png", "cat")]
    assert listing.ignored == (("cat/secret.png", "cannot be read: Permission denied"),)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_permissions_of_the_file_system(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png")
    put(tmp_path, "cat/secret.png").chmod(0)
    put(tmp_path, "dog/b.png").parent.chmod(0)
    try:
        listing = scan(tmp_path)
        message, hint = failure(tmp_path / "dog")
    finally:
        (tmp_path / "dog").chmod(0o755)
    assert found(listing) == [("cat/a.png", "cat")]
    reason = "cannot be read: Permission denied"
    assert listing.ignored == (("cat/secret.png", reason), ("dog", reason))
    assert (message, hint) == (f"{tmp_path / 'dog'} {reason}", "check that you may read and search it")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_searched(tmp_path: Path) -> None:
    put(tmp_path, "photos/cat/a.png")
    (tmp_path / "photos").chmod(0o444)
    try:
        message, hint = failure(tmp_path / "photos")
    finally:
        (tmp_path / "photos").chmod(0o755)
    assert (message, hint) == (
        f"{tmp_path / 'photos'} cannot be read: Permission denied",
        "check that you may read and search it",
    )


@needs_links
def test_a_file_exchanged_since_it_was_listed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "cat/a.png")
    put(tmp_path, "cat/b.png")
    put(tmp_path, "cat/c.png")
    images, _ = folder.find(tmp_path)
    for name in ("b", "c"):
        (tmp_path / f"cat/{name}.png").unlink()
    os.mkfifo(tmp_path / "cat/b.png")
    (tmp_path / "cat/c.png").symlink_to("/dev/zero")
    sources, unusable = folder.hashed(tmp_path, sorted(images))
    assert [one.path for one in sources] == ["cat/a.png"]
    assert unusable == [
        ("cat/b.png", "cannot be read: it is a named pipe, not a regular file"),
        ("cat/c.png", "cannot be read: it is a device, not a regular file"),
    ]


def test_a_file_larger_than_any_picture_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_BYTES", 1000)
    assert MAX_BYTES == 1 << 30
    put(tmp_path, "cat/a.png", bytes(1000))
    put(tmp_path, "cat/b.png", bytes(1001))
    assert scan(tmp_path).ignored == (("cat/b.png", "has more than 1,073,741,824 bytes"),)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\x9bb", "a\u202eb", "a\u2028b", "a\tb", "a\x7fb"])
def test_names_that_do_not_print_are_spelled_out_where_they_are_shown(name: str, tmp_path: Path) -> None:
    put(tmp_path, f"{name}/a.png")
    put(tmp_path, f"{name}/{name}.txt")
    listing = scan(tmp_path)
    assert found(listing) == [(f"{name}/a.png", name)]  # a class is called as its folder is
    [(path, reason)] = listing.ignored
    assert path.isprintable()
    assert reason == NOT_AN_IMAGE


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "\udcff\ud800"])
def test_names_that_no_folder_has(name: str, tmp_path: Path) -> None:
    message, _ = failure(tmp_path / name)
    assert any(cause in message for cause in ("no file can have this name", "File name too long", "does not exist"))


@needs_links
def test_a_folder_that_leads_back_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert failure(tmp_path / "loop")[0] == f"{tmp_path / 'loop'} is a link that leads back to itself"


@needs_links
def test_folders_that_all_lead_to_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_MOST_VISITS", 20)
    names = "abcdefghijkl"
    for name in names:
        put(tmp_path, f"{name}/{name}.png")
        for other in names.replace(name, ""):
            (tmp_path / name / other).symlink_to(tmp_path / other)
    listing = scan(tmp_path)
    assert {f"{name}/{name}.png" for name in names} <= {one.path for one in listing.sources}
    assert len(listing.sources) <= 20 * len(names)
    assert {reason for _, reason in listing.ignored} == {LOOP, "is a folder that too many links lead to"}
    assert scan(tmp_path) == listing
