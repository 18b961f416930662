"""Files that were made to do harm: nothing runs, no memory is taken, and nothing is written elsewhere."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli import api
from genie_cli.errors import GenieError, UsageError
from genie_cli.unpack.detect import opened
from tests.unpack import packs
from tests.unpack.packs import OF


class Runs:
    def __init__(self, call: Any, *given: Any) -> None:
        self.call = call, given

    def __reduce__(self) -> Any:
        return self.call


ARRAY = pickle.dumps({"data": packs.pixels(), "labels": list(OF)}, 2)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("call", "given", "name"),
    [
        (os.system, ("touch ran",), f"{os.name}.system"),
        (eval, ("open('ran', 'w')",), "builtins.eval"),
        (np.save, ("ran", 1), "numpy.save"),
        (np.load, ("ran", None, True), "numpy.load"),
        (Path, ("ran",), "pathlib.Path"),
        (bytearray, (1 << 40,), "builtins.bytearray"),
        (np.zeros, (1 << 40,), "numpy.zeros"),
    ],
    ids=["system", "eval", "save", "load", "Path", "bytearray", "zeros"],
)
def test_a_pickle_that_calls_anything_is_refused_by_name(
    call: Any, given: Any, name: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packs.dumped(tmp_path / "a.pkl", {"data": packs.pixels(), "labels": Runs(call, *given)}, protocol)
    with pytest.raises(UsageError, match="is not read: it asks for ") as caught:
        api.unpack("a.pkl", "out")
    assert name.rpartition(".")[2] in str(caught.value).split("asks for ")[1].split(",")[0]
    assert os.listdir(tmp_path) == ["a.pkl"]


GLOBALS = b"cnumpy.core.multiarray\n_reconstruct\n"
BOMBS = {
    "memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"a.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 33) + b"a.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    "shape": packs.python_2(packs.pixels()).join([b"\x80\x02", b"."]).replace(b"(M\x07\0", b"(M\xff\xff"),
    "reconstruct": b"\x80\x02" + GLOBALS + b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R.",
    "ndarray": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    "new": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x81.",
    "state of a name": b"\x80\x02cnumpy\nndarray\n}U\x05_callNsb.",
    "type": b"\x80\x02cnumpy\ndtype\nU\x0aV999999999K\x00K\x01\x87R.",
    "list": b"\x80\x02cbuiltins\nlist\nX\x01\0\0\0a\x85R.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"Pan id\n.",
    "no end": b"\x80\x02" + b"]" * 100_000,
    "deep": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
}


@pytest.mark.parametrize("what", BOMBS)
def test_no_pickle_takes_memory_that_it_does_not_have(what: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(BOMBS[what])
    tracemalloc.start()
    try:
        with pytest.raises(UsageError):
            api.unpack(tmp_path / "a.pkl", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "out").exists()


@given(st.data())
def test_damaged_files_are_errors_or_images(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a"
    bytes_ = bytearray(data.draw(st.sampled_from(wholes(path))))
    for _ in range(data.draw(st.integers(1, 3))):
        bytes_[data.draw(st.integers(0, min(len(bytes_), 700) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes_[: data.draw(st.integers(0, len(bytes_)))] if data.draw(st.booleans()) else bytes_)
    with suppress(GenieError):  # and nothing else
        assert all(picture.label for picture in opened(path, None).pictures)


def wholes(path: Path) -> list[bytes]:
    if not _WHOLES:
        np.savez(path.with_suffix(".npz"), images=packs.pixels(), labels=OF)
        members = {"1.png": packs.files()[1], "1.cls": b"cat", "2.json": packs.sample("dog"), "2.jpg": b"x"}
        made = (path.with_suffix(".npz"), packs.tar(path, members), packs.parquet(path.with_suffix(".parquet")))
        _WHOLES.extend([ARRAY, *(each.read_bytes() for each in made)])
    return _WHOLES


_WHOLES: list[bytes] = []


def test_a_npz_whose_arrays_are_larger_than_it_says(tmp_path: Path) -> None:
    def member(shape: tuple[int, ...], data: bytes, kind: str = "|u1") -> bytes:
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
        return file.getvalue() + data

    for number, (images, labels) in enumerate(
        (
            (member((1 << 40, 8, 8, 3), bytes(192)), member((1,), b"\0")),
            (member((1, 1 << 20, 1 << 20, 3), bytes(192)), member((1,), b"\0")),
            (member((1, 8, 8, 3), bytes(192)), member((1 << 40,), b"\0")),
            (member((1, 8, 8, 3), bytes(192)), member((1,), pickle.dumps(Runs(os.system, "touch ran")), "|O")),
        )
    ):
        with zipfile.ZipFile(tmp_path / f"{number}.npz", "w") as archive:
            archive.writestr("images.npy", images)
            archive.writestr("labels.npy", labels)
        with pytest.raises(UsageError):
            api.unpack(tmp_path / f"{number}.npz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("images", "labels"), [((2, 2, 2), 1 << 27), ((1 << 27, 1, 1), 1 << 27), ((2, 2, 2), 1 << 29)])
def test_a_small_npz_does_not_become_large(images: tuple[int, ...], labels: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in (("images", images), ("labels", (labels,))):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for _ in range(max(int(np.prod(shape)) >> 24, 1)):
                    file.write(bytes(min(int(np.prod(shape)), 1 << 24)))
    assert (tmp_path / "a.npz").stat().st_size < 4 << 20
    tracemalloc.start()
    try:
        with pytest.raises(UsageError):
            api.unpack(tmp_path / "a.npz", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 600 << 20
    finally:
        tracemalloc.stop()


def test_members_of_a_tar_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    image = packs.files()[0]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in ("../../up", "/tmp/absolute", ".", "..", "a/../../b"):
            for extension, data in (("jpg", image), ("cls", b"../../evil\0")):
                member = tarfile.TarInfo(f"{name}.{extension}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("z.jpg")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    made = api.unpack(tmp_path / "a.tar", tmp_path / "deep/out")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and ".genie" not in path.parts]
    assert sorted(files)[0] == tmp_path / "a.tar"
    assert all(path.parent == tmp_path / "deep/out/%2E%2E%2F..%2Fevil%00" for path in sorted(files)[1:])
    assert made.images == {"../../evil\0": len(files) - 1}
    assert all(path.read_bytes() == image for path in sorted(files)[1:])
