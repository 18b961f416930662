"""Whatever is in the files of a confusion, or at their paths: a matrix, or one of genie's errors with the cause."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.confuse import picture
from genie_cli.confuse.confusion import Confusion
from genie_cli.confuse.confusion import require_writable as require_writable_json
from genie_cli.confuse.predictions import from_logits, from_predictions
from genie_cli.confuse.tables import read_classes
from genie_cli.errors import OutputError, UsageError
from tests.confuse.tables import message
from tests.damage import damaged, only_our_errors

LOGITS = np.array([[2, 1, 0], [0, 1, 1], [-1, -3, -2], [0, 0, 9]], np.float32)
TABLE = b'true,predicted,score\r\n"a",b,0.5\r\nb,"c, d",1\r\n"c, d",a,0\r\n'
NAMES = "a\nb\nc\u0327\n".encode()
MATRIX = {"kind": "genie.confusion", "schema": 1, "labels": ["a", "b"], "how": {"folds": 5}, "matrix": [[1, 2], [3, 4]]}
JSON = json.dumps(MATRIX).encode()


def npy(values: object, **options: Any) -> bytes:
    file = BytesIO()
    np.save(file, np.asarray(values), **options)
    return file.getvalue()


def headed(header: str, body: bytes = bytes(48), version: bytes = b"\1\0") -> bytes:
    """A .npy file with a header of one's own."""
    padded = header.ljust(118).encode() + b"\n"
    return b"\x93NUMPY" + version + len(padded).to_bytes(2, "little") + padded + body


ARRAYS = (npy(LOGITS), npy(LOGITS.astype(">f8")), npy(np.asfortranarray(LOGITS)), npy(LOGITS.astype(np.float16)))
CHOICES = (npy([0, 1, 2, 0]), npy(np.array([0, 1, 2, 0], np.uint64)), npy(["a", "b", "c", "a"]), npy([1.5, 2, 3, 4]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole files beside which a damaged one is put."""
    folder = tmp_path_factory.mktemp("files")
    put(folder / "logits.npy", ARRAYS[0])
    put(folder / "true.npy", CHOICES[0])
    put(folder / "classes.txt", NAMES)
    return folder


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@settings(max_examples=150)
@given(data=damaged(TABLE))
def test_damaged_predictions(data: bytes, folder: Path) -> None:
    only_our_errors(lambda: from_predictions(put(folder / "p.csv", data)))


@settings(max_examples=150)
@given(data=damaged(*ARRAYS))
def test_damaged_logits(data: bytes, folder: Path) -> None:
    path = put(folder / "damaged.npy", data)
    only_our_errors(lambda: from_logits(path, folder / "true.npy", folder / "classes.txt"))


@settings(max_examples=150)
@given(data=damaged(*CHOICES, TABLE, NAMES), suffix=st.sampled_from([".npy", ".csv", ".txt"]))
def test_damaged_classes(data: bytes, suffix: str, folder: Path) -> None:
    path = put(folder / f"damaged{suffix}", data)
    only_our_errors(lambda: from_logits(folder / "logits.npy", path, folder / "classes.txt"))
    only_our_errors(lambda: from_logits(folder / "logits.npy", path))


@given(data=damaged(NAMES))
def test_damaged_names(data: bytes, folder: Path) -> None:
    only_our_errors(lambda: read_classes(put(folder / "names.txt", data)))


@settings(max_examples=200)
@given(data=damaged(JSON))
def test_a_damaged_matrix(data: bytes, folder: Path) -> None:
    path = put(folder / "confusion.json", data)

    def used() -> None:
        confusion = Confusion.read(path)
        confusion.write(folder / "again.json", top_k=2)
        picture.draw(confusion)

    only_our_errors(used)
    only_our_errors(lambda: require_writable_json(path))
    only_our_errors(lambda: picture.require_writable(put(folder / "matrix.png", data)))


READERS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "p.csv": (TABLE, from_predictions),
    "p.npy": (ARRAYS[0], lambda path: from_logits(path, path.with_name("true.npy"), path.with_name("classes.txt"))),
    "p.json": (JSON, Confusion.read),
    "p.txt": (NAMES, read_classes),
}


@pytest.mark.parametrize("name", READERS)
def test_cut_at_every_byte(name: str, folder: Path) -> None:
    data, reader = READERS[name]
    cuts = [put(folder / f"{end}-{name}", data[:end]) for end in range(len(data))]
    errors = [only_our_errors(partial(reader, path)) for path in cuts]
    assert any(errors)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            headed("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000, 3)}"),
            "is shorter than its header",
        ),
        (
            headed("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000000000000, 3)}"),
            "is shorter than its",
        ),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 3)}"), "its shape is negative"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -3)}"), "its shape is negative"),
        (
            headed("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", b""),
            "holds float32 of shape (0, 3), not",
        ),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (4.0, 3)}"), "is not a .npy file of numbers"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': ()}"), "holds float32 of shape (), not"),
        (headed("{'descr': '|O', 'fortran_order': False, 'shape': (4, 3)}"), "it holds Python objects"),
        (headed("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4, 3)}"), "it holds records"),
        (headed("{'descr': ('<f4', (3,)), 'fortran_order': False, 'shape': (4,)}"), "it holds records"),
        (headed("{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3)}"), "holds complex64 of shape (2, 3), not"),
        (headed("[" * 100 + "]" * 18), "is not a .npy file of numbers"),
        (headed("__import__('os').system('touch ran')"), "is not a .npy file of numbers"),
        (headed("{}", version=b"\3\0"), "its version is not of arrays of numbers"),
        (headed("{}", version=b"\x09\0"), "is not a .npy file of numbers"),
        (npy(np.where(LOGITS == 9, np.inf, LOGITS)), "row 3, counted from 0, has a largest logit that is not finite"),
        (npy(np.full((4, 3), -np.inf)), "row 0, counted from 0, has a largest logit that is not finite"),
        (npy([[{}] * 3] * 4, allow_pickle=True), "it holds Python objects"),
    ],
    ids=range(18),
)
def test_arrays_that_make_no_sense(
    content: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("true.txt").write_text("a\nb\nc\na\n")
    Path("logits.npy").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        from_logits(Path("logits.npy"), Path("true.txt"))
    assert reason in message(caught.value)
    assert not Path("ran").exists()


def test_classes_that_a_classifier_leaves_out_may_be_minus_infinity(tmp_path: Path) -> None:
    (tmp_path / "logits.npy").write_bytes(npy(np.where(LOGITS < 0, -np.inf, LOGITS)[[0, 1, 3]]))
    (tmp_path / "true.txt").write_text("a\nb\nc\n")
    assert from_logits(tmp_path / "logits.npy", tmp_path / "true.txt").accuracy() == (3, 3)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_in_the_file_changes_nothing(order: Any, tmp_path: Path) -> None:
    (tmp_path / "logits.npy").write_bytes(npy(np.array(LOGITS, order=order)))
    (tmp_path / "true.txt").write_text("b\na\na\nc\n")
    assert from_logits(tmp_path / "logits.npy", tmp_path / "true.txt").matrix == ((1, 1, 0), (1, 0, 0), (0, 0, 1))


def test_class_numbers_too_large_for_a_signed_number(tmp_path: Path) -> None:
    (tmp_path / "logits.npy").write_bytes(ARRAYS[0])
    (tmp_path / "true.npy").write_bytes(npy(np.array([0, 2**64 - 1, 0, 0], np.uint64)))
    (tmp_path / "classes.txt").write_bytes(NAMES)
    with pytest.raises(UsageError, match="row 1 is of class 18446744073709551615"):
        from_logits(tmp_path / "logits.npy", tmp_path / "true.npy", tmp_path / "classes.txt")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "logits.npy").write_bytes(ARRAYS[0])
    for names in (["a", "b", "c", "\ud800"], ["a", "b", "c", " "]):
        (tmp_path / "true.npy").write_bytes(npy(names))
        with pytest.raises(UsageError, match=r"true\.npy(: row 3| is not an array of class names)"):
            from_logits(tmp_path / "logits.npy", tmp_path / "true.npy")


def test_an_absurd_number_of_classes(tmp_path: Path) -> None:
    """Every cell is a class of its own: the wrong column, perhaps."""
    rows = "".join(f"{number},{number}x\n" for number in range(6000))
    (tmp_path / "p.csv").write_text(f"true,predicted\n{rows}")
    with pytest.raises(UsageError, match="there are 12,000 classes, and a confusion matrix has at most 10,000"):
        from_predictions(tmp_path / "p.csv")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def unreadable(path: Path) -> None:
    (path.parent / "closed").mkdir()
    (path.parent / "closed/file").touch()
    path.symlink_to("closed/file")
    (path.parent / "closed").chmod(0)


PLACES: dict[Callable[[Path], None], str] = {
    a_pipe: "it is a named pipe, not a regular file",
    a_device: "it is a device, not a regular file",
    a_loop: "Too many levels of symbolic links",
    **({} if os.geteuid() == 0 else {unreadable: "Permission denied"}),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_other_kind_of_file_is_read_or_replaced(place: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "good.npy").write_bytes(ARRAYS[0])
    readers: dict[str, Callable[[Path], object]] = {
        "f.csv": from_predictions,
        "f.txt": read_classes,
        "f.json": Confusion.read,
        "f.npy": lambda path: from_logits(path, path),
        "true.npy": lambda path: from_logits(tmp_path / "good.npy", path),
    }
    for name, reader in readers.items():
        path = tmp_path / name
        place(path)
        with pytest.raises(UsageError, match=f"cannot be read: {PLACES[place]}"):
            reader(path)
        path.unlink()
        if (tmp_path / "closed").exists():
            (tmp_path / "closed").chmod(0o700)
            (tmp_path / "closed/file").unlink()
            (tmp_path / "closed").rmdir()


@pytest.mark.parametrize("place", [a_pipe, a_device, a_loop])
def test_nor_replaced(place: Callable[[Path], None], tmp_path: Path) -> None:
    for name, check in (("c.json", require_writable_json), ("c.png", picture.require_writable)):
        place(tmp_path / name)
        with pytest.raises(OutputError, match=PLACES[place]):
            check(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_called_another_kind(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(JSON)
    (tmp_path / "c.json").chmod(0)
    with pytest.raises(UsageError, match=r"c\.json cannot be read: Permission denied"):
        Confusion.read(tmp_path / "c.json")
    with pytest.raises(OutputError, match=r"c\.json already exists and cannot be read: Permission denied"):
        require_writable_json(tmp_path / "c.json")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "\udcff\ud800"])
def test_names_that_no_file_has(name: str, tmp_path: Path) -> None:
    for reader in (from_predictions, read_classes, Confusion.read, lambda path: from_logits(path, path)):
        with pytest.raises(UsageError, match=r"cannot be read: (no file can|File name too long|No such)"):
            reader(tmp_path / name)
