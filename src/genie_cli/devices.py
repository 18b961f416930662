"""Where models run, and what that place needs to be told to be fast. This module does not know the models."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import TYPE_CHECKING

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
_LARGEST_IN_HEAP = 2**25  # bytes: the most that every glibc takes (man mallopt)
_KEPT_BYTES = 2**30


def choose_device(wanted: str) -> torch.device:
    """The torch device to run on; ModelError if it is not there."""
    import torch

    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # there are devices that hold no numbers
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"device {wanted!r} cannot be used: {reason}", "see genie doctor, or use --device cpu"
        ) from None
    return device


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed for the next allocation; whether it was told, as elsewhere it need not be.

    Every step of a model on the CPU allocates the same few tensors of some MiB. By default glibc maps each anew and
    gives it back when it is freed, so that the system clears all of its pages at every step. Results do not change.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_IN_HEAP) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on ``device``; a GPU's copy is queued from pinned memory, so that the host need not wait for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def multiplies_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in tiles (AMX), where it was measured to be faster than float32."""
    import torch

    return torch.cpu._is_amx_tile_supported()
