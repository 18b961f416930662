"""Whether and how a UNet is compiled, and when that pays. This module does not know the slots or the CLI."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch

# Measured on two cores with the bundled model, 32 slots (docs/performance.md): seconds that compiling the whole UNet
# took, and seconds that it then saved at each step of one slot. Where nothing was measured nothing is compiled.
WARM_UP = 25.0
SAVED = {"float32": 0.00034, "bfloat16": 0.00063}
_CLEAR_WIN = 2  # the saving must be that many times the warm-up, since another machine differs


def choose(steps: int, dtype: str) -> str:
    """``"full"`` if compiling saves clearly more time than it takes, else ``"off"``; on a CPU, for a small model.

    Args:
        steps: solver steps that the run takes, of all its images together.
        dtype: the precision's name.
    """
    saved = steps * SAVED.get(dtype, 0)
    return "full" if saved >= _CLEAR_WIN * WARM_UP else "off"


def compiler() -> str:
    """The path of the C++ compiler that torch.compile would call, or ``""``."""
    return shutil.which(os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")) or ""


def use(choice: str, unet: Any, device: torch.device) -> None:
    """Compile the UNet as chosen: ``"off"``, ``"regional"`` (its transformer blocks) or ``"full"`` (all of it).

    The work is done at the first call, for that call's shape.

    Raises:
        ModelError: this machine cannot compile.
    """
    if choice == "off":
        return
    _require(device, choice)
    if choice == "regional":
        unet.compile_repeated_blocks(dynamic=False)
    else:
        unet.compile(dynamic=False)


def _require(device: torch.device, choice: str) -> None:
    """Compile something tiny and run it: only that says that compiler, headers and torch fit together."""
    import torch
    from torch._inductor import config

    flag = f"--compile {choice}"
    if device.type == "cpu" and not compiler():
        raise ModelError(
            f"{flag} needs a C++ compiler, and there is none",
            "install one (apt install g++; xcode-select --install), or name yours in CXX, or take --compile off",
        )
    ones = torch.ones(8, device=device)
    try:
        # Not from the cache of an earlier run, which shows nothing about this machine's compiler today.
        with config.patch(force_disable_caches=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            doubled = torch.compile(lambda x: x + x, dynamic=False)(ones)
    except Exception as error:  # compilers fail in many ways
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{flag} does not work here: {reason}", "take --compile off") from None
    if not (doubled == 2).all():
        raise ModelError(f"{flag}: what torch compiles here gives wrong results", "take --compile off")
