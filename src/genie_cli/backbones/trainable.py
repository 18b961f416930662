"""Networks to fine-tune: timm models with random weights, with those that timm has, or with those of a checkpoint.

LiVT and MAE train vision transformers that average their tokens, and so all that timm calls ``vit_*`` do here. In a
checkpoint of a pretrained one (MAE, DINOv2, LiVT's first stage), and of a classifier with a class token (DeiT and most
of timm's), the encoder's last norm is ``norm``; averaging needs ``fc_norm`` instead, which then is new, as in MAE's
fine-tuning. A fine-tuned checkpoint has the whole network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.backbones import checkpoint, fitting, pretrained
from genie_cli.errors import UsageError, said
from genie_cli.observer import Observer

_DINOV2_SIZE = 224  # pixels; as for features, see `pretrained`


@dataclass(frozen=True)
class NetworkSpec:
    """A network to build.

    Attributes:
        name: timm model name. One with a tag, such as ``vit_base_patch16_224.mae``, starts from the weights that timm
            has under it, unless there is a checkpoint.
        classes: number of classes.
        drop_path: stochastic depth rate of the last block, 0..1; it falls linearly to 0 at the first block.
        image_size: side of the square input, in pixels; 0: the model's default.
        checkpoint: a file of weights; None: timm's if the name has a tag, else random weights.
    """

    name: str
    classes: int
    drop_path: float
    image_size: int = 0
    checkpoint: Path | None = None

    @property
    def starts_from_timm(self) -> bool:
        """Whether the first weights are those that timm has under the name."""
        return "." in self.name and not self.checkpoint


def build(spec: NetworkSpec, observer: Observer | None = None) -> Any:
    """Build a network for training, on the CPU: (N, 3, H, W) to logits (N, classes).

    New weights are drawn from torch's global random generator.

    Args:
        observer: is told what of the weights is new, was resampled or left out, and what is downloaded.

    Raises:
        UsageError: timm has no such model, or cannot build it with this image size or stochastic depth.
        ModelError: the weights cannot be read or downloaded, lack some of the network's besides those of the last
            layer, do not fit in a shape, or are not finite.
    """
    import timm

    observer = observer or Observer()
    if not pretrained.is_known(spec.name):
        near = pretrained.similar_names(spec.name, ())
        raise UsageError(
            f"timm has no network {spec.name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            "use --network with the name of a timm model, such as vit_base_patch16_224",
        )
    options = _options(spec)
    try:
        network = timm.create_model(spec.name, pretrained=False, **options)
    except (TypeError, AssertionError, ValueError, RuntimeError) as error:  # each timm model fails in its own way
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise UsageError(
            f"{spec.name} cannot be built with {given}; timm says: {said(error)}",
            "use another --network, or another --drop-path",
        ) from None
    if spec.checkpoint:
        found = checkpoint.weights(checkpoint.read(spec.checkpoint), spec.checkpoint, observer)
        return fitting.started(network, spec.name, found, spec.checkpoint, options, observer)
    if spec.starts_from_timm:
        found = pretrained.own_weights(spec.name, observer)
        return fitting.started(network, spec.name, found, spec.name, options, observer)
    return network


def _options(spec: NetworkSpec) -> dict[str, Any]:
    """Arguments of `timm.create_model` besides the weights."""
    import timm

    options: dict[str, Any] = {"num_classes": spec.classes, "drop_path_rate": spec.drop_path}
    size = spec.image_size or (_DINOV2_SIZE if pretrained.is_dinov2(spec.name) else 0)
    if size and timm.models.get_pretrained_cfg(spec.name).fixed_input_size:
        options["img_size"] = size
    if spec.name.startswith("vit_"):
        options["global_pool"] = "avg"  # MAE's and LiVT's classifiers average the tokens
    return options


def image_size(spec: NetworkSpec) -> int:
    """Side of the network's square input, in pixels."""
    import timm

    if spec.image_size or pretrained.is_dinov2(spec.name):
        return spec.image_size or _DINOV2_SIZE
    return int(timm.models.get_pretrained_cfg(spec.name).input_size[-1])
