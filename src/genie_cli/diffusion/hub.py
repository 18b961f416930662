"""Snapshots in the Hugging Face hub's cache: found if all of their files are there, else downloaded."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from genie_cli.diffusion import downloads, families, hub_cache, layout
from genie_cli.diffusion.hub_calls import hub_calls
from genie_cli.diffusion.hub_errors import download_trouble
from genie_cli.diffusion.libraries import guarded, quiet
from genie_cli.diffusion.other_families import refuse_others
from genie_cli.diffusion.stable_diffusion import StableDiffusion
from genie_cli.errors import ModelError, shorten
from genie_cli.files.reading import look, reason
from genie_cli.observer import Observer, Progress

TRY_BUNDLED = "try the bundled model, without a download: --model digits"
_INDEX = "model_index.json"  # it says which family a model is of, and so which parts it has
_NOT_WANTED = ["*non_ema*", "*.bin", "*flax*"]


def snapshot(name: str, revision: str | None, observer: Observer) -> Path:
    """The snapshot's folder in the hub's cache, downloaded if it is not whole there.

    The observer is told how much is to be downloaded, and if the hub does not answer.

    Raises:
        ModelError: the name or revision is none of the hub's, the cache cannot be read, or what is missing cannot be
            downloaded.
    """
    _check_names(name, revision)
    found = cached(name, revision)
    if found and not missing(name, found):
        return found
    try:
        complete = _download(name, revision, observer)
    except ModelError:
        raise
    except Exception as error:  # errors of the hub, the network and the disk have no common base class
        raise _unavailable(name, revision, found, f"could not be downloaded: {download_trouble(error)}") from None
    if missing(name, complete):
        _refuse_pickles(name, complete)
        raise _unavailable(name, revision, complete, "the hub has no more of it, or cannot be reached")
    return complete


def cached(name: str, revision: str | None) -> Path | None:
    """The snapshot's folder in the hub's cache, whole or not; None if there is none.

    Raises:
        ModelError: the cache cannot be read.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    def refuse(why: str) -> ModelError:
        return ModelError(
            f"the cache of the hub, {constants.HF_HUB_CACHE}, cannot be read: {why}", "set HF_HUB_CACHE to another"
        )

    with guarded(refuse):
        look(constants.HF_HUB_CACHE)
        try:
            return _fetch(name, revision, _patterns(families.PARTS), local_only=True)
        except LocalEntryNotFoundError as error:
            # The hub lists files that are not in the cache, such as another precision; those that are may be enough.
            partial = getattr(error, "snapshot_path", None)
            return Path(partial) if partial else None
        except HFValidationError:
            raise _not_an_id(name) from None


def missing(name: str, path: Path) -> list[str]:
    """The files that a cached snapshot lacks, by the hub's list of its files where that is cached, too.

    Raises:
        ModelError: a file is not as long as in the hub's list.
    """
    lost = layout.missing(path)
    for file, size in _listed(name, path.name).items():
        there = _size(path / file)
        if there is None and layout.is_small(file):
            lost.append(file)
        elif there is not None and there != size:
            raise ModelError(
                f"{path / file} is damaged: it has {there:,} bytes, and {size:,} at the hub",
                f"download it again: {download_command(name, path.name, path)} --force-download",
            )
    return list(dict.fromkeys(lost))


def _is_read(file: str) -> bool:
    weights = file.endswith(".safetensors") and "non_ema" not in file and file.partition("/")[0] in families.PARTS
    return weights or layout.is_small(file)


def _size(file: Path) -> int | None:
    """The length of a file in bytes; None if it is not there."""
    try:
        found = look(file)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {reason(error)}") from None
    return found.st_size if found else None


def download_command(name: str, revision: str | None, path: Path | None = None) -> str:
    """The shell command that downloads the files of a hub model that genie reads into the cache.

    Args:
        path: what there is of it on this machine, by which its family is known.
    """
    parts = (families.of(path) if path else StableDiffusion).parts()
    at = f" --revision {shlex.quote(revision)}" if revision else ""
    wanted = " ".join(f'--include "{file}"' for file in (_INDEX, *(f"{part}/*" for part in parts)))
    return f"hf download {shlex.quote(name)}{at} {wanted} " + " ".join(f'--exclude "{part}"' for part in _NOT_WANTED)


def _check_names(name: str, revision: str | None) -> None:
    """Raise ModelError for what cannot be at the hub, and would be a path elsewhere in the cache."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name, re.ASCII) or ".." in name:
        raise _not_an_id(name)
    if revision and (not re.fullmatch(r"\w[\w.+-]*(/\w[\w.+-]*)*", revision, re.ASCII) or ".." in revision):
        raise ModelError(f"{revision!r} is not a revision: expected a commit, a branch or a tag", "see --revision")


def _not_an_id(name: str) -> ModelError:
    return ModelError(
        f"{name!r} is not a hub id: expected owner/name of letters, digits, '-', '_' and '.'", TRY_BUNDLED
    )


def _download(name: str, revision: str | None, observer: Observer) -> Path:
    """The snapshot's folder, complete; raises what huggingface_hub raises, or ModelError for what does not run."""

    def fetch() -> Path:
        with downloads.downloading(name, sizes, observer) as progress:
            return _fetch(name, revision, patterns, local_only=False, progress=progress)

    with hub_calls(observer) as call:
        begun = call(lambda: _fetch(name, revision, [_INDEX], local_only=False))
        refuse_others(begun)  # before gigabytes are downloaded
        patterns = _patterns(families.of(begun).parts())
        sizes = call(lambda: downloads.missing_sizes(name, revision, lambda files: _wanted(files, patterns)))
        if sizes and (here := _at_another_revision(name, revision)):
            observer.found(f"{name} is on this machine at another revision; to use that: {here[0]}")
        downloads.announce(name, sizes, observer)
        return call(fetch)


def _patterns(parts: Sequence[str]) -> list[str]:
    return [_INDEX, *(f"{part}/*.{kind}" for part in parts for kind in ("json", "txt", "safetensors"))]


def _wanted(files: Sequence[str], patterns: Sequence[str]) -> Sequence[str]:
    """Those of a repository's files that are downloaded."""
    return [file for file in files if _fits(file, patterns) and not _fits(file, _NOT_WANTED)]


def _fits(file: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(file, pattern) for pattern in patterns)


def _fetch(
    name: str, revision: str | None, patterns: Sequence[str], local_only: bool, progress: Progress | None = None
) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            name,
            revision=revision,
            allow_patterns=list(patterns),
            ignore_patterns=_NOT_WANTED,
            local_files_only=local_only,
            tqdm_class=downloads.counting_bars(progress) if progress else None,
        )
    )


def _listed(name: str, commit: str) -> dict[str, int]:
    """The sizes of the files that genie reads, by their paths, from the hub's cached list; empty if there is none."""
    import huggingface_hub

    cached_tree = getattr(huggingface_hub, "get_cached_repo_tree", None)  # older versions cache no lists
    if cached_tree is None:
        return {}
    with quiet():
        try:
            files = [file for file in cached_tree(name, revision=commit) if isinstance(file.path, str)]
        except Exception:  # there is no list, or it is damaged: then it is as if there were none
            return {}
    return {file.path: file.size for file in files if isinstance(file.size, int) and _is_read(file.path)}


def _unavailable(name: str, revision: str | None, found: Path | None, why: str) -> ModelError:
    lacking = missing(name, found) if found else []
    state = f"is only partly on this machine, without {shorten(lacking)}," if lacking else "is not on this machine"
    here = [f"it is on this machine at another revision: {line}" for line in _at_another_revision(name, revision)]
    return ModelError(
        f"model {name} {state} and {why}",
        [*here, f"on a machine with a network: {download_command(name, revision, found)}", f"or {TRY_BUNDLED}"],
    )


def _at_another_revision(name: str, revision: str | None) -> list[str]:
    """The options that name a model's whole snapshots in the cache, other than the one that was asked for."""
    asked = (revision or "main",)
    found = hub_cache.whole_snapshots(name)
    return [
        shlex.join(["--model", name, "--revision", label])
        for label, path in found.items()
        if label not in asked and path.name not in asked
    ]


def _refuse_pickles(name: str, path: Path) -> None:
    """Raise ModelError if the hub's list has no .safetensors file for a part: its weights are pickled."""
    listed = _listed(name, path.name)
    for part in families.of(path).networks():
        if listed and not any(file.startswith(f"{part}/") and file.endswith(".safetensors") for file in listed):
            raise no_safetensors(path / part)


def no_safetensors(folder: Path) -> ModelError:
    """The error for a part whose weights are pickled, or not there."""
    return ModelError(
        f"{folder} has no .safetensors file",
        "pickled weights are not read; convert them with pipeline.save_pretrained(..., safe_serialization=True)",
    )
