"""timm's models as backbones: features, or logits with the names of their classes."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import checkpoint
from genie_cli.backbones.backbone import Backbone, Preprocess, identity
from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    import torch

_FOLDER, _HUB = "local-dir:", "hf-hub:"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.pth")
_NAMES = ("class_names", "label_names")
# DINOv2's authors evaluate at 256 and 224; timm's default is the 518 of its last stage of training.
_DINOV2 = {"input_size": (3, 224, 224), "crop_pct": 224 / 256}


def is_sourced(name: str) -> bool:
    """Whether the name says where its weights are: ``hf-hub:owner/name`` or ``local-dir:folder``."""
    return name.startswith((_FOLDER, _HUB))


def is_known(name: str) -> bool:
    """Whether timm has a model of this name, with this tag if the name has one."""
    import timm

    architecture, _, tag = name.partition(".")
    return bool(timm.is_model(architecture)) and (not tag or name in timm.list_models(pretrained=True))


def has_weights(name: str) -> bool:
    """Whether timm can fetch weights for the model."""
    import timm

    return bool(timm.models.is_model_pretrained(name))


def nearest(name: str, more: Sequence[str]) -> list[str]:
    """Up to three names that are like this one, of timm's and of ``more``."""
    import timm

    known = {*more, *timm.list_models(), *timm.list_models(pretrained=True)}
    return difflib.get_close_matches(name, sorted(known), n=3)


def features(name: str, path: Path | None) -> Backbone:
    """The model called ``name`` without its last layer, on the CPU: features (N, D).

    Args:
        path: a checkpoint of the same architecture, with any number of classes or none; None: timm's weights.

    Raises:
        ModelError: the weights are not there, cannot be read or do not fit.
    """
    network, _ = _build(name, path)
    # Only now, so that the weights had to fit in full: timm is lenient where the numbers of classes differ.
    network.reset_classifier(0)
    return _backbone(name, network, ())


def classifier(name: str, path: Path | None) -> Backbone:
    """The model called ``name`` with the names of its classes, on the CPU: logits (N, classes).

    The names are the checkpoint's own (an entry ``class_names`` or ``label_names``), else those in the model's
    configuration, else the WordNet ids of the ImageNet that has so many classes.

    Raises:
        ModelError: as `features`; also if the model is no classifier, or nobody knows what its classes are called.
    """
    network, content = _build(name, path)
    count = int(network.num_classes)
    if not count:
        raise ModelError(
            f"{path or name} is no classifier: it has no last layer", "take one that was trained on labels"
        )
    return _backbone(name, network, _classes(path or name, network, content, count))


def _build(name: str, path: Path | None) -> tuple[Any, Mapping[str, Any]]:
    """The whole network with its weights, and what else lay in the checkpoint."""
    import timm

    content: Mapping[str, Any] = {}
    overlay: dict[str, Any] = {}
    if name.startswith(_FOLDER):
        # timm would read the folder itself; older ones unpickle anything.
        path = _in_folder(Path(name.removeprefix(_FOLDER)))
        overlay = {"source": "", "file": None}
    if path:
        content = checkpoint.read(path)
        weights = timm.models.clean_state_dict(checkpoint.weights(content, path))
        overlay |= {"state_dict": weights, "custom_load": False, "label_offset": 0}
        if not is_sourced(name):
            overlay["num_classes"] = _outputs(timm.models.get_pretrained_cfg(name).classifier, weights)
    try:
        network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **_arguments(name))
    except Exception as error:  # the hub's, the network's and timm's own errors have no common root
        raise _failure(name, path, overlay, error) from None
    network.pretrained_cfg.pop("state_dict", None)  # a second copy of all weights
    return network, content


def _arguments(name: str) -> dict[str, Any]:
    return {"img_size": 224} if _is_dinov2(name) else {}


def _is_dinov2(name: str) -> bool:
    return not is_sourced(name) and name.partition(".")[0].endswith("_dinov2")


def _in_folder(folder: Path) -> Path:
    """The weights in a folder of timm's layout: ``config.json`` and a file of weights."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is not a model: it has no config.json", "timm's save_for_hf writes such a folder")
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"{folder} has no weights: none of {', '.join(_WEIGHTS)}")


def _outputs(last: str | Sequence[str] | None, weights: Mapping[str, torch.Tensor]) -> int:
    """For how many classes the last layer in the file is; 0 if there is none."""
    layers = [last] if isinstance(last, str) else last or []
    found = [weights[f"{layer}.weight"] for layer in layers if f"{layer}.weight" in weights]
    return len(found[0]) if found else 0


def _failure(name: str, path: Path | None, overlay: Mapping[str, Any], error: Exception) -> ModelError:
    """What went wrong in words; for a file by comparing it with the network, which timm's own words do at length."""
    import timm

    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if path is None:
        fetch = f"import timm; timm.create_model({name!r}, pretrained=True)"
        instead = "name a folder of it: local-dir:folder" if is_sourced(name) else "give its weights: --checkpoint file"
        return ModelError(
            f"model {name} is not on this machine and could not be fetched: {reason}",
            f'where there is a network: python -c "{fetch}"\nor {instead}',
        )
    with suppress(Exception):  # a folder's configuration may be what is wrong
        plain = {key: value for key, value in overlay.items() if key != "state_dict"}
        network = timm.create_model(name, pretrained_cfg_overlay=plain, **_arguments(name))
        reason = checkpoint.difference(network.state_dict(), overlay["state_dict"]) or reason
    return ModelError(f"{path} does not fit {name}: {reason}", "see which architecture its weights belong to")


def _classes(where: Path | str, network: Any, content: Mapping[str, Any], count: int) -> tuple[str, ...]:
    from timm.data import ImageNetInfo, infer_imagenet_subset

    for names in (*(content.get(entry) for entry in _NAMES), network.pretrained_cfg.get("label_names")):
        if names:
            return _checked(where, names, count)
    if subset := infer_imagenet_subset(network):
        return _checked(where, ImageNetInfo(subset).label_names(), count)
    raise ModelError(
        f"{where} tells {count} classes apart, and nothing says what they are called",
        "save them with the weights: torch.save({'model': network.state_dict(), 'class_names': [...]}, ...)",
    )


def _checked(where: Path | str, names: Any, count: int) -> tuple[str, ...]:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"{where}: its names of classes are not a list of words")
    if len(names) != count:
        raise ModelError(f"{where}: tells {count} classes apart, and names {len(names)}")
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise ModelError(f"{where}: several classes have one name: {shorten(twice)}", "give each its own")
    return tuple(names)


def _backbone(name: str, network: Any, classes: tuple[str, ...]) -> Backbone:
    preprocess = _sight(name, network)
    label = str(network.pretrained_cfg["architecture"]) if is_sourced(name) else name
    return Backbone(identity(label, network, preprocess), network.eval().requires_grad_(False), preprocess, classes)


def _sight(name: str, network: Any) -> Preprocess:
    """As timm's evaluation looks: resized to floor(size / crop_pct), cropped at the centre.

    A few models want the whole picture, squashed or with a border; they too get the centre.
    """
    from timm.data import resolve_model_data_config

    wants = resolve_model_data_config(network, args=_DINOV2 if _is_dinov2(name) else None)
    channels, height, width = wants["input_size"]
    if channels != 3 or height != width or wants["interpolation"] not in ("bilinear", "bicubic"):
        raise ModelError(
            f"{name} does not look at square RGB pictures: {wants['input_size']}, {wants['interpolation']}"
        )
    return Preprocess(
        resize=math.floor(height / wants["crop_pct"]),
        size=height,
        mean=tuple(wants["mean"]),
        std=tuple(wants["std"]),
        interpolation=wants["interpolation"],
    )
