"""Compiling a UNet: whether it pays, whether it works here, and doing it."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genie_cli.diffusion.ahead_of_time import CompiledUNet
from genie_cli.errors import ModelError, said
from genie_cli.files.cache import cache

if TYPE_CHECKING:
    import torch


class Gain(NamedTuple):
    """What compiling a whole UNet costs and saves.

    Attributes:
        seconds: that it takes once; the code is kept.
        saved: seconds per solver step of one image, by precision.
    """

    seconds: float
    saved: Mapping[str, float]


# Measured (docs/performance.md). Where nothing was, nothing is compiled unless asked for.
SMALL_ON_CPU = Gain(32.0, {"float32": 0.00056, "bfloat16": 0.00092})  # the bundled model, 32 slots, two cores
LARGE_ON_GPU = Gain(60.0, {"float16": 0.0015, "bfloat16": 0.0015})  # Stable Diffusion 1.5, 16 slots, an H200
RUNS = 2  # of one length, after which compiling must have paid
_CACHE_DIR = "TORCHINDUCTOR_CACHE_DIR"  # read by torch whenever it compiles


def choose(steps: int, dtype: str, gain: Gain) -> str:
    """``"full"`` if two runs like this one save what compiling takes once, else ``"off"``.

    Whether the code is there already does not matter, so that the same command makes the same bytes each time.

    Args:
        steps: solver steps of the whole run: steps per image, summed over its images.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        gain: of this kind of model on this kind of device.
    """
    return "full" if RUNS * steps * gain.saved.get(dtype, 0) >= gain.seconds else "off"


def works(device: torch.device) -> bool:
    """Whether torch.compile works on a device of this machine; on a GPU this is tried out."""
    if device.type == "cpu":
        return bool(compiler())
    return not _trouble(device)


def compiler() -> str:
    """The path of the C++ compiler that torch uses on a CPU, or ``""`` if there is none."""
    return shutil.which(os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")) or ""


def use(choice: str, unet: Any, device: torch.device) -> None:
    """Compile a UNet in place.

    Compilation happens at the UNet's first call, for the shapes of that call. The compiled code is kept in genie's
    cache, where a later run finds it; what torch.compile keeps, unless TORCHINDUCTOR_CACHE_DIR says where. A whole UNet
    on a CPU is compiled ahead of time, everything else by torch.compile, which a later run has to trace again.

    Args:
        choice: ``"off"``, ``"regional"`` (only its transformer blocks) or ``"full"``.
        unet: a diffusers UNet2DConditionModel.
        device: where it is.

    Raises:
        ModelError: torch.compile does not work on this machine.
    """
    if choice == "off":
        return
    if device.type == "cpu" and not compiler():
        raise ModelError(
            f"--compile {choice} needs a C++ compiler, and none was found",
            "install one (apt install g++; xcode-select --install), or set CXX to yours, or use --compile off",
        )
    _keep()
    if choice == "full" and device.type == "cpu":
        unet.forward = CompiledUNet(unet, _folder())
        return
    if trouble := _trouble(device):
        raise ModelError(f"--compile {choice} does not work here{trouble}", "use --compile off")
    compile_it = unet.compile_repeated_blocks if choice == "regional" else unet.compile
    compile_it(dynamic=False, options=_options(device))


def _options(device: torch.device) -> dict[str, Any] | None:
    """Torch chooses code for a GPU by timing it; two processes may then choose differently, and round differently."""
    from torch._inductor import config

    return {"deterministic": True} if device.type == "cuda" and hasattr(config, "deterministic") else None


def _keep() -> None:
    """Have torch keep compiled code where it outlives a restart, and other users cannot put theirs."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    # torch itself writes its default, a temporary folder, into the environment once it is imported.
    if os.environ.get(_CACHE_DIR, default_cache_dir()) != default_cache_dir():
        return
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # torch has a place of its own
        return
    os.environ[_CACHE_DIR] = str(folder)


def _folder() -> Path:
    return cache() / "compiled"


@functools.cache
def _trouble(device: torch.device) -> str:
    """What goes wrong when a tiny function is compiled and run, with punctuation; empty if nothing does.

    It is the only proof that compiler, headers and torch fit together, and is had once in a process.
    """
    import torch
    from torch._inductor import config

    try:
        ones = torch.ones(8, device=device)
        # Without the cache: a result of an earlier run would show nothing about the compiler of today.
        with config.patch(force_disable_caches=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            doubled = torch.compile(lambda x: x + x, dynamic=False)(ones)
    except Exception as error:  # compilers fail in many ways
        return f"; torch says: {said(error)}"
    return "" if (doubled == 2).all() else ": compiled code computes wrong results"
