"""Resolves settings that are ``auto``: precision, slots, attention and compilation, before a model is loaded.

All of them affect an image's exact bytes. They are therefore written into the output folder's header, and a run that
resumes in that folder takes them from there (`generate.binding.following`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.config import Model
from genie_cli.devices import choose_device, choose_dtype
from genie_cli.diffusion import compiling, configuration
from genie_cli.diffusion.locate import Located
from genie_cli.diffusion.parts import UNet
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch

MAX_DECODE_ROWS = 8  # latents decoded in one batch, at most

# Stable Diffusion 1.x at 512 pixels in 16 bits, measured on a CPU as the growth of the process (docs/performance.md):
# 64 MiB per UNet row, of which a slot with guidance has two, and 384 MiB per decoded image.
_STEP_BYTES, _DECODE_BYTES = 128 * 2**20, 384 * 2**20
_MEASURED_SIDE = 64  # latent pixels; models of 768 pixels have 96, and need more in proportion to the area
_MOST_SLOTS = 16
_USED_SHARE = 0.8  # of the free memory; kernels need the rest as workspace


@dataclass(frozen=True)
class Choices:
    """Resolved settings of the machine that affect an image's exact bytes.

    Attributes:
        device: a device that works.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
        slots: images in one batch, a power of two.
        attention: ``"sdpa"``, ``"xformers"`` or ``"sliced"``.
        compile: ``"off"``, ``"regional"`` or ``"full"``.
    """

    device: torch.device
    dtype: str
    slots: int
    attention: str
    compile: str


def choose(model: Model, located: Located, steps: Callable[[], int], *, elsewhere: bool = False) -> Choices:
    """Resolve the settings; those that are not ``auto`` are kept.

    Args:
        model: the settings.
        located: the snapshot that will be loaded.
        steps: returns the number of solver steps of the whole plan, all shards together, so that every shard makes the
            same choice. Called only if the choice depends on it, because counting can take a while.
        elsewhere: images are made on other machines; a device that was named is not tried out on this one.

    Raises:
        ModelError: the device cannot be used, or it cannot be asked here how many slots it has room for.
    """
    device = _named(model.device) if elsewhere and model.device != "auto" else choose_device(model.device)
    dtype = choose_dtype(model.dtype, device)
    name = str(dtype).removeprefix("torch.")
    slots = _choose_slots(located, device, dtype) if model.slots == "auto" else model.slots
    attention = "sdpa" if model.attention == "auto" else model.attention
    compiled: str = model.compile
    if compiled == "auto":
        compiled = _choose_compilation(located, device, name, attention, steps, elsewhere=elsewhere)
    return Choices(device, name, slots, attention, compiled)


def _named(device: str) -> torch.device:
    import torch

    return torch.device(device)


def slots_that_fit(free: int, weights: int, step: int, decode: int, decode_rows: int) -> int:
    """The largest power of two up to 16 whose batch fits into memory; 1 if none does.

    Args:
        free: free bytes of the device's memory, before the model is loaded.
        weights: bytes of the model's weights.
        step: bytes per slot during a solver step.
        decode: bytes per image while it is decoded.
        decode_rows: images decoded in one batch, at most.
    """
    slots = _MOST_SLOTS
    while slots > 1 and weights + max(slots * step, min(slots, decode_rows) * decode) > _USED_SHARE * free:
        slots //= 2
    return slots


def _choose_slots(located: Located, device: torch.device, dtype: torch.dtype) -> int:
    """The number of slots that keeps this kind of device busy, whatever the plan's length."""
    import torch

    if _is_small(located):  # like the bundled model: a step of 32 images takes a quarter of the time of 32 steps of one
        return 32
    if device.type != "cuda":
        return 1
    if not torch.cuda.is_available():
        raise ModelError("this machine has no GPU to ask how many images fit into a batch", "say so: --slots 16")
    free, _ = torch.cuda.mem_get_info(device)
    family = configuration.read(located.path).family
    larger = max(1, math.ceil((_side(located) / _MEASURED_SIDE) ** 2))
    step = larger * _STEP_BYTES * dtype.itemsize // 2
    decode = larger * _DECODE_BYTES * family.vae_dtype(dtype).itemsize // 2
    return slots_that_fit(free, family.parameters * dtype.itemsize, step, decode, MAX_DECODE_ROWS)


def _choose_compilation(
    located: Located, device: torch.device, dtype: str, attention: str, steps: Callable[[], int], *, elsewhere: bool
) -> str:
    """``"full"`` where compiling pays and works, else ``"off"``. On other machines it cannot be tried out."""
    gain = {("cpu", True): compiling.SMALL_ON_CPU, ("cuda", False): compiling.LARGE_ON_GPU}.get(
        (device.type, _is_small(located))
    )
    if gain is None or attention != "sdpa" or (elsewhere and device.type == "cuda"):
        return "off"
    choice = compiling.choose(steps(), dtype, gain)
    return choice if choice == "off" or compiling.works(device) else "off"


def _is_small(located: Located) -> bool:
    return _side(located) <= 16


def _side(located: Located) -> int:
    """Side of the latents, in latent pixels."""
    return configuration.read_part(located.path / "unet/config.json", UNet).side
