"""Features of many images: each is computed once and cached on disk."""

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
from genie_cli.files.cache import cache
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

_BATCH = 64  # images per forward pass
_THREADS = 4  # that read images
_STORED = np.dtype("<f2")  # float16
_KEYS_PER_QUERY = 500  # older versions of SQLite allow 999
_TIMEOUT = 120.0  # seconds to wait while another process writes

View = Callable[[], "torch.Tensor"]


class Features:
    """Computes features with a backbone, and caches them.

    An image's features do not depend on the other images, their order or the cache: all batches have the same shape
    (the last one is padded), and every value is rounded to float16, in the cache and in the result.

    Args:
        backbone: the network.
        folder: where they are cached, in one SQLite file per backbone; None: in memory, for this object's lifetime.
    """

    def __init__(self, backbone: Backbone, folder: Path | None) -> None:
        self.backbone = backbone
        self._store = _OnDisk(folder / f"{_file_stem(backbone.name)}.sqlite") if folder else _InMemory()

    def of(
        self, views: Mapping[str, View], on_batch: Callable[[int], None] = lambda _: None
    ) -> dict[str, NDArray[np.float32]]:
        """The features (D,) of each view, by its key, in the order of ``views``.

        Args:
            views: by key, functions that return an image (3, size, size), uint8. A key identifies the content of an
                image and how it was augmented, such as ``<sha256>:weak:3``. A function is called only if its key is
                not in the cache, from one of several threads.
            on_batch: called after each batch with its number of images. Those found in the cache count as one batch,
                which comes first.

        Raises:
            ImageError: raised by a view; batches before it stay in the cache.
            OutputError: the cache file is damaged, or cannot be written.
            ModelError: a feature is not a number, or too large for float16; or a batch does not fit into memory.
        """
        known = self._store.get(list(views))
        if known:
            on_batch(len(known))
        new = [key for key in views if key not in known]
        with closing(_read_ahead(new, views)) as batches:
            for keys, images in batches:
                computed = dict(zip(keys, self._compute(images), strict=True))
                self._store.put(computed)
                known |= computed
                on_batch(len(keys))
        return {key: np.frombuffer(known[key], _STORED).astype(np.float32) for key in views}

    def _compute(self, images: Sequence[torch.Tensor]) -> Iterator[bytes]:
        """The features of up to one batch of images, each as it is stored."""
        import torch

        padding = [torch.zeros_like(images[0])] * (_BATCH - len(images))
        rows = self.backbone.run(torch.stack([*images, *padding]))[: len(images)]
        with np.errstate(over="ignore"):  # checked below
            stored = rows.astype(_STORED)
        if not np.isfinite(stored).all():
            raise ModelError(
                f"{self.backbone.name} gives features that are not numbers, or too large for float16",
                "its weights may be damaged: use another --checkpoint or --backbone",
            )
        return (row.tobytes() for row in stored)


def default_folder(observer: Observer | None = None) -> Path:
    """The folder in which commands cache features; see `files.cache.cache`."""
    return cache(observer) / "features"


def _file_stem(name: str) -> str:
    """A backbone's name as the stem of a file name; long ones lose their beginning, and never the hash at the end."""
    return re.sub(r"[^\w.@-]", "_", name, flags=re.ASCII)[-200:]


def _read_ahead(
    keys: Sequence[str], views: Mapping[str, View]
) -> Generator[tuple[Sequence[str], list[torch.Tensor]], None, None]:
    """Batches of keys and their images. While a batch is in use, the next one is read, and no more than that."""
    batches = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
    pool = ThreadPoolExecutor(_THREADS)

    def start(batch: Sequence[str]) -> list[Future[torch.Tensor]]:
        return [pool.submit(views[key]) for key in batch]

    try:
        reading = start(batches[0] if batches else ())
        for index, batch in enumerate(batches):
            images = [future.result() for future in reading]
            reading = start(batches[index + 1] if index + 1 < len(batches) else ())
            yield batch, images
    finally:
        pool.shutdown(cancel_futures=True)


class _InMemory:
    """A dictionary with the methods of `_OnDisk`."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {key: self._rows[key] for key in keys if key in self._rows}

    def put(self, rows: Mapping[str, bytes]) -> None:
        self._rows |= rows


class _OnDisk:
    """A SQLite file, opened only for each read and write, so that several processes can share it.

    It uses SQLite's rollback journal, because the faster write-ahead log does not work on network file systems.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        rows: dict[str, bytes] = {}
        with self._opened() as connection:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                part = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(part))
                rows |= connection.execute(f"SELECT key, value FROM features WHERE key IN ({marks})", part)  # noqa: S608
        sizes = {len(value) if isinstance(value, bytes) else 0 for value in rows.values()}
        if len(sizes) > 1 or any(size == 0 or size % _STORED.itemsize for size in sizes):
            raise self._damaged("its rows are not features of the same length")
        return rows

    def put(self, rows: Mapping[str, bytes]) -> None:
        with self._opened() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows.items())

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection; SQLite's errors become OutputErrors."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_TIMEOUT)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
                yield connection
        except (sqlite3.OperationalError, OSError) as error:
            raise OutputError(
                f"features cannot be cached in {self._path}: {_why(error)}",
                "free some space, or set XDG_CACHE_HOME to a folder that can be written to",
            ) from None
        except sqlite3.DatabaseError as error:
            raise self._damaged(f"SQLite says: {error}") from None

    def _damaged(self, reason: str) -> OutputError:
        return OutputError(f"{self._path} is damaged: {reason}", "delete it: its features will be computed again")


def _why(error: sqlite3.OperationalError | OSError) -> str:
    """The frequent causes of SQLite's errors as a plain phrase."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    causes = {
        "locked": f"another process has been writing to it for {_TIMEOUT:.0f} seconds",
        "full": "the disk is full",
        "readonly": "it is read-only",
        "unable to open": "it cannot be opened or created",
    }
    return next((cause for part, cause in causes.items() if part in str(error)), f"SQLite says: {error}")
