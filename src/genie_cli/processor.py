"""The processor that runs what no GPU runs: what it is, and which arithmetic torch does fast on it."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_TOLD_APART_BY = ("vendor_id", "model name", "flags", "Features", "CPU part")  # how lines of /proc/cpuinfo begin


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions that multiply bfloat16 (AMX or AVX512-BF16), and so is faster with it."""
    import torch

    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@cache
def mkl_is_slow() -> bool:
    """Whether torch multiplies float32 matrices with MKL on a processor with AVX-512 that MKL does not use it on."""
    import torch

    by_mkl = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    return by_mkl and torch.cpu._is_avx512_supported() and is_of_amd(description())


def is_of_amd(described: str) -> bool:
    """Whether a processor, as the system describes it, was made by AMD."""
    return "AuthenticAMD" in described


def description() -> str:
    """What the system says about the processor: each different line of Linux's /proc/cpuinfo, or its name elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = {line for line in lines if line.startswith(_TOLD_APART_BY)}
    return "\n".join(sorted(told))
