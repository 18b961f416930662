"""A backbone by its name: the bundled networks, UniSiam's encoders, and everything timm has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.backbones import digits, pretrained, unisiam
from genie_cli.backbones.backbone import Backbone
from genie_cli.devices import choose_device
from genie_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch

DIGITS = "digits"


def load(name: str, checkpoint: Path | None = None, device: str = "auto") -> Backbone:
    """The backbone called ``name``, from pictures to features (N, D), on its device.

    Args:
        name: ``digits`` (bundled), ``unisiam-resnet18``, ``-resnet34`` or ``-resnet50`` (with a checkpoint), or a
            timm model, also as ``hf-hub:owner/name`` or ``local-dir:folder``.
        checkpoint: a file of weights; timm's own are used without one.
        device: ``auto``, ``cpu``, ``cuda``, ...

    Raises:
        UsageError: no such name, or a checkpoint that is missing or would not be used.
        ModelError: the weights are not there, cannot be read or do not fit; or the device cannot be used.
    """
    place = choose_device(device)
    if name == DIGITS:
        _refuse(name, checkpoint)
        return _on(place, digits.backbone("encoder"))
    if name in unisiam.NAMES:
        if checkpoint is None:
            raise UsageError(
                f"{name} needs a checkpoint: its weights are not published in one place", "say which: --checkpoint FILE"
            )
        return _on(place, unisiam.load(name, checkpoint))
    _check(name, checkpoint, (DIGITS, *unisiam.NAMES))
    return _on(place, pretrained.features(name, checkpoint))


def load_classifier(name: str, checkpoint: Path | None = None, device: str = "auto") -> Backbone:
    """The classifier called ``name``, from pictures to logits (N, classes), with its ``classes`` filled.

    ``digits`` is the bundled oracle, whose classes are "zero" to "nine"; any other name is a timm model, whose
    classes are WordNet ids if it knows one of the ImageNets. The paper's oracle (section 4.4) is
    ``deit_base_patch16_224.fb_in1k``.

    Raises:
        UsageError, ModelError: as `load`; also for a network without classes, or with classes that have no names.
    """
    place = choose_device(device)
    if name == DIGITS:
        _refuse(name, checkpoint)
        return _on(place, digits.backbone("oracle"))
    if name in unisiam.NAMES:
        raise UsageError(f"{name} gives features and knows no classes", "take a classifier, such as one of timm's")
    _check(name, checkpoint, (DIGITS,))
    return _on(place, pretrained.classifier(name, checkpoint))


def _refuse(name: str, checkpoint: Path | None) -> None:
    if checkpoint is not None:
        raise UsageError(f"{name} brings its own weights: the checkpoint {checkpoint} would not be used")


def _check(name: str, checkpoint: Path | None, ours: Sequence[str]) -> None:
    """Raise UsageError for a name that timm does not know, or one and a checkpoint that do not go together."""
    if pretrained.is_sourced(name):
        return _refuse(name, checkpoint)
    if not pretrained.is_known(name):
        near = pretrained.nearest(name, ours)
        raise UsageError(
            f"there is no model {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            f"known: {', '.join(ours)}, timm's models, hf-hub:owner/name and local-dir:folder",
        )
    if checkpoint is None and not pretrained.has_weights(name):
        near = [found for found in pretrained.nearest(name, ()) if found != name]
        raise UsageError(
            f"timm has no weights for {name!r}", f"give a --checkpoint, or take {' or '.join(near) or 'another model'}"
        )
    return None


def _on(place: torch.device, backbone: Backbone) -> Backbone:
    """The backbone, moved to its device, ready to be asked and not to be trained."""
    import torch

    try:
        backbone.network.to(place).eval().requires_grad_(False)
    except torch.OutOfMemoryError:
        raise ModelError(f"{backbone.name} does not fit into the memory of {place}", "use --device cpu") from None
    return backbone
