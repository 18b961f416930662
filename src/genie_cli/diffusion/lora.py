"""LoRAs, added to the weights of a model when it is loaded: W + scale * alpha / rank * up @ down.

Files are in the layouts of diffusers (of several years, and of PEFT) and of kohya's scripts. They name the same layers
in different ways; without dots and prefixes the names are the same. A tensor that finds no layer is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.diffusion import tensors
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.libraries import guarded
from genie_cli.diffusion.lora_names import layer_of
from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    from torch import Tensor, nn

_ANOTHER = "use a LoRA for this model's kind: Stable Diffusion 1.x, 2.x and XL have others"
_ROLE = re.compile(
    r"(?P<layer>.+?)(\.alpha|(\.lora_|[._]lora\.|\.lora_linear_layer\.)(?P<role>A|B|down|up)(\.default)?\.weight)"
)
_DOWN = ("A", "down")


@dataclass
class _Update:
    """What is added to a layer."""

    down: Tensor | None = None
    up: Tensor | None = None
    alpha: float | None = None


def fuse(adapter: Adapter, networks: Mapping[str, nn.Module]) -> None:
    """Add a LoRA to the networks of a model, in place.

    Args:
        networks: ``"unet"`` and the text encoders, by their folders.

    Raises:
        ModelError: the file is damaged, or one of its tensors is not for a layer of these networks.
    """

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{adapter.file} cannot be added to the model: {reason}", _ANOTHER)

    with guarded(refuse):
        tensors.check(adapter.file)
        content, alphas = _read(adapter)
        layers = _layers(networks)
        updates, lost = _assigned(content, layers, _per_block(networks["unet"]))
        if lost:
            raise refuse(f"{len(lost)} of its {len(content)} tensors have no place in it: {shorten(lost)}")
        for name, update in updates.items():
            if update.alpha is None:
                update.alpha = alphas.get(name.partition(".")[0])
            _add(layers[name], update, adapter.scale, name)


def _read(adapter: Adapter) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The tensors, and what the file's metadata says of alpha for each network as a whole."""
    from safetensors import safe_open

    with safe_open(str(adapter.file), framework="pt") as opened:
        content = {key: opened.get_tensor(key) for key in list(opened.keys())}
        said = json.loads((opened.metadata() or {}).get("lora_adapter_metadata") or "{}")
    alphas = {}
    for name in ("unet", "text_encoder", "text_encoder_2"):
        own = {key.removeprefix(f"{name}."): value for key, value in said.items() if key.startswith(f"{name}.")}
        if others := [key for key in ("use_dora", "use_rslora", "alpha_pattern") if own.get(key)]:
            raise ValueError(f"its metadata has {shorten(others)}, which is not supported")
        if (alpha := own.get("lora_alpha")) is not None:
            alphas[name] = float(alpha)
    return content, alphas


def _layers(networks: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Layers with weights, by the network's name, a dot, and the layer's without dots."""
    found = {}
    for part, network in networks.items():
        for name, layer in network.named_modules():
            if name and getattr(layer, "weight", None) is not None and layer.weight.ndim >= 2:
                found[f"{part}.{name.replace('.', '_').removeprefix('text_model_')}"] = layer
    return found


def _per_block(unet: Any) -> int:
    """Layers in each of a UNet's blocks."""
    found = unet.config.layers_per_block
    return int(found if isinstance(found, int) else found[0])


def _assigned(
    content: Mapping[str, Tensor], layers: Mapping[str, Any], per_block: int
) -> tuple[dict[str, _Update], list[str]]:
    """What is added to each layer, by its name in ``layers``, and the tensors that are for none."""
    updates: dict[str, _Update] = {}
    keys: dict[str, list[str]] = {}
    lost = []
    for key, tensor in content.items():
        match = _ROLE.fullmatch(key)
        name = layer_of(match["layer"], layers, per_block) if match else None
        if not match or name is None:
            lost.append(key)
            continue
        update = updates.setdefault(name, _Update())
        attribute = "alpha" if not match["role"] else "down" if match["role"] in _DOWN else "up"
        if getattr(update, attribute) is not None:
            lost.append(key)
            continue
        setattr(update, attribute, float(tensor) if attribute == "alpha" else tensor.float())
        keys.setdefault(name, []).append(key)
    halves = [name for name, update in updates.items() if update.down is None or update.up is None]
    return updates, lost + [key for name in halves for key in keys[name]]


def _add(layer: Any, update: _Update, scale: float, name: str) -> None:
    import torch

    down, up, weight = update.down, update.up, layer.weight
    assert down is not None and up is not None  # noqa: S101, PT018 - else they were refused
    rank = down.shape[0]
    fits = up.numel() == weight.shape[0] * rank and down.numel() * weight.shape[0] == weight.numel() * rank
    if not fits or up.shape[:2] != (weight.shape[0], rank):
        theirs = f"{tuple(up.shape)} and {tuple(down.shape)}"
        raise ValueError(f"{name} is {tuple(weight.shape)}, and its factors are {theirs}")
    product = up.flatten(1) @ down.flatten(1)
    change = scale * (rank if update.alpha is None else update.alpha) / rank * product.reshape(weight.shape)
    if not change.isfinite().all():
        raise ValueError(f"{name}: what is added is infinite or not a number")
    with torch.no_grad():
        weight.copy_((weight.float() + change.to(weight.device)).to(weight.dtype))
