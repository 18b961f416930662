"""Reads checkpoint files without running any code in them: only real numbers in real tensors come out."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import plain_data
from genie_cli.diffusion import tensors
from genie_cli.diffusion.libraries import is_fault, quiet
from genie_cli.errors import ModelError, said, shorten
from genie_cli.files.reading import look, open_binary, reason
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch
    from torch import nn

# Under which keys training scripts save a network's weights. Averaged weights come first, as in timm.
_ENTRIES = (
    *("state_dict_ema", "model_ema", "ema", "teacher", "state_dict", "model_state_dict", "model", "module"),
    *("target_encoder", "encoder", "backbone", "network", "net", "weights", "student"),
)
_PLAIN = int | float | str | None
_DEEPEST = 4  # entries one inside another; a pickle may contain itself
_AGAIN = "copy or download it again"
_CODE = re.compile(
    r"(?:GLOBAL (?=\w)|(?:class|function) (?=\w+\.))([A-Za-z_]\w*(?:\.\w+)*)"
)  # what torch names when it refuses an object


def read(path: Path) -> dict[Any, Any]:
    """The content of a checkpoint: the dictionary given to ``torch.save``, or the tensors of a ``.safetensors`` file.

    Raises:
        ModelError: the file is missing, cannot be read, is damaged or not a dictionary, or reading it would mean to
            unpickle objects other than plain data.
    """
    _check(path)
    try:
        with quiet():
            content = _load(path)
    except BaseException as error:  # on arbitrary bytes the readers raise almost anything
        if not is_fault(error):
            raise
        raise _refusal(path, error) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, not a dictionary of weights", _resave(path.name))
    return content


def _check(path: Path) -> None:
    """Raise ModelError unless a regular file is there that may be read, and that is not larger inside than outside."""
    try:
        if look(path) is None:
            raise ModelError(f"there is no file {path}", "check the spelling of --checkpoint")
        with open_binary(path) as file:
            size = file.seek(0, 2)
    except IsADirectoryError:
        raise ModelError(f"{path} is a folder, not a checkpoint file", "give the path of the file") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}") from None
    if not size:
        raise ModelError(f"{path} cannot be read: it is empty", _AGAIN)
    if (inside := _unpacked(path)) > size:
        raise ModelError(
            f"{path} cannot be read: its {size:,} bytes would become {inside:,}, and torch.save does not compress",
            _AGAIN,
        )


def _unpacked(path: Path) -> int:
    """Bytes that all files in a zip archive have; 0 if it is none, or so damaged that torch will tell."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return 0


def _load(path: Path) -> Any:
    import torch
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        return dict(load_file(path))
    with torch.serialization.safe_globals(plain_data.allowed()):
        return torch.load(path, map_location="cpu", weights_only=True)


def _refusal(path: Path, error: BaseException) -> ModelError:
    """Why the file could not be read."""
    text = str(error)
    if isinstance(error, pickle.UnpicklingError) and (named := _CODE.search(text)):
        return ModelError(
            f"{path} is refused: besides tensors it holds {named[1]}, and unpickling those could run any code",
            f"if you trust its origin, save only its tensors: {_resave('plain.pth')}",
        )
    if isinstance(error, pickle.UnpicklingError) and "Unsupported operand" in text and _unpacked(path):
        return ModelError(
            f"{path} cannot be read: it is damaged, or was saved with a pickle_protocol other than torch's own",
            f"{_AGAIN}, or save it as torch does: {_resave('plain.pth')}",
        )
    library = "safetensors" if path.suffix == ".safetensors" else "torch"
    told = said(error)
    more = "" if told == type(error).__name__ or isinstance(error, LookupError) else f"; {library} says: {told}"
    return ModelError(f"{path} cannot be read: it is damaged or not a checkpoint{more}", _AGAIN)


def _resave(name: str) -> str:
    return f"torch.save({{'model': network.state_dict()}}, {name!r})"


def weights(content: Mapping[Any, Any], path: Path, observer: Observer | None = None) -> dict[str, torch.Tensor]:
    """The network's weights in a checkpoint's content, under their names in the file.

    They are in an entry that training scripts save them in, which may be inside another, or in the only entry that has
    any, or are the content itself. Numbers and texts beside them are not read.

    Args:
        content: what `read` returns.
        path: where it is from, for messages.
        observer: is told which entry was taken if there are several.

    Raises:
        ModelError: there are none, or some are not tensors of real numbers.
    """
    import torch

    found = _opened(content, path, observer or Observer())
    named = {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}
    plain = all(isinstance(key, str) and isinstance(value, _PLAIN | torch.Tensor) for key, value in found.items())
    if not named or not plain:
        raise ModelError(
            f"{path} holds no weights in a known layout; it has: {shorten(list(content))}", _resave(path.name)
        )
    if odd := [f"{key} ({why})" for key, value in named.items() if (why := _unusable(value))]:
        raise ModelError(f"{path} is not supported: not all of its weights are plain tensors: {shorten(odd)}")
    return {key: value.detach() for key, value in named.items()}


def _opened(content: Mapping[Any, Any], path: Path, observer: Observer, depth: int = 0) -> Mapping[Any, Any]:
    """The innermost of the entries that have weights; the content itself if none of its entries has."""
    import torch

    having = [key for key, value in content.items() if _has_weights(value)]
    inner = [entry for entry in _ENTRIES if entry in having]
    if not inner and len(having) == 1 and not any(isinstance(value, torch.Tensor) for value in content.values()):
        inner = having
    if not inner or depth == _DEEPEST:
        return content
    if others := [key for key in having if key != inner[0]]:
        observer.found(f"{path}: the weights in its entry {inner[0]} are used, not those in {shorten(others)}")
    return _opened(content[inner[0]], path, observer, depth + 1)


def _has_weights(value: Any, depth: int = 0) -> bool:
    """Whether a dictionary has names and tensors, as a network's weights are, or one of its entries has."""
    import torch

    if not isinstance(value, dict) or depth == _DEEPEST:
        return False
    named = all(isinstance(key, str) for key in value)
    if named and any(isinstance(each, torch.Tensor) for each in value.values()):
        return True
    return any(_has_weights(value.get(entry), depth + 1) for entry in _ENTRIES)


def _unusable(tensor: torch.Tensor) -> str:
    """Why a tensor cannot be a network's weights; empty if it can."""
    import torch

    if tensor.layout != torch.strided or tensor.is_nested:
        return "sparse"
    if tensor.is_quantized or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        return "quantized"
    if tensor.is_complex():
        return "complex"
    if tensor.is_floating_point() and tensor.dtype.itemsize < 2:
        return str(tensor.dtype).removeprefix("torch.")
    if tensor.is_meta or tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes():
        return "more numbers than are in the file"
    return ""


def require_sound(network: nn.Module, where: Path | str) -> None:
    """Raise ModelError if one of a network's weights is infinite or not a number, or a layer's weights are empty.

    Args:
        where: where they are from, for the message.
    """
    if bad := tensors.not_finite(network):
        raise ModelError(f"{where} cannot be used: weights are infinite or not a number: {bad}", _AGAIN)
    if bad := tensors.empty(network):
        raise ModelError(f"{where} is not whole: weights are empty, zeros or a single number: {bad}", _AGAIN)
