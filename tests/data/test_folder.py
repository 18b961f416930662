"""Folders as people have them: class folders, flat ones, and everything that lies around in them."""

from __future__ import annotations

import builtins
import hashlib
import os
import tempfile
import unicodedata
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genie_cli.data import folder
from genie_cli.data.folder import Listing, scan
from genie_cli.errors import FolderError
from genie_cli.jobs import Source

NOT_AN_IMAGE = "is not an image by its name"
LOOP = "is a link that leads back to itself"
needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege on Windows")


def put(root: Path, path: str, content: bytes | str = "") -> Path:
    """Write a file, by default with its own path as content, and the folders it needs."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else (content or path).encode())
    return file


def picture(root: Path, path: str) -> Path:
    file = put(root, path)
    Image.new("RGB", (4, 4), "red").save(file, "PNG")
    return file


def source(path: str, label: str, content: bytes | None = None) -> Source:
    """The source expected for a file that `put` has written."""
    digest = hashlib.sha256(path.encode() if content is None else content).hexdigest()
    return Source(path=path, label=label, sha256=digest)


def found(listing: Listing) -> list[tuple[str, str]]:
    return [(one.path, one.label) for one in listing.sources]


def failure(root: Path, label: str | None = None) -> tuple[str, str]:
    with pytest.raises(FolderError) as caught:
        scan(root, label)
    return str(caught.value), caught.value.hint


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")]}


# Class folders


def test_class_folders_give_labels_and_hashes(tmp_path: Path) -> None:
    image = picture(tmp_path, "dog/b.png")
    put(tmp_path, "cat/a.JPG", b"bytes")
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert scan(tmp_path) == Listing(
        (source("cat/a.JPG", "cat", b"bytes"), Source(path="dog/b.png", label="dog", sha256=digest)), ()
    )


def test_the_class_is_the_first_folder_however_deep_the_image(tmp_path: Path) -> None:
    put(tmp_path, "cat/indoors/2024/a.png")
    put(tmp_path, "cat/b.webp")
    assert found(scan(tmp_path)) == [("cat/b.webp", "cat"), ("cat/indoors/2024/a.png", "cat")]


def test_empty_and_broken_images_are_listed(tmp_path: Path) -> None:
    put(tmp_path, "cat/empty.png").write_bytes(b"")
    put(tmp_path, "cat/html.jpg", b"<html>")
    assert scan(tmp_path).sources == (source("cat/empty.png", "cat", b""), source("cat/html.jpg", "cat", b"<html>"))


def test_equal_contents_are_both_listed(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.png", b"same")
    put(tmp_path, "dog/a.png", b"same")
    assert scan(tmp_path).sources == (source("cat/a.png", "cat", b"same"), source("dog/a.png", "dog", b"same"))


def test_a_large_file_is_hashed_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000  # more than two chunks
    put(tmp_path, "cat/a.png", content)
    assert scan(tmp_path).sources == (source("cat/a.png", "cat", content),)


def test_more_files_than_are_handed_out_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_BATCH", 3)
    expected = tuple(source(f"cat/{number}.png", "cat") for number in range(8))
    for one in expected:
        put(tmp_path, one.path)
    assert scan(tmp_path).sources == expected


def test_a_label_is_its_folder_in_nfc_but_the_path_is_as_on_disk(tmp_path: Path) -> None:
    decomposed, composed = unicodedata.normalize("NFD", "Café"), unicodedata.normalize("NFC", "Café")
    assert decomposed != composed
    put(tmp_path, f"{decomposed}/a.png")
    (listed,) = scan(tmp_path).sources
    assert listed.label == composed
    assert (tmp_path / listed.path).is_file()
    assert scan(tmp_path, decomposed).sources[0].label == composed


def test_a_class_name_is_otherwise_kept(tmp_path: Path) -> None:
    put(tmp_path, "Siamese cat_2.png/a.png")
    assert found(scan(tmp_path)) == [("Siamese cat_2.png/a.png", "Siamese cat_2.png")]


# What is left out


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


# A folder of one class


def test_a_label_makes_one_class_of_a_flat_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    put(tmp_path, "b.txt")
    assert scan(tmp_path, "cat") == Listing((source("a.png", "cat"),), (("b.txt", NOT_AN_IMAGE),))


def test_a_label_overrides_class_folders(tmp_path: Path) -> None:
    for path in ("a.png", "dog/b.png", "dog/deep/c.png"):
        put(tmp_path, path)
    listing = scan(tmp_path, "cat")
    assert found(listing) == [("a.png", "cat"), ("dog/b.png", "cat"), ("dog/deep/c.png", "cat")]
    assert listing.ignored == ()


# Folders that will not do


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert failure(tmp_path / "no") == (f"{tmp_path / 'no'} does not exist", "check the spelling of the path")


def test_a_path_below_a_file(tmp_path: Path) -> None:
    below = put(tmp_path, "a.png") / "no"
    assert failure(below)[0] == f"{below} does not exist"


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    file = picture(tmp_path, "a.png")
    assert failure(file) == (f"{file} is a file, not a folder", f"give its folder: {tmp_path}")


@pytest.mark.parametrize(("paths", "images"), [(("a.png", "b.png"), "2 images"), (("a.png", "cat/b.txt"), "1 image")])
def test_images_without_class_folders(paths: tuple[str, ...], images: str, tmp_path: Path) -> None:
    for path in paths:
        put(tmp_path, path)
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path} has {images}, but none in a class folder"
    assert hint == "give their class: --src-label NAME"


@pytest.mark.parametrize("label", [None, "cat"])
def test_no_images_at_all(label: str | None, tmp_path: Path) -> None:
    for path in ("readme.md", "cat/a.heic", "cat/deep/a.txt", "cat/.hidden.png"):
        put(tmp_path, path)
    message, hint = failure(tmp_path, label)
    assert message == f"{tmp_path} has no images that can be used, and 3 files of other kinds"
    assert hint.startswith("images are files whose names end in .bmp, .gif, ")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert failure(tmp_path)[0] == f"{tmp_path} has no images that can be used, and 0 files of other kinds"


@needs_links
def test_no_image_that_can_be_used(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.txt")
    for name in ("b.png", "c.png"):
        (tmp_path / "cat" / name).symlink_to("nowhere")
    assert failure(tmp_path)[0] == (
        f"{tmp_path} has no images that can be used, and 1 file of other kinds; "
        "cat/b.png is a broken link, or has gone (and 1 more left out)"
    )


def test_a_read_only_folder_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    file = put(tmp_path, "cat/a.png")
    before = tree(tmp_path)
    for path in (file, file.parent, tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert found(scan(tmp_path)) == [("cat/a.png", "cat")]
        assert found(scan(tmp_path, "dog")) == [("cat/a.png", "dog")]
    finally:
        for path in (tmp_path, file.parent, file):
            path.chmod(0o755)
    assert tree(tmp_path) == before


# For any tree. A letter is either composed or decomposed, never both, and there are no capitals: two names are then
# two files on every file system.

_LETTERS = ["a", "z", "0", "-", "_", "日", "é", unicodedata.normalize("NFD", "ü")]
_NAMES = st.lists(st.sampled_from(_LETTERS), min_size=1, max_size=5).map("".join)
_PATHS = st.builds(
    lambda parts, name, suffix: "/".join([*parts, name + suffix]),
    st.lists(_NAMES, min_size=1, max_size=3),
    _NAMES,
    st.sampled_from([".png", ".JPG", ".webp", ".txt"]),
)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(_PATHS, st.binary(max_size=8), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_scan_does_not_depend_on_the_order_files_were_made_in(files: dict[str, bytes], random: Random) -> None:
    files["cat/always.png"] = b"one image at least"
    shuffled = random.sample(list(files), len(files))
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for root, order in ((Path(first), list(files)), (Path(second), shuffled)):
            for path in order:
                file = root / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(files[path])
        listing, flat = scan(Path(first)), scan(Path(first), "one")
        assert listing == scan(Path(second))
        assert all((Path(first) / one.path).read_bytes() == files[one.path] for one in listing.sources)
    images = sorted(path for path in files if not path.endswith(".txt"))
    labels = [unicodedata.normalize("NFC", path.split("/")[0]) for path in images]
    assert listing.sources == tuple(source(p, label, files[p]) for p, label in zip(images, labels, strict=True))
    assert flat.sources == tuple(source(path, "one", files[path]) for path in images)
    assert listing.ignored == tuple((path, NOT_AN_IMAGE) for path in sorted(files) if path.endswith(".txt"))
