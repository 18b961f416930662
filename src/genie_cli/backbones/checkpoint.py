"""Checkpoint files: read without running what is in them, and compared with the network they are for."""

from __future__ import annotations

import argparse
import os
import pickle
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    import torch

# Where training scripts put a network's weights. Averaged ones come first, as in timm.
_ENTRIES = ("state_dict_ema", "model_ema", "state_dict", "model")


def read(path: Path) -> dict[str, Any]:
    """What the file holds: the dictionary that ``torch.save`` was given, or the tensors of a ``.safetensors`` file.

    Raises:
        ModelError: the file is missing or broken, or more than plain data would have to be unpickled.
    """
    import torch
    from safetensors.torch import load_file

    if not os.path.isfile(path):  # Path.is_file raises where a parent may not be searched
        found = os.path.isdir(path)
        raise ModelError(f"{path} is a folder, not a checkpoint file" if found else f"there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        # Many training scripts put their parsed options into the file; those are plain data too.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old formats; what cannot be read says so
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file of any bytes makes the readers raise whatever they like
        raise _refusal(path, error) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, not a dictionary of weights", _resave(path.name))
    return content


def read_model(path: Path, whose: str, expected: str) -> dict[str, torch.Tensor]:
    """The weights that ``whose`` checkpoints keep under ``model``, without what training on several devices put before
    their names.

    Args:
        expected: what such a file holds, in words.

    Raises:
        ModelError: as `read`; also if there is no such entry, or something else than tensors in it.
    """
    content = read(path)
    if not isinstance(content.get("model"), dict):
        raise ModelError(
            f"{path} is no checkpoint of {whose}: it has no 'model' entry, but {shorten(list(content))}", expected
        )
    return {key.removeprefix("module."): value for key, value in weights(content, path, ["model"]).items()}


def _refusal(path: Path, error: Exception) -> ModelError:
    if isinstance(error, pickle.UnpicklingError) and "unsupported" in str(error).lower():
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        return ModelError(
            f"{path} is refused: beside tensors it holds {named[1] if named else 'other objects'}, "
            "and unpickling those could run any code",
            f"if you trust its origin, save its tensors alone: {_resave('plain.pth')}",
        )
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(f"{path} cannot be read, it is damaged or no checkpoint: {reason}", "copy or download it again")


def _resave(name: str) -> str:
    return f"torch.save({{'model': network.state_dict()}}, {name!r})"


def weights(content: Mapping[str, Any], path: Path, entries: Sequence[str] = _ENTRIES) -> dict[str, torch.Tensor]:
    """The network's weights: the first of ``entries`` that is there, else the content itself.

    Raises:
        ModelError: there is something else than tensors among them, or nothing.
    """
    import torch

    found = next((content[entry] for entry in entries if isinstance(content.get(entry), dict)), content)
    if not found or any(not isinstance(value, torch.Tensor) for value in found.values()):
        raise ModelError(
            f"{path} holds no weights that can be recognised; it has: {shorten(list(content))}", _resave(path.name)
        )
    return dict(found)


def difference(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    """In which keys and shapes weights differ from the network's own, the first few of each; empty if in none."""
    missing = [key for key in wanted if key not in found]
    surplus = [key for key in found if key not in wanted]
    misshaped = [
        f"{key} is {tuple(found[key].shape)} and should be {tuple(wanted[key].shape)}"
        for key in wanted
        if key in found and found[key].shape != wanted[key].shape
    ]
    parts = [
        f"missing: {shorten(missing)}" if missing else "",
        f"unexpected: {shorten(surplus)}" if surplus else "",
        shorten(misshaped, between="; "),
    ]
    return "; ".join(part for part in parts if part)
