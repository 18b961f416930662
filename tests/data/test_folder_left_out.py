"""What lies around in folders of photos and is left out of a scan, with its reason."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from genie_cli.data import folder
from genie_cli.data.folder import Listing, scan
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

    def guarded(path: Any, *args: Any) -> Any:
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", path)
        return builtins.open(path, *args)

    monkeypatch.setattr(folder, "open", guarded, raising=False)  # chmod would not stop an administrator
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
    assert (message, hint) == (f"{tmp_path / 'dog'} {reason}", "check that you may read it")
