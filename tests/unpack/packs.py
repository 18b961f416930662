"""Files in the formats that are unpacked, as numpy, pickle, pyarrow, datasets and tarfile write them."""

from __future__ import annotations

import json
import pickle
import struct
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LABELS = ("n01532829", "bullet train", "Ram C/V")
OF = (0, 1, 2, 0, 1, 2, 0)  # the classes of seven images
Tree = dict[str, list[tuple[int, bytes | tuple[tuple[int, ...], bytes]]]]


def pixels(count: int = len(OF), side: int = 8) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def encoded(image: NDArray[np.uint8], kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, format=kind)
    return file.getvalue()


def files() -> list[bytes]:
    """Image files of three kinds."""
    return [encoded(image, ("JPEG", "PNG", "WEBP")[number % 3]) for number, image in enumerate(pixels())]


def dumped(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def class_dict() -> dict[str, list[int]]:
    return {name: [place for place, label in enumerate(OF) if label == number] for number, name in enumerate(LABELS)}


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return path


def features(**more: Any) -> Any:
    from datasets import ClassLabel, Features
    from datasets import Image as Picture

    return Features({"image": Picture(), "label": ClassLabel(names=list(LABELS)), **more})


def parquet(path: Path) -> Path:
    """As the datasets library writes it for the Hub."""
    from datasets import Dataset

    rows = {"image": [{"bytes": data, "path": f"{n}.x"} for n, data in enumerate(files())], "label": list(OF)}
    Dataset.from_dict(rows, features()).to_parquet(str(path))
    return path


def python_2(array: NDArray[np.uint8]) -> bytes:
    """A pickled array as Python 2 wrote it in protocol 2: names and bytes are its ``str``."""
    shape = b"".join(b"M" + struct.pack("<H", length) for length in array.shape)
    data = array.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01(" + shape + b"t"
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<I", len(data)) + data + b"tb"
    )


def python_2_text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def unpacked(root: Path) -> dict[str, list[tuple[int, Path]]]:
    """The number and path of the images of each folder."""
    folders = sorted(path for path in root.iterdir() if path.name != ".genie")
    return {folder.name: [(int(path.stem), path) for path in sorted(folder.iterdir())] for folder in folders}


def require_pixels(root: Path, expected: NDArray[np.uint8], names: tuple[str, ...]) -> None:
    """The images of ``OF``, as PNG and as they were."""
    found = unpacked(root)
    assert {name: [number for number, _ in images] for name, images in found.items()} == {
        name: [place for place, label in enumerate(OF) if label == number] for number, name in enumerate(names)
    }
    for images in found.values():
        for number, path in images:
            assert path.suffix == ".png"
            assert np.array_equal(np.asarray(Image.open(path)), expected[number])


def require_bytes(root: Path, expected: list[bytes], names: tuple[str, ...]) -> None:
    """The image files of ``OF``, byte for byte."""
    images = {number: (name, path.read_bytes()) for name, all_of in unpacked(root).items() for number, path in all_of}
    assert images == {place: (names[label], expected[place]) for place, label in enumerate(OF)}


def sample(label: str | int | None = None, **more: object) -> bytes:
    return json.dumps({**more, **({} if label is None else {"label": label})}).encode()
