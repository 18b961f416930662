"""Folders as people have them, class folders and flat ones: which images they hold, of which class."""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.data import folder
from genie_cli.data.folder import Listing, list_sources, scan
from genie_cli.jobs import Source
from genie_cli.observer import Observer, Progress
from tests.data.folders import NOT_AN_IMAGE, found, picture, put, source

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


def test_it_is_said_how_far_the_reading_is(tmp_path: Path) -> None:
    """A large folder takes minutes, since every file is hashed."""
    told: list[object] = []

    class Counted(Progress):
        def advance(self, count: int = 1) -> None:
            told.append(count)

    class Counting(Observer):
        @contextmanager
        def progress(self, description: str, total: int | None = None) -> Iterator[Progress]:
            told.append((description, total))
            yield Counted()

    for name in ("a.png", "b.png", "c.png"):
        put(tmp_path, f"cat/{name}")
    list_sources(tmp_path, observer=Counting())
    assert told == [("images read", 3), 1, 1, 1]
