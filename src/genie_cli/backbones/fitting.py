"""A timm network with the weights of a checkpoint: all of the network's, and what else is in the file is named.

timm converts the names and layouts that it knows, and resamples the embeddings of positions and patches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import checkpoint, layouts, model_folder
from genie_cli.diffusion import tensors
from genie_cli.diffusion.libraries import guarded, quiet
from genie_cli.errors import ModelError, said, shorten
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, "torch.Tensor"]

_HEAD_STD = 2e-5  # standard deviation of a new head's weights, as in MAE's fine-tuning
_OTHER = "use the name of the model that it was saved from"
_AVERAGED = "{} has fc_norm: it was trained to average its tokens, and the network does so, too"
_FULL = {"source": "", "file": None, "custom_load": False, "label_offset": 0}


def whole(
    name: str,
    found: Weights,
    path: Path,
    options: Mapping[str, Any],
    observer: Observer,
    *,
    called: str = "",
    with_head: bool = False,
) -> Any:
    """A network with a checkpoint's weights, on the CPU, with as many outputs as the checkpoint's last layer.

    Args:
        name: what timm knows the network by.
        found, path: the checkpoint's tensors, and where they are from.
        options: arguments of `timm.create_model` besides the weights.
        observer: is told what was left out or resampled.
        called: what the user calls a network of a folder or of the hub, whose configuration has the number of outputs.
        with_head: a last layer that does not fit, such as a projection, is an error; else the network has none then.

    Raises:
        ModelError: weights are missing, do not fit or are not finite.
    """
    if called:
        _require_size(name, path, found)
    skeleton, matched = _sorted(name, called, found, path, options)
    if averages := _averages(skeleton, matched.weights):
        options = {**options, "global_pool": "avg"}
        skeleton, matched = _sorted(name, called, found, path, options)
    weights, overlay = matched.weights, {}
    if not called:
        overlay = {"num_classes": _outputs(path, skeleton, weights, with_head=with_head)}
        last = () if overlay["num_classes"] else layouts.last_layers(skeleton, weights)
        weights = {key: tensor for key, tensor in weights.items() if key not in last}
    network = _loaded(name, weights, path, options, overlay, called or name)
    if averages:
        observer.found(_AVERAGED.format(path))
    _tell(path, network, matched, weights, observer)
    return network


def _sorted(
    name: str, called: str, found: Weights, path: Path, options: Mapping[str, Any]
) -> tuple[Any, layouts.Matched]:
    """The network without numbers, and the checkpoint's tensors sorted for it."""
    skeleton = _skeleton(name, called or name, path, options)
    return skeleton, layouts.match(skeleton.state_dict(), found, path)


def started(
    network: Any, name: str, found: Weights, path: Path | str, options: dict[str, Any], observer: Observer
) -> Any:
    """A network to fine-tune, with a checkpoint's weights; its last layer is new unless it has the checkpoint's shape.

    A network that averages its tokens has ``fc_norm`` where one that does not has ``norm``. From weights of the second,
    the first gets a new ``fc_norm``, as in MAE's fine-tuning, and with it a new last layer.

    Args:
        network: the same network with random weights; its new last layer is drawn here.
        name, found, path, options, observer: see `whole`.

    Raises:
        ModelError: see `whole`.
    """
    import timm

    matched = layouts.match(network.state_dict(), found, path)
    if averages := _averages(network, matched.weights):
        options = options | {"global_pool": "avg"}
        network = timm.create_model(name, pretrained=False, **options)
    kept, new = _kept(network, matched.weights)
    own, theirs = (layouts.last_layers(network, names) for names in (new, matched.weights))
    if own:
        _renew(network)
    loaded = _filled(network, name, kept, new, path, options)
    if averages:
        observer.found(_AVERAGED.format(path))
    if own:
        sizes = {key: tuple(matched.weights[key].shape) for key in theirs}
        observer.found(f"{path}: the last layer is new, for {network.num_classes} classes; {_in_file(sizes)}")
    if others := [key for key in new if key not in own]:
        observer.found(f"{path}: new, since the file has none: {shorten(others)}")
    _tell(path, loaded, matched, kept, observer, told=theirs)
    return loaded


def _filled(
    network: Any, name: str, kept: Weights, new: Collection[str], path: Path | str, options: dict[str, Any]
) -> Any:
    """A network with weights that are kept, those of ``new`` being its own."""
    own = network.state_dict()
    if 2 * len(own.keys() & kept.keys()) >= len(own) or not new:
        weights = {**kept, **{key: own[key] for key in new}}
        return _loaded(name, weights, path, options, {"num_classes": network.num_classes}, name)
    # timm converts the names of the whole file or of none, so that a new layer under timm's name would not do.
    body = _loaded(name, kept, path, options | {"num_classes": 0}, {"num_classes": 0}, name).state_dict()
    if body.keys() - own.keys() or own.keys() - body.keys() - set(new):
        raise ModelError(f"{path} does not fit {name}: {tensors.difference(own, body)}", _OTHER)
    network.load_state_dict({**own, **body})
    return network


def _kept(network: Any, weights: Weights) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The weights that a network to fine-tune starts with, and the names of those that are new."""
    own = network.state_dict()
    new = [key for key in own if key.startswith("fc_norm.") and "fc_norm.weight" not in weights]
    gone = [key for key in weights if key.startswith(("norm.", "attn_pool.")) and key not in own] if new else []
    last = layouts.last_layers(network, own)
    if new or any(key not in weights or weights[key].shape != own[key].shape for key in last):
        new = last + new
        gone += layouts.last_layers(network, weights)
    return {key: tensor for key, tensor in weights.items() if key not in gone}, new


def _in_file(sizes: Mapping[str, tuple[int, ...]]) -> str:
    """What a file has for a last layer, for a message."""
    found = [f"{key} is {shape}" for key, shape in sizes.items() if key.endswith("weight")]
    return f"in the file {shorten(found)}" if found else "the file has none"


def _renew(network: Any) -> None:
    """Draw the weights of a network's last layer, or layers, from torch's global generator; their biases are 0."""
    from torch.nn.init import trunc_normal_, zeros_

    layers = network.get_classifier()
    for layer in layers if isinstance(layers, tuple | list) else [layers]:
        for key, parameter in layer.named_parameters():
            if key.endswith("bias"):
                zeros_(parameter)
            elif parameter.ndim > 1:
                trunc_normal_(parameter, std=_HEAD_STD)


def _averages(skeleton: Any, weights: Weights) -> bool:
    """Whether weights are of a transformer that averages its tokens, and the network is the same without that."""
    own = skeleton.state_dict()
    plain, averaged = "norm.weight", "fc_norm.weight"
    return plain in own and averaged not in own and averaged in weights and plain not in weights


def _skeleton(name: str, called: str, path: Path, options: Mapping[str, Any]) -> Any:
    """The network without numbers: names and shapes of its weights."""
    import timm
    from accelerate import init_empty_weights

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{path} does not fit {called}: timm says: {reason}", _OTHER)

    with suppress(Exception), quiet(), init_empty_weights():
        return timm.create_model(name, **options)
    with guarded(refuse):  # a few networks compute while they are built
        return timm.create_model(name, **options)


def _loaded(
    name: str, weights: Weights, path: Path | str, options: Mapping[str, Any], overlay: Mapping[str, Any], called: str
) -> Any:
    """The network with weights that timm converts; every one of the network's, and no others."""
    import timm

    overlay = {**_FULL, **overlay}
    try:
        with quiet():
            network = timm.create_model(
                name, pretrained=True, pretrained_cfg_overlay={**overlay, "state_dict": dict(weights)}, **options
            )
    except Exception as error:  # errors of timm and torch have no common base class
        raise _mismatch(name, called, path, weights, overlay, options, error) from None
    require_strict(network, called)
    if wrong := tensors.quantized(network.state_dict(), weights):
        raise ModelError(f"{path} is not supported: {shorten(wrong)}")
    checkpoint.require_sound(network, path)
    network.pretrained_cfg.pop("state_dict", None)  # it would keep a second copy of all weights
    return network


def _tell(
    path: Path | str,
    network: Any,
    matched: layouts.Matched,
    used: Weights,
    observer: Observer,
    told: Collection[str] = (),
) -> None:
    """Tell which of a file's tensors found no place, besides those of which this was told, and which were resampled."""
    own = network.state_dict()
    resampled = [
        f"{key} from {tuple(tensor.shape)} to {tuple(own[key].shape)}"
        for key, tensor in used.items()
        if key in own and own[key].shape != tensor.shape
    ]
    if resampled:
        observer.found(f"{path}: resampled by timm: {shorten(resampled)}")
    dropped = [f"{matched.prefix}{key}" for key in matched.weights if key not in used and key not in told]
    if left_out := layouts.grouped([*matched.left_out, *dropped], [f"{matched.prefix}{key}" for key in used]):
        observer.found(f"{path}: left out, since the network has no place for them: {shorten(left_out, shown=9)}")


def _outputs(path: Path, skeleton: Any, weights: Weights, *, with_head: bool) -> int:
    """The number of outputs of the checkpoint's last layer; 0 if it has none, or only one that is not the network's."""
    own = skeleton.state_dict()
    for key in [f"{layer}.weight" for layer in layouts.names_of_last(skeleton) if f"{layer}.weight" in weights]:
        shape = tuple(weights[key].shape)
        if len(shape) < 2 or not 1 <= shape[0] <= model_folder.MAX_CLASSES:
            raise ModelError(f"{path} is not supported: its last layer {key} has the shape {shape}")
        inputs = tuple(own[key].shape[1:]) if key in own else shape[1:]
        if with_head and shape[1:] != inputs:
            raise ModelError(f"{path} does not fit: {key} is {shape} and should be {(shape[0], *inputs)}", _OTHER)
        return shape[0] if shape[1:] == inputs else 0
    return 0


def _require_size(name: str, path: Path, weights: Weights) -> None:
    """Raise ModelError if the network that a configuration describes is much larger than its weights."""
    import timm
    from accelerate import init_empty_weights

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{path.with_name('config.json')} is not a model's configuration: {reason}")

    with guarded(refuse), init_empty_weights():
        network = timm.create_model(name)
    wanted, found = (sum(tensor.numel() for tensor in each) for each in (network.parameters(), weights.values()))
    if wanted > 2 * found + 1_000_000:  # weights may be resized, such as those of positions
        raise ModelError(f"{path} does not fit its config.json, which describes {wanted:,} weights: it has {found:,}")


def require_strict(network: Any, called: str) -> None:
    """Raise ModelError if timm has let weights be missing, as it does for a head of another size."""
    stated = network.pretrained_cfg.get("num_classes", network.num_classes)
    if stated != network.num_classes or (network.pretrained_cfg.get("input_size") or (3,))[0] != 3:
        raise ModelError(
            f"{called} is not supported: its configuration has {stated} classes, the network {network.num_classes}, "
            "or it does not take RGB images"
        )


def _mismatch(
    name: str,
    called: str,
    path: Path | str,
    weights: Weights,
    overlay: Mapping[str, Any],
    options: Mapping[str, Any],
    error: Exception,
) -> ModelError:
    """Why a checkpoint's weights do not fit. They are compared with the network, since timm's message can be long."""
    import timm

    reason = ""
    with suppress(Exception), quiet():  # it fails again if a folder's configuration is what is wrong
        network = timm.create_model(name, pretrained_cfg_overlay=dict(overlay), **options)
        reason = tensors.difference(network.state_dict(), weights)
    reason = reason or f"timm says: {said(error)}"
    return ModelError(f"{path} does not fit {called}: {reason}", _OTHER)
