"""What a backbone is shown of the pool's and of generated images; each look has a key, under which its features
are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.data.images import read
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.jobs import Source

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

View = tuple[str, Callable[[], "torch.Tensor"]]  # its key, and (3, size, size), uint8
_KEPT = 1024  # random views in memory, for CutMix and MixUp; 150 MB at 224 pixels


class Views:
    """Looks at images below ``root``; an image whose content has changed is an ImageError: its features are kept
    under what it was."""

    def __init__(self, root: Path, augment: RandomAugment) -> None:
        self._root, self._augment = root, augment
        self._weak = lru_cache(_KEPT)(lambda source, number: augment.weak(self._open(source), _seed(source, number)))

    def center_crop(self, source: Source) -> View:
        """The whole picture."""
        return source.sha256, lambda: self._augment.preprocess.center_crop(self._open(source))

    def generated(self, path: Path, sha256: str) -> View:
        """The whole picture at ``path``, of content ``sha256``."""
        return sha256, lambda: self._augment.preprocess.center_crop(read(path, sha256))

    def weak(self, source: Source, number: int) -> View:
        """The random crop ``number``."""
        return self._key("weak", source, number), lambda: self._weak(source, number)

    def strong(self, source: Source, number: int) -> View:
        """The random crop ``number``, recoloured."""
        key = self._key("strong", source, number)
        return key, lambda: self._augment.strong(self._open(source), _seed(source, number))

    def _key(self, kind: str, source: Source, number: int) -> str:
        return f"{source.sha256}:{kind}-{self._augment.least:g}-{'flip' if self._augment.flip else 'no-flip'}:{number}"

    def _open(self, source: Source) -> Image:
        return read(self._root / source.path, source.sha256)


def _seed(source: Source, number: int) -> int:
    return int(source.sha256[:12], 16) + number
