"""Features of many images: each is computed once and cached on disk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.backbone import BATCH, Backbone
from genie_cli.backbones.feature_store import InMemory, OnDisk
from genie_cli.backbones.read_ahead import read_ahead
from genie_cli.errors import ModelError
from genie_cli.files.cache import cache
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

_SECONDS_BETWEEN = 2.0  # writes to the cache
_STORED = np.dtype("<f2")  # float16

View = Callable[[], "torch.Tensor"]


class Features:
    """Computes features with a backbone, and caches them.

    An image's features do not depend on the other images, their order or the cache: all batches have the same shape
    (the last one is padded), and every value is rounded to float16, in the cache and in the result.

    Args:
        backbone: the network.
        folder: where they are cached, in one SQLite file per backbone; None: in memory, for this object's lifetime.
        observer: is told of a cache that is damaged, and so is computed again, or that cannot be written.
    """

    def __init__(self, backbone: Backbone, folder: Path | None, observer: Observer | None = None) -> None:
        self.backbone = backbone
        self._store: InMemory | OnDisk = InMemory()
        if folder:
            path = folder / f"{_file_stem(backbone.name)}.sqlite"
            self._store = OnDisk(path, backbone.name, observer or Observer())

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
            OutputError: something that is not a file is in the place of the cache file, or of its folder.
            ModelError: a feature is not a number, or too large for float16; or a batch does not fit into memory.
        """
        known = self._store.get(list(views), self._fits)
        if known:
            on_batch(len(known))
        new = [key for key in views if key not in known]
        parts = [new[start : start + self.backbone.batch] for start in range(0, len(new), self.backbone.batch)]
        wanted = [[views[key] for key in keys] for keys in parts]
        with closing(read_ahead(wanted)) as batches, self._keeping() as keep:
            for keys, images in zip(parts, batches, strict=True):
                computed = dict(zip(keys, self._compute(images), strict=True))
                keep(computed)
                known |= computed
                on_batch(len(keys))
        return {key: np.frombuffer(known[key], _STORED).astype(np.float32) for key in views}

    @contextmanager
    def _keeping(self) -> Iterator[Callable[[Mapping[str, bytes]], None]]:
        """Gives what stores features: now and then, since each time the disk is waited for, and at the end."""
        waiting: dict[str, bytes] = {}
        stored = time.monotonic()

        def keep(computed: Mapping[str, bytes]) -> None:
            nonlocal stored
            waiting.update(computed)
            if time.monotonic() - stored > _SECONDS_BETWEEN:
                self._store.put(waiting)
                waiting.clear()
                stored = time.monotonic()

        try:
            yield keep
        finally:
            if waiting:
                self._store.put(waiting)

    @cached_property
    def _length(self) -> int:
        """Bytes of one image's features as they are stored."""
        import torch

        size = self.backbone.preprocess.size
        return int(self.backbone.run(torch.zeros(1, 3, size, size, dtype=torch.uint8)).shape[1]) * _STORED.itemsize

    def _fits(self, stored: bytes) -> bool:
        return len(stored) == self._length and bool(np.isfinite(np.frombuffer(stored, _STORED)).all())

    def _compute(self, images: Sequence[torch.Tensor]) -> Iterator[bytes]:
        """The features of the images that all devices take at a time, or fewer, each as it is stored."""
        import torch

        padding = [torch.zeros_like(images[0])] * (-len(images) % BATCH)
        rows = self.backbone.run(torch.stack([*images, *padding]))[: len(images)]
        with np.errstate(over="ignore"):  # checked below
            stored = rows.astype(_STORED)
        if not np.isfinite(stored).all():
            raise ModelError(
                f"{self.backbone.name} gives features that are not numbers, or too large for float16",
                "its weights may be damaged: use another --checkpoint or --backbone",
            )
        return (row.tobytes() for row in stored)


def normalised(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of features (N, D), scaled to unit length; rows of zeros stay zero."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def default_folder(observer: Observer | None = None) -> Path:
    """The folder in which commands cache features; see `files.cache.cache`."""
    return cache(observer) / "features"


def _file_stem(name: str) -> str:
    """A backbone's name as the stem of a file name; long ones lose their beginning, and never the hash at the end."""
    return re.sub(r"[^\w.@-]", "_", name, flags=re.ASCII)[-200:]
