"""The views of real and generated images that a backbone computes features of.

Each view has a key, under which its features are cached.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.data.dataset import Compositor
from genie_cli.data.images import read
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.jobs import Source

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

View = tuple[str, Callable[[], "torch.Tensor"]]  # the key, and a function that gives (3, size, size), uint8
_CACHED = 1024  # random crops in memory, for CutMix and MixUp, 150 MB at 224 pixels; images that are pasted many times


class Views:
    """Views of images below ``root``.

    An image whose content has changed raises ImageError: its features are cached under what it was.

    Args:
        compositor: pastes objects into other images; None: no such views are asked for.
    """

    def __init__(self, root: Path, augment: RandomAugment, compositor: Compositor | None = None) -> None:
        self._root, self._augment, self._compositor = root, augment, compositor
        self._read = lru_cache(_CACHED)(read)
        self._needed = augment.crops.shorter_side(augment.preprocess.size)
        self._weak = lru_cache(_CACHED)(
            lambda source, number: augment.weak(self._open(source, self._needed), _seed(source.sha256, number))
        )

    def center_crop(self, source: Source) -> View:
        """The center crop of a real image."""
        preprocess = self._augment.preprocess
        return source.sha256, lambda: preprocess.center_crop(self._open(source, preprocess.resize))

    def generated(self, path: Path, sha256: str) -> View:
        """The center crop of the image at ``path``, whose content has this SHA-256."""
        preprocess = self._augment.preprocess
        return sha256, lambda: preprocess.center_crop(read(path, sha256, preprocess.resize))

    def generated_crop(self, path: Path, sha256: str) -> View:
        """A random crop of the image at ``path``, as a real image's `weak`."""
        key = self._key("weak", sha256, 0)
        return key, lambda: self._augment.weak(read(path, sha256, self._needed), _seed(sha256, 0))

    def pasted(self, source: Source, onto: Source) -> View:
        """The center crop of a real image whose object was pasted into that of another class."""
        return self._composed(source.sha256, onto, lambda how: how.paste(source, onto))

    def generated_pasted(self, path: Path, sha256: str, onto: Source) -> View:
        """The center crop of the generated image at ``path``, its object pasted into a real image."""
        return self._composed(sha256, onto, lambda how: how.paste_generated(self._read(path, sha256), onto))

    def _composed(self, sha256: str, onto: Source, compose: Callable[[Compositor], Image]) -> View:
        compositor, preprocess = self._compositor, self._augment.preprocess
        assert compositor is not None  # noqa: S101 - see `evaluate.checks.check_compositor`
        return f"{sha256}:pasted:{onto.sha256}", lambda: preprocess.center_crop(compose(compositor))

    def weak(self, source: Source, number: int) -> View:
        """Random crop ``number`` of a real image."""
        return self._key("weak", source.sha256, number), lambda: self._weak(source, number)

    def strong(self, source: Source, number: int) -> View:
        """Random crop ``number`` of a real image, strongly augmented."""
        key = self._key("strong-v" if self._augment.flip_vertically else "strong", source.sha256, number)
        return key, lambda: self._augment.strong(self._open(source, self._needed), _seed(source.sha256, number))

    def _key(self, kind: str, sha256: str, number: int) -> str:
        crops = self._augment.crops
        return f"{sha256}:{kind}-{crops.min_area:g}-{'flip' if crops.flip else 'no-flip'}:{number}"

    def _open(self, source: Source, shorter: int) -> Image:
        return read(self._root / source.path, source.sha256, shorter)


def _seed(sha256: str, number: int) -> int:
    return int(sha256[:12], 16) + number
