"""What lies in the Hugging Face hub's cache: which snapshots of which models, and what they can be called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genie_cli.diffusion import layout
from genie_cli.errors import ModelError


def snapshots(repository: Path) -> dict[str, Path]:
    """The snapshots in a model's folder of the cache, whole or not, by a branch or tag, else by the commit."""
    found: dict[str, Path] = {}
    with suppress(OSError):
        found = {entry.name: entry for entry in sorted((repository / "snapshots").iterdir()) if entry.is_dir()}
    called = {commit: commit for commit in found}
    with suppress(OSError, UnicodeDecodeError):
        for ref in sorted((repository / "refs").rglob("*")):
            if ref.is_file() and (commit := ref.read_text(encoding="utf-8").strip()) in found:
                called[commit] = ref.relative_to(repository / "refs").as_posix()
    return {called[commit]: path for commit, path in found.items()}


def whole_snapshots(name: str) -> dict[str, Path]:
    """The snapshots of a model of which no file is missing; keys as of `snapshots`."""
    return {label: path for label, path in snapshots(_cache() / folder_of(name)).items() if _is_whole(path)}


def stable_diffusions() -> Iterator[tuple[str, list[str]]]:
    """The models in the cache with all parts of Stable Diffusion, and what their whole snapshots are called."""
    repositories: list[Path] = []
    with suppress(OSError):
        repositories = sorted(_cache().glob("models--*--*"))
    for repository in repositories:
        if labels := list(whole_snapshots(name := name_of(repository))):
            yield name, labels


def name_of(repository: Path) -> str:
    """The hub id that a folder of a cache belongs to; empty if it is none."""
    kind, _, rest = repository.name.partition("--")
    owner, _, name = rest.partition("--")
    return f"{owner}/{name}" if kind == "models" and owner and name else ""


def folder_of(name: str) -> str:
    """The name of a model's folder in the cache."""
    return f"models--{name.replace('/', '--')}"


def _cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _is_whole(path: Path) -> bool:
    try:
        return not layout.missing(path)
    except (ModelError, OSError):
        return False
