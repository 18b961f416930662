"""Features of many pictures: each is computed once and kept on disk."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.backbone import Backbone
from genie_cli.errors import ModelError, OutputError
from genie_cli.files import cache

if TYPE_CHECKING:
    import torch

_BATCH = 64
_THREADS = 4
_STORED = np.dtype("<f2")
_ASKED = 500  # keys in one query; SQLite's oldest limit is 999
_PATIENCE = 120.0  # seconds to wait for another process that writes a batch

View = Callable[[], "torch.Tensor"]


class Features:
    """What a backbone makes of pictures, kept from one command to the next.

    A picture's features do not depend on the other pictures, on their order, or on whether they were kept: batches
    have one shape, the last one is filled up, and every value is rounded to float16 before it is given out.

    Args:
        folder: where they are kept, a SQLite file for each backbone; None: in memory, as long as this object lives.
    """

    def __init__(self, backbone: Backbone, folder: Path | None) -> None:
        self.backbone = backbone
        self._store = _OnDisk(folder / f"{_safe(backbone.name)}.sqlite") if folder else _InMemory()

    def of(
        self, views: Mapping[str, View], on_batch: Callable[[int], None] = lambda _: None
    ) -> dict[str, NDArray[np.float32]]:
        """Features (D,) under each key, in the order of ``views``.

        Args:
            looks: a key names a picture's content and the view of it, such as ``<sha256>:weak:3``; what it maps to
                gives the view, (3, size, size), uint8. It is called if the key is new, from one of a few threads.
            on_batch: told after each batch how many pictures it had; those that were kept come first, as one batch.

        Raises:
            ImageError: what a look raised; batches that were done before are kept.
            OutputError: the file is damaged, or cannot be written.
            ModelError: the features are not numbers, or beyond float16.
        """
        known = self._store.get(list(views))
        if known:
            on_batch(len(known))
        new = [key for key in views if key not in known]
        with closing(_ahead(new, views)) as batches:
            for keys, pictures in batches:
                made = dict(zip(keys, self._compute(pictures), strict=True))
                self._store.put(made)
                known |= made
                on_batch(len(keys))
        return {key: np.frombuffer(known[key], _STORED).astype(np.float32) for key in views}

    def _compute(self, pictures: Sequence[torch.Tensor]) -> Iterator[bytes]:
        """The features of up to a batch of pictures, as they are stored."""
        import torch

        filling = [torch.zeros_like(pictures[0])] * (_BATCH - len(pictures))
        rows = self.backbone.run(torch.stack([*pictures, *filling]))[: len(pictures)]
        with np.errstate(over="ignore"):  # looked at in the next line
            stored = rows.astype(_STORED)
        if not np.isfinite(stored).all():
            raise ModelError(f"{self.backbone.name} gives features that are not numbers, or too large for float16")
        return (row.tobytes() for row in stored)


def default_folder() -> Path:
    """Where features are kept unless told."""
    return cache() / "features"


def _safe(name: str) -> str:
    """A backbone's name as a file's, with the hash at its end whatever its length."""
    return re.sub(r"[^\w.@-]", "_", name, flags=re.ASCII)[-200:]


def _ahead(
    keys: Sequence[str], views: Mapping[str, View]
) -> Generator[tuple[Sequence[str], list[torch.Tensor]], None, None]:
    """The keys' pictures batch by batch; while one batch is at work the next is read, and no more."""
    batches = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
    pool = ThreadPoolExecutor(_THREADS)

    def start(batch: Sequence[str]) -> list[Future[torch.Tensor]]:
        return [pool.submit(views[key]) for key in batch]

    try:
        reading = start(batches[0] if batches else ())
        for index, batch in enumerate(batches):
            pictures = [future.result() for future in reading]
            reading = start(batches[index + 1] if index + 1 < len(batches) else ())
            yield batch, pictures
    finally:
        pool.shutdown(cancel_futures=True)


class _InMemory:
    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {key: self._rows[key] for key in keys if key in self._rows}

    def put(self, rows: Mapping[str, bytes]) -> None:
        self._rows |= rows


class _OnDisk:
    """One SQLite file; open only while it is used, so that processes can share it.

    It has SQLite's ordinary journal: the faster write-ahead log breaks where a home folder is shared by machines.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        rows: dict[str, bytes] = {}
        with self._opened() as connection:
            for start in range(0, len(keys), _ASKED):
                asked = keys[start : start + _ASKED]
                marks = ",".join("?" * len(asked))
                rows |= connection.execute(f"SELECT key, value FROM features WHERE key IN ({marks})", asked)  # noqa: S608
        sizes = {len(value) if isinstance(value, bytes) else 0 for value in rows.values()}
        if len(sizes) > 1 or any(size == 0 or size % _STORED.itemsize for size in sizes):
            raise self._damaged("its rows are not features of one length")
        return rows

    def put(self, rows: Mapping[str, bytes]) -> None:
        with self._opened() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows.items())

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
                yield connection
        except (sqlite3.OperationalError, OSError) as error:
            raise OutputError(
                f"{self._path}: features cannot be kept there: {error}",
                "is the folder writable, and the disk not full?",
            ) from None
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, reason: str) -> OutputError:
        return OutputError(f"{self._path} is damaged: {reason}", "delete it: its features will be computed anew")
