"""Folders that cannot be used as sources; one that may only be read can, and is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data.folder import scan
from tests.data.folders import failure, found, needs_links, picture, put


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in [root, *root.rglob("*")]}


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
    assert hint.splitlines() == [
        f"if {tmp_path.name!r} is their class, give the folder above: {tmp_path.parent}",
        "or, for genie generate, give their class: --src-label NAME",
    ]


@pytest.mark.parametrize("label", [None, "cat"])
def test_no_images_at_all(label: str | None, tmp_path: Path) -> None:
    for path in ("readme.md", "cat/a.heic", "cat/deep/a.txt", "cat/.hidden.png"):
        put(tmp_path, path)
    message, hint = failure(tmp_path, label)
    assert message.startswith(
        f"{tmp_path} has no images that can be used, and 2 files of other kinds; "
        "cat/a.heic is HEIC, which is not read; convert it to JPEG or PNG"
    )
    assert hint.startswith("images are files whose names end in .avif, .bmp, .gif, ")


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
