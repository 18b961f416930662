"""What ``auto`` means: precision, slots, attention and compilation, settled before a model is loaded.

All of it decides an image's exact bytes, so it is written into the output folder's header, and a run that goes on
there follows the header (`config.Model.following`). This module does not know files out or the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.config import Model
from genie_cli.devices import choose_device, multiplies_bfloat16
from genie_cli.diffusion import compiling
from genie_cli.diffusion.locate import Located, read_config

if TYPE_CHECKING:
    import torch

# Stable Diffusion 1.x at 512 pixels in 16 bits. Bytes were measured on a CPU (docs/performance.md), as what the
# process grew by: a UNet row takes 64 MiB, of which a slot with guidance needs two, and a decoded image 384 MiB.
_PARAMETERS = 1_070_000_000  # UNet, autoencoder and text encoder
_STEP_BYTES, _DECODE_BYTES = 128 * 2**20, 384 * 2**20
_MOST_SLOTS = 16
_USED_SHARE = 0.8  # of the free memory: kernels want room to work in


@dataclass(frozen=True)
class Choices:
    """Everything of the machine's that decides an image's exact bytes.

    Attributes:
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        slots: B, a power of two.
        attention: ``"sdpa"``, ``"xformers"`` or ``"sliced"``.
        compile: ``"off"``, ``"regional"`` or ``"full"``.
    """

    device: torch.device
    dtype: str
    slots: int
    attention: str
    compile: str


def choose(model: Model, located: Located, steps: Callable[[], int]) -> Choices:
    """What the settings ask for, and what they leave to ``auto``.

    Args:
        steps: counts the solver steps that the whole plan takes, all shards together, so that they choose alike; asked
            only if it matters.

    Raises:
        ModelError: the device is not there.
    """
    device = choose_device(model.device)
    dtype = choose_dtype(model.dtype, device)
    name = str(dtype).removeprefix("torch.")
    slots = _choose_slots(located, device, dtype) if model.slots == "auto" else model.slots
    attention = "sdpa" if model.attention == "auto" else model.attention
    measured = _is_small(located) and device.type == "cpu" and attention == "sdpa" and bool(compiling.compiler())
    compiled: str = model.compile
    if compiled == "auto":
        compiled = compiling.choose(steps(), name) if measured else "off"
    return Choices(device, name, slots, attention, compiled)


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """float16 on CUDA and float32 elsewhere, unless one is asked for; ``half`` also halves it on CPUs with AMX."""
    import torch

    if wanted in ("auto", "half"):
        elsewhere = "bfloat16" if wanted == "half" and device.type == "cpu" and multiplies_bfloat16() else "float32"
        wanted = "float16" if device.type == "cuda" else elsewhere
    chosen: torch.dtype = getattr(torch, wanted)
    return chosen


def slots_that_fit(free: int, weights: int, step: int, decode: int, decode_rows: int) -> int:
    """The largest power of two, at most 16, that fits; 1 if none does.

    Args:
        free: bytes of the device that are free before the model is loaded.
        weights: bytes that the model takes.
        step: bytes that one slot takes in a step.
        decode: bytes that one image takes while it is decoded.
        decode_rows: images decoded together, at most.
    """
    slots = _MOST_SLOTS
    while slots > 1 and weights + max(slots * step, min(slots, decode_rows) * decode) > _USED_SHARE * free:
        slots //= 2
    return slots


def _choose_slots(located: Located, device: torch.device, dtype: torch.dtype) -> int:
    """Slots when nobody says: what a device of this kind keeps busy, whatever the plan's length."""
    import torch

    from genie_cli.diffusion.slots import MAX_DECODE_ROWS

    if _is_small(located):  # like the bundled model: 32 rows cost a quarter of 32 single ones
        return 32
    if device.type != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    halves = dtype.itemsize // 2
    weights = _PARAMETERS * dtype.itemsize
    return slots_that_fit(free, weights, halves * _STEP_BYTES, halves * _DECODE_BYTES, MAX_DECODE_ROWS)


def _is_small(located: Located) -> bool:
    side = read_config(located.path / "unet" / "config.json").get("sample_size")
    return isinstance(side, int) and side <= 16
