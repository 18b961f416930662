"""Finds a Stable Diffusion 1.x snapshot: the bundled digits model, a directory, or a model of the Hugging Face hub.

A snapshot is a directory in the layout of diffusers' `StableDiffusionPipeline.save_pretrained`. Its identity names the
exact weights: the hub's commit, or a hash of the content. What can be checked without torch is checked here: that no
file is missing, that configurations are within their ranges and fit each other, that weights are as long as they say.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from genie_cli.config import BUNDLED, STABLE_DIFFUSION
from genie_cli.diffusion import configuration, hub, layout, tensors
from genie_cli.errors import ModelError, shorten
from genie_cli.files.reading import is_file, is_folder, open_binary, reason
from genie_cli.observer import Observer

REINSTALL = "pip install --force-reinstall --no-deps genie-cli"  # if a bundled model is damaged


@dataclass(frozen=True)
class Located:
    """A snapshot on this machine.

    Attributes:
        name: what it is called: a hub id, the directory's name or ``"digits"``.
        path: its directory.
        identity: ``name@commit`` for a hub model, else ``name@hash`` of the files' content.
    """

    name: str
    path: Path
    identity: str


def locate(name: str, revision: str | None = None, observer: Observer | None = None) -> Located:
    """Find a snapshot, and download it from the hub if it is not whole in the cache.

    Only safetensors weights are downloaded. The environment variables `HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` work
    as documented by huggingface_hub.

    Args:
        name: ``"digits"``, a directory, or a hub id (``owner/name``).
        revision: commit, branch or tag of a hub model; None: ``main``.
        observer: is told of a download: how much it is, how far it is, and if the hub does not answer.

    Raises:
        ModelError: there is no such model, it cannot be downloaded or read, it is not whole, or it is not a Stable
            Diffusion 1.x snapshot.
    """
    if name == BUNDLED:
        return _in_directory(BUNDLED, Path(str(files("genie_cli"))) / "bundled" / BUNDLED)
    if folder := _folder(name):
        return _in_directory(folder.name, folder)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"there is no model {name!r}: not a directory, and not a hub id (owner/name)", hub.TRY_BUNDLED)
    path = hub.snapshot(name, revision, observer or Observer())
    _check(path)
    return Located(name, path, f"{name}@{path.name}")


def found_here(located: Located) -> Located:
    """The same snapshot on this machine, if it was located on another: by its name and commit, or at the same path.

    Its weights may be others all the same, which the identity shows.

    Raises:
        ModelError: as `locate`.
    """
    if "/" in located.name:
        return locate(located.name, located.identity.rpartition("@")[2])
    bundled = located.name == BUNDLED and not _folder(str(located.path))
    return locate(BUNDLED if bundled else str(located.path))


def is_local(name: str) -> bool:
    """Whether ``name`` is the bundled model or an existing directory, so that nothing needs to be downloaded.

    Raises:
        ModelError: that cannot be found out, such as in a folder that may not be searched.
    """
    return name == BUNDLED or _folder(name) is not None


def _folder(name: str) -> Path | None:
    """The directory called ``name``; None if there is none. Raises as `is_local`."""
    try:
        path = Path(name).expanduser()
        return path.resolve() if name and is_folder(path) else None
    except RuntimeError:  # of expanduser
        why = (
            f"there is no user {name.partition('/')[0].removeprefix('~')}" if name[1:2] not in ("", "/") else "no HOME"
        )
    except OSError as error:
        why = reason(error)
    raise ModelError(f"the model {name!r} cannot be read: {why}", hub.TRY_BUNDLED)


def _in_directory(name: str, path: Path) -> Located:
    _check(path)
    try:
        return Located(name, path, f"{name}@{_content_hash(path)[:12]}")
    except OSError as error:
        raise ModelError(f"{error.filename or path} cannot be read: {reason(error)}") from None


def _content_hash(path: Path) -> str:
    """SHA-256 over the names, sizes and bytes of the parts' files."""
    digest = hashlib.sha256()
    for file in sorted(p for part in layout.PARTS for p in (path / part).rglob("*") if is_file(p)):
        digest.update(os.fsencode(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n"))
        with open_binary(file) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _check(path: Path) -> None:
    """Raise ModelError unless the directory is a whole Stable Diffusion 1.x snapshot with safetensors weights."""
    again = "expected a folder as diffusers' StableDiffusionPipeline.save_pretrained writes it"
    try:
        if absent := [part for part in layout.PARTS if not is_folder(path / part)]:
            raise ModelError(f"{path} is not a Stable Diffusion snapshot: it has no {', '.join(absent)}", again)
        for part in layout.STEMS:
            if not any((path / part).glob("*.safetensors*")):
                raise hub.no_safetensors(path / part)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}") from None
    if lost := layout.missing(path):
        raise ModelError(f"{path} is not whole: it has no {shorten(lost)}", configuration.AGAIN)
    _check_kind(path, configuration.read(path))
    for part in layout.STEMS:
        for weights in layout.weights(path, part):
            for file in weights.files:
                tensors.check(file)


def _check_kind(path: Path, found: configuration.Snapshot) -> None:
    hint = f"use a Stable Diffusion 1.x model, such as {STABLE_DIFFUSION}"
    if found.unet.in_channels != 4 or found.unet.addition_embed_type:
        raise ModelError(f"{path} is not supported: only Stable Diffusion 1.x text-to-image UNets are", hint)
    kind = found.scheduler.prediction_type
    if kind != "epsilon":
        raise ModelError(f"{path} is not supported: it predicts {kind!r}, and only 'epsilon' is supported", hint)
    if (steps := found.scheduler.num_train_timesteps) != 1000:
        raise ModelError(
            f"{path} is not supported: it has {steps} training timesteps, and 1000 are expected",
            "use a Stable Diffusion 1.x model",
        )
