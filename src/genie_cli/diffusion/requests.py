"""What goes into the engine and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class SourceImage:
    """A source image that is read when it is needed: ``key`` names its content, ``open`` gives it as RGB."""

    key: str
    open: Callable[[], Image]


@dataclass(frozen=True)
class Request(Generic[Key]):
    """One image to make: ``source`` noised up to ratio ``r`` and denoised under ``prompt``.

    Attributes:
        noise_seed: seed of the CPU generator that draws the noise.
        source: None starts from pure noise, as any r above 0.999 does.
    """

    key: Key
    prompt: str
    r: float
    noise_seed: int
    source: SourceImage | None = None


@dataclass(frozen=True)
class Result(Generic[Key]):
    """What became of a request: ``pixels`` (H, W, 3), uint8, or the ``error`` that stopped it.

    ``slots`` is the batch it was made in, which its exact bytes depend on.
    """

    key: Key
    slots: int
    pixels: NDArray[np.uint8] | None = None
    error: str = ""
