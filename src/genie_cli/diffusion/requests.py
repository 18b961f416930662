"""What the engine takes and returns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class SourceImage:
    """A source image that is read only when it is needed.

    Attributes:
        key: identifies its content; latents are cached under it.
        open: reads it as an RGB image; raises ImageError if that fails.
    """

    key: str
    open: Callable[[], Image]


@dataclass(frozen=True)
class Request(Generic[Key]):
    """One image to make: ``source``, noised to ratio ``r`` and denoised under ``prompt``.

    Attributes:
        key: comes back with the result.
        prompt: the text that guides denoising.
        r: noise ratio, 0 < r <= 1 (diffusers calls it ``strength``).
        noise_seed: seed of the CPU generator that draws the noise.
        source: None for text-to-image, from pure noise. With r > 0.999 the source has no effect.
    """

    key: Key
    prompt: str
    r: float
    noise_seed: int
    source: SourceImage | None = None


@dataclass(frozen=True)
class Result(Generic[Key]):
    """The image made for a request, or the error that prevented it.

    Attributes:
        key: the request's.
        slots: the batch size the image was made with; its exact bytes depend on it.
        pixels: (H, W, 3), uint8, RGB; None if there is an error.
        error: what went wrong; empty if nothing did.
    """

    key: Key
    slots: int
    pixels: NDArray[np.uint8] | None = None
    error: str = ""


class Feed(Protocol[Key]):
    """Where the engine takes requests from, one by one."""

    def take(self, wait: bool) -> Request[Key] | None:
        """The next request.

        Args:
            wait: whether to wait for one. None then means that there are no more, and otherwise that there is none now.
        """
        ...


class Listed(Generic[Key]):
    """A feed of requests that are all there, or made as they are taken."""

    def __init__(self, requests: Iterable[Request[Key]]) -> None:
        self._requests = iter(requests)

    def take(self, wait: bool) -> Request[Key] | None:  # noqa: ARG002 - there is never anything to wait for
        return next(self._requests, None)


class Resumed(Generic[Key]):
    """A feed that begins with requests that start again."""

    def __init__(self, unfinished: Iterable[Request[Key]], rest: Feed[Key]) -> None:
        self._unfinished = deque(unfinished)
        self._rest = rest

    def take(self, wait: bool) -> Request[Key] | None:
        return self._unfinished.popleft() if self._unfinished else self._rest.take(wait)
