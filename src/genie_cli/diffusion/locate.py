"""Finds a Stable Diffusion 1.x snapshot: the bundled digits model, a directory, or a model of the Hugging Face hub.

A snapshot is a directory in the layout of diffusers' `StableDiffusionPipeline.save_pretrained`. Its identity names the
exact weights: the hub's commit, or a hash of the content. Does not import torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from genie_cli.config import BUNDLED, STABLE_DIFFUSION
from genie_cli.diffusion.hub_errors import download_trouble, quiet_downloads
from genie_cli.errors import ModelError

_PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
_WITH_WEIGHTS = ("unet", "vae", "text_encoder")
_WANTED = ["model_index.json", *(f"{part}/*.{kind}" for part in _PARTS for kind in ("json", "txt", "safetensors"))]
_NOT_WANTED = ["*non_ema*", "*.bin", "*flax*"]
_TRY_BUNDLED = "or try the bundled model, without a download: --model digits"


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


def locate(name: str, revision: str | None = None) -> Located:
    """Find a snapshot, and download it from the hub if it is not in the cache.

    Only safetensors weights are downloaded. The environment variables `HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` work
    as documented by huggingface_hub.

    Args:
        name: ``"digits"``, a directory, or a hub id (``owner/name``).
        revision: commit, branch or tag of a hub model; None: ``main``.

    Raises:
        ModelError: there is no such model, it cannot be downloaded, or it is not a Stable Diffusion 1.x snapshot.
    """
    if name == BUNDLED:
        path = Path(str(files("genie_cli"))) / "bundled" / BUNDLED
        return _in_directory(BUNDLED, path)
    if Path(name).expanduser().is_dir():
        path = Path(name).expanduser().resolve()
        return _in_directory(path.name, path)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"there is no model {name!r}: not a directory, and not a hub id (owner/name)", _TRY_BUNDLED)
    path = _from_hub(name, revision)
    _check_layout(path)
    return Located(name, path, f"{name}@{path.name}")


def is_local(name: str) -> bool:
    """Whether ``name`` is the bundled model or an existing directory, so that nothing needs to be downloaded."""
    return name == BUNDLED or Path(name).expanduser().is_dir()


def _in_directory(name: str, path: Path) -> Located:
    _check_layout(path)
    return Located(name, path, f"{name}@{_content_hash(path)[:12]}")


def _content_hash(path: Path) -> str:
    """SHA-256 over the names, sizes and bytes of the parts' files."""
    digest = hashlib.sha256()
    for file in sorted(p for part in _PARTS for p in (path / part).rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _from_hub(name: str, revision: str | None) -> Path:
    """The snapshot's directory in the hub's cache, downloaded if it is not complete there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    def fetch(local_only: bool) -> Path:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=_WANTED,
                ignore_patterns=_NOT_WANTED,
                local_files_only=local_only,
            )
        )

    try:
        cached = fetch(local_only=True)
        if not _missing_parts(cached):
            return cached
    except LocalEntryNotFoundError as error:
        # The hub lists files that are not in the cache, such as another precision; those that are may be enough.
        partial = getattr(error, "snapshot_path", None)
        if partial and not _missing_parts(Path(partial)):
            return Path(partial)
    except HFValidationError:
        raise ModelError(
            f"{name!r} is not a hub id: expected owner/name of letters, digits, '-', '_' and '.'", _TRY_BUNDLED
        ) from None
    try:
        with quiet_downloads():
            return fetch(local_only=False)
    except Exception as error:  # errors of the hub, the network and the disk have no common base class
        raise ModelError(
            f"model {name} is not on this machine and could not be downloaded: {download_trouble(error)}",
            [f"on a machine with a network: {download_command(name, revision)}", _TRY_BUNDLED],
        ) from None


def download_command(name: str, revision: str | None) -> str:
    """The shell command that downloads the files of a hub model that genie reads into the cache."""
    at = f" --revision {revision}" if revision else ""
    wanted = " ".join(f'--include "{pattern}"' for pattern in ("model_index.json", *(f"{part}/*" for part in _PARTS)))
    return f"hf download {name}{at} {wanted} " + " ".join(f'--exclude "{pattern}"' for pattern in _NOT_WANTED)


def _missing_parts(path: Path) -> list[str]:
    """Parts without a folder or, as after an interrupted download, without weights."""
    absent = [part for part in _PARTS if not (path / part).is_dir()]
    return absent + [p for p in _WITH_WEIGHTS if p not in absent and not any((path / p).glob("*.safetensors"))]


def _check_layout(path: Path) -> None:
    """Raise ModelError unless the directory is a Stable Diffusion 1.x snapshot with safetensors weights."""
    if missing := [part for part in _PARTS if not (path / part).is_dir()]:
        raise ModelError(
            f"{path} is not a Stable Diffusion snapshot: it has no {', '.join(missing)}",
            "expected a folder as diffusers' StableDiffusionPipeline.save_pretrained writes it",
        )
    if missing := _missing_parts(path):
        raise ModelError(
            f"{path / missing[0]} has no .safetensors file",
            "pickled weights are not read; convert them with pipeline.save_pretrained(..., safe_serialization=True)",
        )
    _check_kind(path)


def _check_kind(path: Path) -> None:
    unet, scheduler = read_config(path / "unet" / "config.json"), read_config(path / "scheduler/scheduler_config.json")
    hint = f"use a Stable Diffusion 1.x model, such as {STABLE_DIFFUSION}"
    if unet.get("in_channels") != 4 or unet.get("addition_embed_type"):
        raise ModelError(f"{path} is not supported: only Stable Diffusion 1.x text-to-image UNets are", hint)
    kind = scheduler.get("prediction_type", "epsilon")
    if kind != "epsilon":
        raise ModelError(f"{path} is not supported: it predicts {kind!r}, and only 'epsilon' is supported", hint)


def read_config(path: Path) -> dict[str, object]:
    """A part's JSON configuration.

    Raises:
        ModelError: it is missing, or not a JSON object.
    """
    hint = "download or copy the model again"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", hint) from None
    except ValueError:
        raise ModelError(f"{path} cannot be read: it is not valid JSON", hint) from None
    if not isinstance(config, dict):
        raise ModelError(f"{path} cannot be read: it is not a JSON object", hint)
    return config
