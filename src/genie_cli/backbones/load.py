"""Loads a backbone by its name: a bundled network, EfficientNet-Lite0, a UniSiam encoder or a timm model."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.backbones import digits, lite0, pretrained, unisiam
from genie_cli.backbones.backbone import Backbone
from genie_cli.config import BUNDLED, LITE0
from genie_cli.devices import choose_device, keep_freed_memory
from genie_cli.errors import ModelError, UsageError
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

NAMES = (BUNDLED, *lite0.NAMES, *unisiam.NAMES)  # those that are not timm's
CLASSIFIERS = (BUNDLED, LITE0)


def load(name: str, checkpoint: Path | None = None, device: str = "auto", observer: Observer | None = None) -> Backbone:
    """Load a backbone that gives features (N, D).

    Args:
        name: ``digits`` (bundled), ``lite0`` or ``lite0-64`` (see `lite0`), ``unisiam-resnet18``, ``unisiam-resnet34``
            or ``unisiam-resnet50`` (these need a checkpoint), or a timm model: a name with or without tag,
            ``hf-hub:owner/name`` or ``local-dir:folder``.
        checkpoint: a file of weights for the named architecture; None: timm's pretrained weights.
        device: where to run; see `devices.choose_device`.
        observer: is told how much is to be downloaded, and if the hub does not answer.

    Raises:
        UsageError: there is no such name, or it does not go with the checkpoint.
        ModelError: the weights cannot be found, read or downloaded, or do not fit; or the device cannot be used.
    """
    where = choose_device(device)
    if name == BUNDLED:
        _refuse(name, checkpoint)
        return _on(where, digits.backbone("encoder"))
    if name in lite0.NAMES:
        _refuse(name, checkpoint)
        return _on(where, lite0.features(name))
    if name in unisiam.NAMES:
        if checkpoint is None:
            raise UsageError(
                f"{name} needs a checkpoint, since its weights are not published in one place",
                "use --checkpoint FILE with a file of UniSiam's authors",
            )
        return _on(where, unisiam.load(name, checkpoint, observer))
    _check(name, checkpoint, NAMES)
    return _on(where, pretrained.features(name, checkpoint, observer or Observer()))


def load_classifier(
    name: str, checkpoint: Path | None = None, device: str = "auto", observer: Observer | None = None
) -> Backbone:
    """Load a classifier that gives logits (N, number of classes), and names its classes.

    Args:
        name: ``digits`` (the bundled oracle, with the classes "zero" to "nine"), ``lite0``, or a timm model as
            for `load`. The classes of lite0, and of timm models that were trained on an ImageNet, are WordNet ids. The
            paper's oracle (section 4.4) is ``deit_base_patch16_224.fb_in1k``.
        checkpoint: a file of weights for the named architecture; None: timm's pretrained weights.
        device: where to run; see `devices.choose_device`.
        observer: is told how much is to be downloaded, and if the hub does not answer.

    Raises:
        UsageError, ModelError: see `load`; also if the network is not a classifier, or the names of its classes are
            not known.
    """
    where = choose_device(device)
    if name == BUNDLED:
        _refuse(name, checkpoint)
        return _on(where, digits.backbone("oracle"))
    if name == LITE0:
        _refuse(name, checkpoint)
        return _on(where, lite0.classifier())
    if name in lite0.NAMES:
        raise UsageError(f"{name} is no classifier: at 64 pixels it does not know photographs", "use lite0")
    if name in unisiam.NAMES:
        raise UsageError(
            f"{name} is not a classifier: it gives features and has no classes",
            "use a classifier, such as one of timm's",
        )
    _check(name, checkpoint, CLASSIFIERS)
    return _on(where, pretrained.classifier(name, checkpoint, observer or Observer()))


def spread(backbone: Backbone, devices: Sequence[str]) -> Backbone:
    """The backbone with a copy of its network on each further device, which share the batches.

    Args:
        devices: see `devices.choose_device`; the backbone's own, and one that is named twice, get no second copy.

    Raises:
        ModelError: a device cannot be used, or has too little memory.
    """
    own = next(backbone.network.parameters()).device
    further = [device for device in dict.fromkeys(map(choose_device, devices)) if device != own]
    placed = [_on(device, replace(backbone, network=deepcopy(backbone.network))) for device in further]
    return replace(backbone, copies=tuple(each.network for each in placed))


def _refuse(name: str, checkpoint: Path | None) -> None:
    """Raise UsageError for a checkpoint given to a model that has its own weights."""
    if checkpoint is not None:
        raise UsageError(
            f"{name} has its own weights: the checkpoint {checkpoint} would not be used", "leave out --checkpoint"
        )


def _check(name: str, checkpoint: Path | None, ours: Sequence[str]) -> None:
    """Raise UsageError for a name that timm does not know, or that does not go with the checkpoint.

    Args:
        name, checkpoint: see `load`.
        ours: names that genie knows besides timm's.
    """
    if pretrained.names_its_source(name):
        return _refuse(name, checkpoint)
    if not pretrained.is_known(name):
        near = pretrained.similar_names(name, ours)
        raise UsageError(
            f"there is no model {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            f"use {', '.join(ours)}, the name of a timm model, hf-hub:owner/name or local-dir:folder",
        )
    if checkpoint is None and not pretrained.has_weights(name):
        near = [found for found in pretrained.similar_names(name, ()) if found != name]
        raise UsageError(
            f"timm has no weights for {name!r}", f"use --checkpoint FILE, or {' or '.join(near) or 'another model'}"
        )
    return None


def _on(device: torch.device, backbone: Backbone) -> Backbone:
    """The backbone on a device, in evaluation mode, without gradients."""
    import torch

    if device.type == "cpu":
        keep_freed_memory()
    try:
        backbone.network.to(device).eval().requires_grad_(False)
    except torch.OutOfMemoryError:
        raise ModelError(f"{backbone.name} does not fit into the memory of {device}", "use --device cpu") from None
    return backbone
