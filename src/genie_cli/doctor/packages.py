"""Versions of Python, genie and other packages, and whether these can be imported."""

from __future__ import annotations

import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module, metadata

from genie_cli import __version__
from genie_cli.backbones import lite0
from genie_cli.doctor.finding import REINSTALL_TORCH, Finding
from genie_cli.errors import said

PACKAGES = ("torch", "torchvision", "diffusers", "transformers", "huggingface_hub")
# Why xformers fails is said with the attention kernels.
_OPTIONAL = {"xformers": "", lite0.PACKAGE: lite0.INSTALL}
OLDEST_RAY = (2, 60)
_INSTALL_RAY = "pip install 'genie-cli[ray]'  # for images on several machines: --ray"
_SECONDS_TO_IMPORT = 60.0


def packages() -> Iterator[Finding]:
    """Python, genie, what genie cannot do without, and what it can."""
    yield Finding("versions", "python", f"{platform.python_version()} on {platform.system()}")
    yield Finding("versions", "genie", __version__)
    for name in PACKAGES:
        yield package(name)
    for name, remedy in _OPTIONAL.items():
        try:
            yield Finding("versions", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding("versions", name, "not installed (optional)", remedy=remedy)
    yield ray()


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
        remedy = REINSTALL_TORCH if name.startswith("torch") else f"pip install --force-reinstall {name}"
        value = f"{version} cannot be imported; {name} says: {said(error)}"
        return Finding("versions", name, value, ok=False, remedy=remedy)
    return Finding("versions", name, version)


def ray() -> Finding:
    """Whether Ray is there for ``--ray``, and can be imported, which is tried in a process of its own."""
    try:
        version = metadata.version("ray")
    except metadata.PackageNotFoundError:
        return Finding("versions", "ray", "not installed (optional)", remedy=_INSTALL_RAY)
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_RAY:
        oldest = ".".join(map(str, OLDEST_RAY))
        return Finding("versions", "ray", f"{version} is too old for --ray: at least {oldest}", remedy=_INSTALL_RAY)
    if trouble := _trouble("ray"):
        value = f"{version} cannot be imported, so that there is no --ray; it says: {trouble}"
        return Finding("versions", "ray", value, remedy="pip install --force-reinstall ray")
    return Finding("versions", "ray", f"{version}, for --ray")


def _trouble(name: str) -> str:
    """Why a package that changes the process it is imported into cannot be; empty if it can."""
    command = [sys.executable, "-P", "-c", f"import {name}"]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and one of the names above
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS_TO_IMPORT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return said(error)
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1] if done.returncode else ""
