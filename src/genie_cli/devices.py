"""Devices and precisions: from the name of one to what torch takes, and settings that make them fast."""

from __future__ import annotations

import ctypes
import difflib
import os
import platform
import re
from functools import cache
from typing import TYPE_CHECKING

from genie_cli.errors import ModelError, UsageError, said
from genie_cli.processor import multiplies_bfloat16

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# torch's device types that can hold a model, and "npu", which a plug-in adds.
_TYPES = ("cpu", "cuda", "mps", "xpu", "hpu", "mtia", "xla", "npu", "privateuseone")
_OTHER_NAMES = {"gpu": "cuda", "nvidia": "cuda", "amd": "cuda", "hip": "cuda", "rocm": "cuda", "metal": "mps"}
_HINT_FOR_LISTS = "use --devices all, cuda:0,cuda:1 or cpu*2"
_MOST_PROCESSES = 256
_HINT = "use --device cpu, cuda, cuda:1 or mps; see genie doctor"

# What torch says of a device that it cannot use, by a part of its message, and what that means.
_CAUSES = {
    "Found no NVIDIA driver": "there is no NVIDIA driver on this machine",
    "driver on your system is too old": "the NVIDIA driver is too old for this build of torch",
    "invalid device ordinal": "there is no GPU with this number",
    "busy or unavailable": "another process has exclusive use of the GPU",
    "no kernel image is available": "this build of torch has no kernels for this GPU",
    "out of memory": "its memory is full",
    "not compiled with": "this build of torch does not support it",
    "not linked with": "this build of torch does not support it",
    "Could not run 'aten::": "this build of torch does not support it",
    "No module named 'torch.": "this build of torch does not support it",
    "meta tensor": "it holds no data",
    "Expected one of": "it is not the name of a device",
    "Invalid device string": "it is not the name of a device",
    "must not be empty": "it is not the name of a device",
}

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
_LARGEST_IN_HEAP = 2**25  # bytes: the largest threshold that every glibc accepts (man mallopt)
_KEPT_BYTES = 2**30


def parse_device(text: str) -> str:
    """Check that ``text`` is the name of a device, and return it. Does not import torch.

    Whether the device exists on this machine is checked by `choose_device`.

    Args:
        text: ``"auto"``, or a device type with or without an index: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises:
        UsageError: it is no such name; the message suggests the nearest one.
    """
    kind, colon, index = text.partition(":")
    if text == "auto" or (kind in _TYPES and (not colon or re.fullmatch("0|[1-9][0-9]*", index, re.ASCII))):
        return text
    _require_one(text)
    near = _nearest_device(text)
    raise UsageError(f"there is no device {text!r}" + (f"; did you mean {near}?" if near else ""), _HINT)


def _require_one(text: str) -> None:
    """Raise UsageError for a list of devices as `parse_devices` takes it."""
    if not ("," in text or "*" in text or text == "all"):
        return
    try:
        first = parse_devices(text)[0]
    except UsageError:
        return
    single = "auto" if first == "all" else first
    raise UsageError(
        f"--device takes one device, and {text!r} are several",
        f"use --devices {text} with the commands that make images; the others take one: --device {single}",
    )


def _nearest_device(text: str) -> str:
    """The device name that was probably meant, or ``""``: ``cuda`` for ``gpu``, ``cuda:1`` for ``cuda1``."""
    match = re.fullmatch(r"([a-z]*)[\s:_-]*(\w*)", text.lower().strip(" :"), re.ASCII)
    if not match or not any(match.groups()):
        return ""
    kind, index = match.groups()
    kind = _OTHER_NAMES.get(kind, kind) or "cuda"  # a bare number is a GPU's, as for other programs
    names = difflib.get_close_matches(kind, ("auto", *_TYPES), n=1)
    if not names:
        return ""
    numbered = names[0] != "auto" and index
    return f"{names[0]}:{int(index) if index.isdigit() else 0}" if numbered else names[0]


def parse_devices(text: str) -> tuple[str, ...]:
    """The devices of a list, one for each process: ``cuda:0,cuda:1`` are two, and so are ``cpu*2``.

    Args:
        text: devices of one kind, with commas; ``all``: every GPU of this machine, else the CPU; empty: none.

    Returns:
        Names that `choose_device` takes; ``("all",)`` is left for `all_devices`.

    Raises:
        UsageError: one is not the name of a device, or they are of two kinds, which make different bytes.
    """
    if text.strip() in ("", "all"):
        return (text.strip(),) if text.strip() else ()
    found: list[str] = []
    for item in text.split(","):
        name, star, count = item.strip().partition("*")
        if star and not (count.isascii() and count.isdigit() and 1 <= int(count) <= _MOST_PROCESSES):
            raise UsageError(
                f"{item.strip()!r}: after * comes the number of processes, 1 to {_MOST_PROCESSES}", _HINT_FOR_LISTS
            )
        if name == "auto":
            raise UsageError("auto is no list of devices", _HINT_FOR_LISTS)
        found += [parse_device(name)] * (int(count) if star else 1)
    if len(kinds := sorted({name.partition(":")[0] for name in found})) > 1:
        raise UsageError(f"devices of two kinds make different images: {kinds[0]} and {kinds[1]}", _HINT_FOR_LISTS)
    return tuple(found)


def all_devices() -> tuple[str, ...]:
    """Every GPU of this machine that torch can use; the CPU if there is none."""
    import torch

    return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) or ("cpu",)


def devices_of(text: str) -> tuple[str, ...]:
    """The devices of a list as `parse_devices` takes it, with those of this machine for ``all``."""
    devices = parse_devices(text)
    return all_devices() if devices == ("all",) else devices


def hardware_name(device: torch.device) -> str:
    """What decides, besides versions and settings, which bytes a device computes: its model, of a CPU its kernels."""
    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "cpu":
        return f"{platform.machine()} CPU, {torch.backends.cpu.get_cpu_capability()}"
    return device.type


def choose_device(wanted: str) -> torch.device:
    """The torch device called ``wanted``, once a small computation on it has worked.

    Args:
        wanted: ``"auto"`` (CUDA if torch can use it, else an Apple GPU, else the CPU) or a device name; see
            `parse_device`.

    Raises:
        UsageError: it is a list of devices.
        ModelError: this machine has no such device, or torch cannot use it.
    """
    import torch

    _require_one(wanted)

    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "mps" if _mps_works() else "cpu"
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # a device can exist and still be unable to hold data
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ModelError(
            f"device {wanted!r} cannot be used: {device_trouble(error)}", "see genie doctor, or use --device cpu"
        ) from None
    return torch.device("cpu") if device.type == "cpu" else device  # torch takes cpu:1, too, and there is one CPU


def _mps_works() -> bool:
    """Whether this machine has an Apple GPU on which torch convolves, as every network here does."""
    import torch

    if not torch.backends.mps.is_available():
        return False
    try:
        image = torch.ones(1, 3, 8, 8, device="mps")
        return bool(torch.nn.functional.conv2d(image, image).item() == image.numel())
    except (RuntimeError, AssertionError, ImportError, TypeError):
        return False


def is_usable(device: torch.device) -> bool:
    """Whether this machine has such a device, and a small computation on it works."""
    try:
        choose_device(str(device))
    except ModelError:
        return False
    return True


def device_trouble(error: Exception) -> str:
    """Why torch cannot use a device: a plain phrase for the frequent causes, else what torch says, in one line."""
    text = str(error)
    return next((cause for part, cause in _CAUSES.items() if part in text), f"torch says: {said(error)}")


def choose_dtype(wanted: str, device: torch.device) -> torch.dtype:
    """The torch dtype of a precision setting on ``device``.

    Args:
        wanted: ``"auto"`` (float16 on CUDA, else float32), ``"half"`` (the same, but bfloat16 on CPUs that multiply
            it fast, see `processor.multiplies_bfloat16`), ``"float32"``, ``"float16"`` or ``"bfloat16"``.
    """
    import torch

    if wanted in ("auto", "half"):
        elsewhere = "bfloat16" if wanted == "half" and device.type == "cpu" and multiplies_bfloat16() else "float32"
        wanted = "float16" if device.type == "cuda" else elsewhere
    chosen: torch.dtype = getattr(torch, wanted)
    return chosen


def cores() -> int:
    """How many cores of the CPU this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_main_process() -> bool:
    """Whether this process is the only one, or the first of those that torchrun or accelerate started."""
    return os.environ.get("RANK", "0") == "0"


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on ``device``. Copies to a GPU start from pinned memory, so that the host does not wait for them."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@cache
def keep_freed_memory() -> bool:
    """Make glibc reuse freed memory instead of returning it to the system. Results do not change.

    A model on the CPU allocates the same few tensors of some MiB at every step. By default glibc maps each one anew
    and unmaps it when it is freed, so the system has to clear all of its pages at every step.

    Returns:
        Whether the C library is glibc and accepted; others need no such setting.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_IN_HEAP) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
