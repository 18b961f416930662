"""Networks to fine-tune: timm models with random weights, or with those of a checkpoint of LiVT or MAE.

LiVT and MAE both save ``{'model': weights, ...}`` with timm's names. In the checkpoint of a pretrained ViT (MAE, and
LiVT's first stage) the encoder's last norm is named ``norm.*``, where a classifier that averages its tokens has
``fc_norm.*``; it has no ``head.*``, and its decoder is not needed here. A fine-tuned checkpoint has the whole network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import checkpoint, pretrained
from genie_cli.diffusion import tensors
from genie_cli.errors import ModelError, UsageError, said

if TYPE_CHECKING:
    import torch

_ONLY_IN_PRETRAINING = ("decoder_", "mask_token")
_HEAD_STD = 2e-5  # standard deviation of a new head's weights, as in MAE's fine-tuning


@dataclass(frozen=True)
class NetworkSpec:
    """A network to build.

    Attributes:
        name: timm model name.
        classes: number of classes.
        drop_path: stochastic depth rate of the last block, 0..1; it falls linearly to 0 at the first block.
        image_size: side of the square input, in pixels; 0: the model's default.
        checkpoint: a file of LiVT's or MAE's; None: random weights.
    """

    name: str
    classes: int
    drop_path: float
    image_size: int = 0
    checkpoint: Path | None = None


def build(spec: NetworkSpec) -> Any:
    """Build a network for training, on the CPU: (N, 3, H, W) to logits (N, classes).

    New weights are drawn from torch's global random generator.

    Raises:
        UsageError: timm has no such model, or cannot build it with this image size or stochastic depth.
        ModelError: the checkpoint cannot be read, its weights differ from the network's in a key or a shape, or are not
            finite.
    """
    import timm

    if not pretrained.is_known(spec.name):
        near = pretrained.similar_names(spec.name, ())
        raise UsageError(
            f"timm has no network {spec.name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            "use --network with the name of a timm model, such as vit_base_patch16_224",
        )
    options: dict[str, Any] = {"num_classes": spec.classes, "drop_path_rate": spec.drop_path}
    if spec.image_size and timm.models.get_pretrained_cfg(spec.name).fixed_input_size:
        options["img_size"] = spec.image_size
    if spec.name.startswith("vit_"):
        options["global_pool"] = "avg"  # MAE's and LiVT's classifiers average the tokens
    try:
        network = timm.create_model(spec.name, pretrained=False, **options)
    except (TypeError, AssertionError, ValueError, RuntimeError) as error:  # each timm model fails in its own way
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise UsageError(
            f"{spec.name} cannot be built with {given}; timm says: {said(error)}",
            "use another --network, or another --drop-path",
        ) from None
    if spec.checkpoint:
        _load(network, spec.checkpoint)
    return network


def image_size(spec: NetworkSpec) -> int:
    """Side of the network's square input, in pixels."""
    import timm

    return spec.image_size or int(timm.models.get_pretrained_cfg(spec.name).input_size[-1])


def _load(network: Any, path: Path) -> None:
    """Load the checkpoint's weights, all of them; a pretrained encoder gets a new head and a new ``fc_norm``."""
    weights = _weights(path)
    wanted = network.state_dict()
    new = [key for key in wanted if key.startswith((f"{_head_of(network)}.", "fc_norm."))]
    is_pretrained = not any(key in weights for key in new)
    if is_pretrained:
        weights = {key: value for key, value in weights.items() if not key.startswith("norm.")}
    required = {key: value for key, value in wanted.items() if not (is_pretrained and key in new)}
    if wrong := tensors.difference(required, weights):
        raise ModelError(f"{path} does not fit the network: {wrong}", "use --network with the model it was saved from")
    network.load_state_dict(weights, strict=not is_pretrained)
    if is_pretrained:
        from torch.nn.init import trunc_normal_

        trunc_normal_(network.get_classifier().weight, std=_HEAD_STD)
    checkpoint.require_sound(network, path)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    """The checkpoint's weights without those that only pretraining needs."""
    found = checkpoint.read_model(path, "LiVT or MAE", "{'model': weights, ...}")
    return {key: value for key, value in found.items() if not key.startswith(_ONLY_IN_PRETRAINING)}


def _head_of(network: Any) -> str:
    """The name of the last layer."""
    return str(network.pretrained_cfg["classifier"])
