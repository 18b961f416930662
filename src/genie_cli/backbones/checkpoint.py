"""Reads checkpoint files without running any code in them, and compares their weights with a network's."""

from __future__ import annotations

import argparse
import os
import pickle
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.devices import first_line
from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    import torch

# Under which keys training scripts save a network's weights. Averaged weights come first, as in timm.
_ENTRIES = ("state_dict_ema", "model_ema", "state_dict", "model")


def read(path: Path) -> dict[str, Any]:
    """The content of a checkpoint: the dictionary given to ``torch.save``, or the tensors of a ``.safetensors`` file.

    Raises:
        ModelError: the file is missing, damaged or not a dictionary, or reading it would mean to unpickle objects
            other than plain data.
    """
    import torch
    from safetensors.torch import load_file

    if not os.path.isfile(path):  # Path.is_file raises where a parent may not be searched
        is_folder = os.path.isdir(path)
        raise ModelError(
            f"{path} is a folder, not a checkpoint file" if is_folder else f"there is no file {path}",
            "give the path of the file" if is_folder else "check the spelling of --checkpoint",
        )
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        # Many training scripts save their parsed options with the weights; those are plain data, too.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old formats; a file that cannot be read raises an error
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on arbitrary bytes the readers raise almost anything
        raise _refusal(path, error) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, not a dictionary of weights", _resave(path.name))
    return content


def read_model(path: Path, authors: str, expected: str) -> dict[str, torch.Tensor]:
    """The weights under ``model`` in a checkpoint, without the prefix ``module.`` of distributed training.

    Args:
        path: the checkpoint.
        authors: whose training code saves such files, for messages.
        expected: the layout of such files, for the hint.

    Raises:
        ModelError: see `read`; also if there is no entry ``model``, or it has values that are not tensors.
    """
    content = read(path)
    if not isinstance(content.get("model"), dict):
        raise ModelError(
            f"{path} is not a checkpoint of {authors}: it has no 'model' entry, but {shorten(list(content))}",
            f"expected {expected}",
        )
    return {key.removeprefix("module."): value for key, value in weights(content, path, ["model"]).items()}


def _refusal(path: Path, error: Exception) -> ModelError:
    """Why the file could not be read."""
    if isinstance(error, pickle.UnpicklingError) and "unsupported" in str(error).lower():
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        return ModelError(
            f"{path} is refused: besides tensors it holds {named[1] if named else 'other objects'}, "
            "and unpickling those could run any code",
            f"if you trust its origin, save only its tensors: {_resave('plain.pth')}",
        )
    library = "safetensors" if path.suffix == ".safetensors" else "torch"
    return ModelError(
        f"{path} cannot be read: it is damaged or not a checkpoint; {library} says: {first_line(error)}",
        "copy or download it again",
    )


def _resave(name: str) -> str:
    return f"torch.save({{'model': network.state_dict()}}, {name!r})"


def weights(content: Mapping[str, Any], path: Path, entries: Sequence[str] = _ENTRIES) -> dict[str, torch.Tensor]:
    """The network's weights in a checkpoint's content: the first of ``entries`` that exists, else the content itself.

    Raises:
        ModelError: they are empty, or have values that are not tensors.
    """
    import torch

    found = next((content[entry] for entry in entries if isinstance(content.get(entry), dict)), content)
    if not found or any(not isinstance(value, torch.Tensor) for value in found.values()):
        raise ModelError(
            f"{path} holds no weights in a known layout; it has: {shorten(list(content))}", _resave(path.name)
        )
    return dict(found)


def difference(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    """How weights differ from a network's in keys and shapes: the first few of each kind; empty if they do not.

    Args:
        wanted: the network's state dict.
        found: the weights.
    """
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
