"""What a folder is to the Hugging Face hub: a snapshot in its cache, a folder above, or the target of a download."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from genie_cli.diffusion import hub, hub_cache
from genie_cli.errors import ModelError, shorten

_ASIDE = ".cache/huggingface"  # in a folder that was downloaded into: what is there of the files, and what is not yet


def half_downloaded(path: Path, lost: Iterable[str]) -> ModelError | None:
    """The error for a folder that lacks files because its download was not finished; None if it is none of the hub's.

    Args:
        path: the folder.
        lost: the files that it lacks, by their paths in it.
    """
    if name := _name_in_cache(path):
        command = _download(name, path.name, path.parents[2], path)
    elif (path / _ASIDE).is_dir():
        command = f"hf download OWNER/NAME --local-dir {shlex.quote(str(path))}"
    else:
        return None
    return ModelError(
        f"{path} is only partly downloaded: it has no {shorten(list(lost))}{_how_far(path)}",
        f"complete it, on a machine with a network: {command}",
    )


def refuse_folder_above(path: Path) -> None:
    """Raise ModelError for a folder of the hub's cache that snapshots are in, with the line that names one of them."""
    above = path.parent if path.name == "snapshots" else path
    name = hub_cache.name_of(above)
    if not (name and path in (above, above / "snapshots")):
        return
    lines = [f"--model {name} --revision {label}" for label in hub_cache.snapshots(above)]
    raise ModelError(
        f"{path} is a folder of the hub's cache, and no snapshot: those are in {above / 'snapshots'}",
        lines or f"there is none yet: {_download(name, None, above.parent)}",
    )


def _name_in_cache(path: Path) -> str:
    """The hub id of a snapshot in a cache; empty if the folder is none."""
    return hub_cache.name_of(path.parents[1]) if len(path.parents) > 2 and path.parent.name == "snapshots" else ""


def _download(name: str, revision: str | None, cache: Path, path: Path | None = None) -> str:
    from huggingface_hub import constants

    there = os.path.realpath(cache) == os.path.realpath(constants.HF_HUB_CACHE)
    return hub.download_command(name, revision, path) + ("" if there else f" --cache-dir {shlex.quote(str(cache))}")


def _how_far(path: Path) -> str:
    """Whether files are there in part: their content has another name until it is whole."""
    folders = (path / _ASIDE, path.parents[1] / "blobs") if _name_in_cache(path) else (path / _ASIDE,)
    with suppress(OSError):
        if any(next(folder.rglob("*.incomplete"), None) for folder in folders):
            return ", and has files of which a part is there"
    return ""
