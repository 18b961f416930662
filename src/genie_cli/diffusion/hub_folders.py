"""What a folder is to the Hugging Face hub: a snapshot in its cache, a folder above, or the target of a download."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from genie_cli.diffusion import hub
from genie_cli.errors import ModelError, shorten

_ASIDE = ".cache/huggingface"  # in a folder that was downloaded into: what is there of the files, and what is not yet


def half_downloaded(path: Path, lost: Iterable[str]) -> ModelError | None:
    """The error for a folder that lacks files because its download was not finished; None if it is none of the hub's.

    Args:
        path: the folder.
        lost: the files that it lacks, by their paths in it.
    """
    if name := _name_in_cache(path):
        command = _download(name, path.name, path.parents[2])
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
    name = _name_of(above)
    if not (name and path in (above, above / "snapshots")):
        return
    found = snapshots(above)
    lines = [f"--model {name} --revision {commit}" for commit in found]
    raise ModelError(
        f"{path} is a folder of the hub's cache, and no snapshot: those are in {above / 'snapshots'}",
        lines or f"there is none yet: {_download(name, None, above.parent)}",
    )


def snapshots(repository: Path) -> list[str]:
    """What the snapshots in a folder of the hub's cache can be called: a branch or tag, else the commit."""
    commits: dict[str, str] = {}
    with suppress(OSError):
        commits = {entry.name: entry.name for entry in sorted((repository / "snapshots").iterdir()) if entry.is_dir()}
    with suppress(OSError, UnicodeDecodeError):
        for ref in sorted((repository / "refs").rglob("*")):
            if ref.is_file() and (commit := ref.read_text(encoding="utf-8").strip()) in commits:
                commits[commit] = ref.relative_to(repository / "refs").as_posix()
    return list(commits.values())


def _name_in_cache(path: Path) -> str:
    """The hub id of a snapshot in a cache; empty if the folder is none."""
    return _name_of(path.parents[1]) if len(path.parents) > 2 and path.parent.name == "snapshots" else ""


def _name_of(repository: Path) -> str:
    """The hub id that a folder of a cache belongs to; empty if it is none."""
    kind, _, rest = repository.name.partition("--")
    owner, _, name = rest.partition("--")
    return f"{owner}/{name}" if kind == "models" and owner and name else ""


def _download(name: str, revision: str | None, cache: Path) -> str:
    from huggingface_hub import constants

    there = os.path.realpath(cache) == os.path.realpath(constants.HF_HUB_CACHE)
    return hub.download_command(name, revision) + ("" if there else f" --cache-dir {shlex.quote(str(cache))}")


def _how_far(path: Path) -> str:
    """Whether files are there in part: their content has another name until it is whole."""
    folders = (path / _ASIDE, path.parents[1] / "blobs") if _name_in_cache(path) else (path / _ASIDE,)
    with suppress(OSError):
        if any(next(folder.rglob("*.incomplete"), None) for folder in folders):
            return ", and has files of which a part is there"
    return ""
