"""Compiling a UNet with torch.compile: whether it pays, whether it works here, and doing it."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError, said
from genie_cli.files.cache import cache

if TYPE_CHECKING:
    import torch

# Measured on two cores with the bundled model and 32 slots (docs/performance.md), by precision. Where nothing was
# measured, nothing is compiled unless asked for.
COMPILE_SECONDS = 25.0  # for the whole UNet, once per run
SAVED_SECONDS = {"float32": 0.00034, "bfloat16": 0.00063}  # per solver step of one image
_CACHE_DIR = "TORCHINDUCTOR_CACHE_DIR"  # read by torch whenever it compiles
_CLEAR_WIN = 2  # times as much must be saved as is spent, since other machines differ


def choose(steps: int, dtype: str) -> str:
    """``"full"`` if compiling a small UNet on a CPU saves clearly more time than it takes, else ``"off"``.

    Args:
        steps: solver steps of the whole run: steps per image, summed over its images.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
    """
    saved = steps * SAVED_SECONDS.get(dtype, 0)
    return "full" if saved >= _CLEAR_WIN * COMPILE_SECONDS else "off"


def compiler() -> str:
    """The path of the C++ compiler that torch.compile uses on a CPU, or ``""`` if there is none."""
    return shutil.which(os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")) or ""


def use(choice: str, unet: Any, device: torch.device) -> None:
    """Compile a UNet in place.

    Compilation happens at the UNet's first call, for the shapes of that call. The compiled code is kept in genie's
    cache, where a later run finds it, unless TORCHINDUCTOR_CACHE_DIR says where.

    Args:
        choice: ``"off"``, ``"regional"`` (only its transformer blocks) or ``"full"``.
        unet: a diffusers UNet2DConditionModel.
        device: where it is.

    Raises:
        ModelError: torch.compile does not work on this machine.
    """
    if choice == "off":
        return
    _keep()
    _require(device, choice)
    if choice == "regional":
        unet.compile_repeated_blocks(dynamic=False)
    else:
        unet.compile(dynamic=False)


def _keep() -> None:
    """Have torch keep compiled code where it outlives a restart, and other users cannot put theirs."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    # torch itself writes its default, a temporary folder, into the environment once it is imported.
    if os.environ.get(_CACHE_DIR, default_cache_dir()) != default_cache_dir():
        return
    folder = cache() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # torch has a place of its own
        return
    os.environ[_CACHE_DIR] = str(folder)


def _require(device: torch.device, choice: str) -> None:
    """Compile and run a tiny function: the only proof that compiler, headers and torch fit together."""
    import torch
    from torch._inductor import config

    flag = f"--compile {choice}"
    if device.type == "cpu" and not compiler():
        raise ModelError(
            f"{flag} needs a C++ compiler, and none was found",
            "install one (apt install g++; xcode-select --install), or set CXX to yours, or use --compile off",
        )
    ones = torch.ones(8, device=device)
    try:
        # Without the cache: a result of an earlier run would show nothing about the compiler of today.
        with config.patch(force_disable_caches=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            doubled = torch.compile(lambda x: x + x, dynamic=False)(ones)
    except Exception as error:  # compilers fail in many ways
        raise ModelError(f"{flag} does not work here; torch says: {said(error)}", "use --compile off") from None
    if not (doubled == 2).all():
        raise ModelError(f"{flag} does not work here: compiled code computes wrong results", "use --compile off")
