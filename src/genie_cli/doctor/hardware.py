"""The device that genie uses, its memory, and what works on it: precisions and attention kernels."""

from __future__ import annotations

import os
import platform
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.devices import choose_device, choose_dtype, device_trouble
from genie_cli.diffusion.attention import kernels
from genie_cli.doctor.finding import REINSTALL_TORCH, Finding, gib
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch


def hardware() -> Iterator[Finding]:
    """All that needs torch."""
    device = _device()
    yield from _devices(device)
    yield from _memory(device)
    yield from _precision(device)
    yield from _attention(device)


def _device() -> torch.device:
    """The device that genie uses by default; the CPU if that device does not work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as one about an old driver, which `_unused_nvidia` reports
        try:
            return choose_device("auto")
        except ModelError:
            return choose_device("cpu")


def _devices(device: torch.device) -> Iterator[Finding]:
    import torch

    if device.type == "cuda":
        for index in range(torch.cuda.device_count()):
            major, minor = torch.cuda.get_device_capability(index)
            name = torch.cuda.get_device_name(index)
            yield Finding("device", f"cuda:{index}", f"{name}, compute capability {major}.{minor}")
        return
    yield Finding("device", "cpu", f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    if torch.backends.mps.is_available():
        used = "used by default" if device.type == "mps" else "torch cannot use it"
        yield Finding("device", "mps", f"Apple GPU, {used} (unmeasured)")
    yield from _unused_nvidia()


def _unused_nvidia() -> Iterator[Finding]:
    """An NVIDIA GPU that exists but is not used by torch."""
    import torch

    if not (shutil.which("nvidia-smi") or Path("/dev/nvidia0").exists() or torch.cuda.is_available()):
        return
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        value = "hidden by CUDA_VISIBLE_DEVICES"
        yield Finding("device", "NVIDIA GPU", value, remedy="unset CUDA_VISIBLE_DEVICES")
    elif torch.version.cuda is None:
        value = f"torch {torch.__version__} was built without CUDA"
        yield Finding("device", "NVIDIA GPU", value, ok=False, remedy=REINSTALL_TORCH)
    else:
        remedy = f"nvidia-smi  # must list the GPU and CUDA {torch.version.cuda} or newer; else update the driver"
        yield Finding("device", "NVIDIA GPU", f"torch cannot use it: {_cuda_trouble()}", ok=False, remedy=remedy)


def _cuda_trouble() -> str:
    """Why torch cannot use CUDA, in one line."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.zeros(1, device="cuda")
    except Exception as error:  # RuntimeError, AssertionError, torch's own
        return device_trouble(error)
    return "torch.cuda.is_available() is False"


def _memory(device: torch.device) -> Iterator[Finding]:
    import torch

    if device.type == "cuda":
        for index in range(torch.cuda.device_count()):
            try:
                free, total = torch.cuda.mem_get_info(index)
            except RuntimeError as error:  # a GPU in exclusive mode that another process holds
                remedy = "nvidia-smi  # shows which process holds the GPU"
                value = f"cannot be read: {device_trouble(error)}"
                yield Finding("memory", f"cuda:{index}", value, ok=False, remedy=remedy)
            else:
                yield Finding("memory", f"cuda:{index}", f"{gib(free)} free of {gib(total)}")
    total_ram, free_ram = _ram("SC_PHYS_PAGES"), _ram("SC_AVPHYS_PAGES")
    yield Finding("memory", "RAM", f"{free_ram} free, not counting disk caches, of {total_ram}")


def _ram(pages: str) -> str:
    """The size of a number of memory pages that the system reports, or ``"unknown"``.

    macOS does not report the free pages, Windows reports none.
    """
    try:
        return gib(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return "unknown"


def _precision(device: torch.device) -> Iterator[Finding]:
    import torch

    used = choose_dtype("auto", device)
    for name, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}.items():
        trouble = _matmul_trouble(device, dtype)
        value = trouble or ("works, the default here" if dtype is used else "works")
        ok = not trouble or dtype is not used
        yield Finding("precision", name, value, ok=ok, remedy="" if ok else REINSTALL_TORCH)


def _matmul_trouble(device: torch.device, dtype: torch.dtype) -> str:
    """Why a small matrix product fails; empty if it works."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "your GPU is too new for this torch": the product then fails
            ones = torch.ones(16, 16, device=device, dtype=dtype)
            correct = bool((ones @ ones == 16).all())
    except Exception as error:  # no kernel for this GPU, no such type on this device, ...
        return f"does not work: {device_trouble(error)}"
    return "" if correct else "does not work: a matrix product of ones is wrong"


def _attention(device: torch.device) -> Iterator[Finding]:
    found = kernels(device, choose_dtype("auto", device))
    for kernel in found:
        value = ": ".join(filter(None, ("works" if kernel.works else "does not work", kernel.reason)))
        yield Finding("attention", kernel.name, value)
    if not any(kernel.works for kernel in found):
        yield Finding("attention", "any", "no kernel works", ok=False, remedy=REINSTALL_TORCH)
