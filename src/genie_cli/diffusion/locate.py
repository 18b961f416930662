"""Finding a Stable Diffusion 1.x snapshot: the bundled digits model, a directory, or the Hugging Face hub.

A located model is a directory in the layout of `StableDiffusionPipeline.from_pretrained` and an identity,
which names the exact weights: the hub's commit, or the content's hash. This module does not know torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from genie_cli.errors import ModelError

BUNDLED = "digits"
_PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
_WANTED = ["model_index.json", *(f"{part}/*.{kind}" for part in _PARTS for kind in ("json", "txt", "safetensors"))]
_NOT_WANTED = ["*non_ema*", "*.bin", "*flax*"]
_TRY_WITHOUT = "or try without one: --model digits"


@dataclass(frozen=True)
class Located:
    """A snapshot on this machine.

    Attributes:
        identity: ``name@revision`` for a hub model, ``name@hash`` of the contents otherwise.
    """

    name: str
    path: Path
    identity: str


def locate(name: str, revision: str | None = None) -> Located:
    """Find the model called ``name``, downloading it from the hub if need be.

    `HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` are honoured, by huggingface_hub. Only safetensors are fetched.

    Raises:
        ModelError: it is nowhere, or is not a Stable Diffusion 1.x snapshot.
    """
    if name == BUNDLED:
        path = Path(str(files("genie_cli"))) / "bundled" / BUNDLED
        return _in_directory(BUNDLED, path)
    if Path(name).expanduser().is_dir():
        path = Path(name).expanduser().resolve()
        return _in_directory(path.name, path)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelError(f"no model {name!r}: not a directory here, not a hub id (owner/name)", _TRY_WITHOUT)
    path = _from_hub(name, revision)
    _check_layout(path)
    return Located(name, path, f"{name}@{path.name}")


def is_local(name: str) -> bool:
    """Whether ``name`` is the bundled model or a directory, and not a hub id."""
    return name == BUNDLED or Path(name).expanduser().is_dir()


def _in_directory(name: str, path: Path) -> Located:
    _check_layout(path)
    return Located(name, path, f"{name}@{_content_hash(path)[:12]}")


def _content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(p for part in _PARTS for p in (path / part).rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _from_hub(name: str, revision: str | None) -> Path:
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
        # The hub knows of files that are not here, such as the other precision; what is here may do.
        partial = getattr(error, "snapshot_path", None)
        if partial and not _missing_parts(Path(partial)):
            return Path(partial)
    except HFValidationError as error:
        raise ModelError(f"{name!r} is not a hub id: {error}", _TRY_WITHOUT) from None
    try:
        return fetch(local_only=False)
    except Exception as error:  # the hub's, the network's and the disk's errors have no common root
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].removeprefix("Got: ")
        raise ModelError(
            f"model {name} is not on this machine and could not be fetched: {reason}",
            f"where there is a network: {download_command(name, revision)}\n{_TRY_WITHOUT}",
        ) from None


def download_command(name: str, revision: str | None) -> str:
    """The command that puts a hub model into the cache: what the engine reads, and no more."""
    at = f" --revision {revision}" if revision else ""
    wanted = " ".join(f'--include "{pattern}"' for pattern in ("model_index.json", *(f"{part}/*" for part in _PARTS)))
    return f"hf download {name}{at} {wanted} " + " ".join(f'--exclude "{pattern}"' for pattern in _NOT_WANTED)


def _missing_parts(path: Path) -> list[str]:
    """Parts that are not there, or, in a download that was broken off, have no weights."""
    weighty = ("unet", "vae", "text_encoder")
    absent = [part for part in _PARTS if not (path / part).is_dir()]
    return absent + [part for part in weighty if part not in absent and not any((path / part).glob("*.safetensors"))]


def _check_layout(path: Path) -> None:
    if missing := [part for part in _PARTS if not (path / part).is_dir()]:
        raise ModelError(
            f"{path} is not a Stable Diffusion snapshot: it has no {', '.join(missing)}",
            "expected the folder that StableDiffusionPipeline.save_pretrained writes",
        )
    if missing := _missing_parts(path):
        raise ModelError(
            f"{path / missing[0]} has no .safetensors file",
            "pickled weights are not read; convert them: pipeline.save_pretrained(..., safe_serialization=True)",
        )
    _check_kind(path)


def _check_kind(path: Path) -> None:
    unet, scheduler = read_config(path / "unet" / "config.json"), read_config(path / "scheduler/scheduler_config.json")
    if unet.get("in_channels") != 4 or unet.get("addition_embed_type"):
        raise ModelError(f"{path}: only Stable Diffusion 1.x text-to-image UNets are supported")
    kind = scheduler.get("prediction_type", "epsilon")
    if kind != "epsilon":
        raise ModelError(f"{path}: the model predicts {kind!r}; only 'epsilon' (Stable Diffusion 1.x) is supported")


def read_config(path: Path) -> dict[str, object]:
    """A part's JSON configuration; ModelError if it is missing or broken."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ModelError(f"{path}: not a configuration")
    return config
