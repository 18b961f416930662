"""Weights that are whole: as long as their file says, of the keys and shapes that a network has, finite, not empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genie_cli.diffusion.libraries import guarded
from genie_cli.errors import ModelError, shorten
from genie_cli.files.reading import open_binary

if TYPE_CHECKING:
    import torch
    from torch import nn

_AGAIN = "download or copy the model again"
_FLOATS = ("F64", "F32", "F16", "BF16")
_STRETCH = 1 << 16  # zeros in a row that no trained layer has: more than a dozen dead filters of a large convolution
_INDICES = "position_ids"  # older versions of transformers saved these whole numbers with the weights


class Described(NamedTuple):
    """A tensor by its file's header: the kind of its numbers, as "F16", and its shape."""

    kind: str
    shape: tuple[int, ...]


def check(file: Path) -> None:
    """Check the header of a ``.safetensors`` file: that its tensors fill the file, and are real numbers.

    Raises:
        ModelError: they do not, or the file cannot be read; eight-bit and quantized weights need scales that no network
            here has.
    """
    require_real(file, header(file))


def header(file: Path) -> dict[str, Described]:
    """What a ``.safetensors`` file says of each of its tensors, which fill it.

    Raises:
        ModelError: they do not, or the file cannot be read.
    """
    from safetensors import safe_open

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{file} cannot be read: {reason}", _AGAIN)

    with guarded(refuse):
        open_binary(file).close()  # not a pipe, nor a device
        with safe_open(str(file), framework="numpy") as opened:
            slices = {key: opened.get_slice(key) for key in list(opened.keys())}
            return {key: Described(part.get_dtype(), tuple(part.get_shape())) for key, part in slices.items()}


def require_real(file: Path, found: Mapping[str, Described]) -> None:
    """Raise ModelError for a tensor that is not of real numbers of 16 bits or more."""
    odd = [
        f"{key} ({each.kind})" for key, each in found.items() if each.kind not in _FLOATS and not key.endswith(_INDICES)
    ]
    if odd:
        raise ModelError(
            f"{file} is not supported: its weights are not real numbers of 16 bits or more: {shorten(odd)}"
        )


def difference(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    """How weights differ from a network's in keys, shapes and kinds of numbers: the first few; empty if they do not.

    Args:
        wanted: the network's state dict.
        found: the weights.
    """
    unfit = [
        f"{key} is {tuple(found[key].shape)} and should be {tuple(wanted[key].shape)}"
        for key in wanted
        if key in found and found[key].shape != wanted[key].shape
    ] + quantized(wanted, found)
    keys = lacking_or_surplus([k for k in wanted if k not in found], [k for k in found if k not in wanted])
    return "; ".join(part for part in (keys, shorten(unfit, between="; ")) if part)


def quantized(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> list[str]:
    """What says of each weight that is a whole number where the network's is real; arguments as of `difference`.

    Such weights are quantized, and would be taken for what they are not.
    """
    return [
        f"{key} is {str(found[key].dtype).removeprefix('torch.')}, as only quantized weights are"
        for key in wanted
        if key in found and wanted[key].is_floating_point() and not found[key].is_floating_point()
    ]


def lacking_or_surplus(missing: Sequence[str], unexpected: Sequence[str]) -> str:
    """Which weights are missing and which are too many, for a message; empty if none are."""
    parts = {"missing": missing, "unexpected": unexpected}
    return "; ".join(f"{name}: {shorten(keys)}" for name, keys in parts.items() if keys)


def not_finite(network: nn.Module) -> str:
    """The network's weights that are infinite or not a number, for a message; empty if none are."""
    import torch

    found = []
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point() and tensor.numel():
            low, high = torch.aminmax(tensor)  # both are NaN if one value is
            if not bool(torch.isfinite(low) & torch.isfinite(high)):
                found.append(key)
    return shorten(found)


def empty(network: nn.Module) -> str:
    """The layers' weights that nobody has trained, for a message; empty if there are none.

    A download that reserves its file's full length and is then cut off leaves zeros in a file whose header is right: a
    matrix that is a single number, or that has a long stretch of zeros.
    """
    matrices = ((name, getattr(module, "weight", None)) for name, module in network.named_modules())
    return shorten([f"{name}.weight" for name, weight in matrices if weight is not None and _is_empty(weight)])


def _is_empty(weight: torch.Tensor) -> bool:
    import torch

    if weight.ndim < 2 or weight.numel() < 2:  # a norm's scales may all be one
        return False
    low, high = torch.aminmax(weight)
    if low == high:
        return True
    stretches = weight.detach().flatten()[: weight.numel() // _STRETCH * _STRETCH].reshape(-1, _STRETCH)
    return bool((stretches == 0).all(dim=1).any())
