"""Finds a Stable Diffusion snapshot: the bundled digits model, a directory, a checkpoint, or a model of the hub.

A snapshot is a directory in the layout of diffusers' `StableDiffusionPipeline.save_pretrained`. Its identity names the
exact weights: the hub's commit, or a hash of the content. What can be checked without torch is checked here: that no
file is missing, that configurations are within their ranges and fit each other, that weights are as long as they say.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from genie_cli.config import BUNDLED
from genie_cli.diffusion import adapters, configuration, families, hub, hub_folders, layout, single_file, tensors
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.other_families import refuse_others
from genie_cli.errors import ModelError, shorten
from genie_cli.files.reading import is_file, is_folder, look, open_binary, reason
from genie_cli.observer import Observer

REINSTALL = "pip install --force-reinstall --no-deps genie-cli"  # if a bundled model is damaged


@dataclass(frozen=True)
class Located:
    """A snapshot on this machine.

    Attributes:
        name: what it is called: a hub id, the directory's name or ``"digits"``.
        path: its directory.
        file: the checkpoint that it was converted from; None if it is none.
        adapters: what is put on top of it, in this order.
        identity: ``name@commit`` for a hub model, else ``name@hash`` of the files' content; then each adapter's.
    """

    name: str
    path: Path
    identity: str
    file: Path | None = None
    adapters: tuple[Adapter, ...] = ()


def locate(name: str, revision: str | None = None, observer: Observer | None = None) -> Located:
    """Find a snapshot, and download it from the hub if it is not whole in the cache.

    Only safetensors weights are downloaded. The environment variables `HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` work
    as documented by huggingface_hub.

    Args:
        name: ``"digits"``, a directory, a single ``.safetensors`` file, or a hub id (``owner/name``).
        revision: commit, branch or tag of a hub model; None: ``main``.
        observer: is told of a download: how much it is, how far it is, and if the hub does not answer.

    Raises:
        ModelError: there is no such model, it cannot be downloaded or read, it is not whole, or it is of a kind that
            genie does not run.
    """
    observer = observer or Observer()
    if name == BUNDLED:
        return _in_directory(BUNDLED, Path(str(files("genie_cli"))) / "bundled" / BUNDLED, observer)
    if folder := _folder(name):
        return _in_directory(folder.name, folder, observer)
    if file := _file(name):
        path, digest = single_file.converted(file, observer)
        _check(path, observer)
        return Located(file.name, path, f"{file.name}@{digest[:12]}", file)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"there is no model {name!r}: not a directory, and not a hub id (owner/name)", hub.TRY_BUNDLED)
    path = hub.snapshot(name, revision, observer)
    _check(path, observer)
    return Located(name, path, f"{name}@{path.name}")


def found_here(located: Located) -> Located:
    """The same snapshot on this machine, if it was located on another: by its name and commit, or at the same path.

    Its weights may be others all the same, which the identity shows.

    Raises:
        ModelError: as `locate`.
    """
    return on(_found_here(located), adapters.again(located.adapters))


def _found_here(located: Located) -> Located:
    if located.file:
        return locate(str(located.file))
    if "/" in located.name:
        return locate(located.name, adapters.parted(located.identity)[0].rpartition("@")[2])
    bundled = located.name == BUNDLED and not _folder(str(located.path))
    return locate(BUNDLED if bundled else str(located.path))


def on(located: Located, added: Sequence[Adapter]) -> Located:
    """The model with adapters on top, which its identity names in their order."""
    identity = located.identity + "".join(adapter.identity for adapter in added)
    return replace(located, identity=identity, adapters=(*located.adapters, *added))


def is_local(name: str) -> bool:
    """Whether ``name`` is the bundled model, or there is such a path, so that nothing needs to be downloaded.

    Raises:
        ModelError: that cannot be found out, such as in a folder that may not be searched.
    """
    return name == BUNDLED or _folder(name) is not None or _file(name) is not None


def _folder(name: str) -> Path | None:
    """The directory called ``name``; None if there is none. Raises as `is_local`."""
    path = _existing(name)
    return path.resolve() if path and is_folder(path) else None


def _file(name: str) -> Path | None:
    """What is called ``name`` and is no directory, or could only be a file. Raises as `is_local`."""
    path = _existing(name)
    if path is None and name.lower().endswith(single_file.SUFFIXES):
        raise ModelError(f"there is no file {name}", "check the spelling of --model")
    return path if path and not is_folder(path) else None


def _existing(name: str) -> Path | None:
    """The path called ``name`` if something is there. Raises as `is_local`."""
    try:
        path = Path(name).expanduser()
        return path.absolute() if name and look(path) else None
    except RuntimeError:  # of expanduser
        why = (
            f"there is no user {name.partition('/')[0].removeprefix('~')}" if name[1:2] not in ("", "/") else "no HOME"
        )
    except OSError as error:
        why = reason(error)
    raise ModelError(f"the model {name!r} cannot be read: {why}", hub.TRY_BUNDLED)


def _in_directory(name: str, path: Path, observer: Observer) -> Located:
    _check(path, observer)
    try:
        return Located(name, path, f"{name}@{_content_hash(path)[:12]}")
    except OSError as error:
        raise ModelError(f"{error.filename or path} cannot be read: {reason(error)}") from None


def _content_hash(path: Path) -> str:
    """SHA-256 over the names, sizes and bytes of the parts' files."""
    digest = hashlib.sha256()
    family = families.of(path)
    in_parts = (file for part in family.parts() for file in (path / part).rglob("*"))
    others = (path / name for name in family.extra_files)
    for file in sorted(file for file in (*in_parts, *others) if is_file(file)):
        digest.update(os.fsencode(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n"))
        with open_binary(file) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _check(path: Path, observer: Observer) -> None:
    """Raise ModelError unless the directory is a whole snapshot with safetensors weights."""
    again = "expected a folder as diffusers' StableDiffusionPipeline.save_pretrained writes it"
    try:
        hub_folders.refuse_folder_above(path)
        refuse_others(path)
        _require_files(path)
        if absent := [part for part in families.of(path).parts() if not is_folder(path / part)]:
            raise ModelError(f"{path} is not a Stable Diffusion snapshot: it has no {', '.join(absent)}", again)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}") from None
    if lost := layout.missing(path):
        raise ModelError(f"{path} is not whole: it has no {shorten(lost)}", configuration.AGAIN)
    found = configuration.read(path)
    _check_kind(path, found)
    for part in families.of(path).networks():
        for weights in layout.weights(path, part):
            for file in weights.files:
                tensors.check(file)
    if found.unet.is_halved:
        observer.warning(
            f"{path / 'unet/config.json'} is of diffusers {found.unet.version}, whose sample_size was too small: "
            f"{found.unet.side} is used, as in diffusers, and not {found.unet.sample_size}"
        )


def _require_files(path: Path) -> None:
    """Raise ModelError if weights are pickled, or the folder is one that was not downloaded whole."""
    for part in families.of(path).networks():
        if layout.is_pickled(path / part):
            raise hub.no_safetensors(path / part)
    if (lost := layout.missing(path)) and (error := hub_folders.half_downloaded(path, lost)):
        raise error


def _check_kind(path: Path, found: configuration.Snapshot) -> None:
    if found.unet.in_channels != 4 or found.unet.addition_embed_type not in (None, "text_time"):
        why = "only the text-to-image UNets of Stable Diffusion 1.x, 2.x and XL are"
        raise ModelError(f"{path} is not supported: {why}", configuration.ANOTHER)
    if (steps := found.scheduler.num_train_timesteps) != 1000:
        raise ModelError(
            f"{path} is not supported: it has {steps} training timesteps, and 1000 are expected",
            configuration.ANOTHER,
        )
