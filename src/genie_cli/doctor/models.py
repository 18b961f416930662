"""The bundled models, and the cache of the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from genie_cli.backbones import digits
from genie_cli.config import BUNDLED, Model
from genie_cli.diffusion.hub import cached, download_command, missing
from genie_cli.diffusion.hub_cache import stable_diffusions
from genie_cli.diffusion.locate import REINSTALL, locate
from genie_cli.doctor.disk import disk
from genie_cli.doctor.finding import Finding
from genie_cli.errors import ModelError
from genie_cli.files.reading import is_file, reason

DEFAULT = Model()
_OTHER_CACHE = "export HF_HUB_CACHE=/path/on/another/disk  # or free some space: hf cache prune"


def bundled(whole: bool) -> Iterator[Finding]:
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


def cache() -> Iterator[Finding]:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    yield _model(offline=constants.HF_HUB_OFFLINE)
    for name, labels in stable_diffusions():
        if name != DEFAULT.name or DEFAULT.commit not in labels:
            yield Finding("cache", name, f"cached: --revision {', '.join(labels)}")
    yield Finding("cache", "HF_HUB_OFFLINE", "on: nothing is downloaded" if constants.HF_HUB_OFFLINE else "off")
    # Whether it is set, never its value.
    yield Finding("cache", "HF_TOKEN", "set" if os.environ.get("HF_TOKEN") else "not set (public models need none)")
    yield disk("model cache", folder, _OTHER_CACHE)


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
