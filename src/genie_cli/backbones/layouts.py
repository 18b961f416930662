"""Which tensors of a checkpoint are a network's, and under which name.

A program that trains a network inside another one puts a prefix before its names: ``module.`` of distributed
training, ``model.`` of Lightning, ``backbone.`` of DINO, ``module.encoder_q.`` of MoCo. Beside them lie tensors that
only training needs: a decoder, a projection, a second encoder that follows the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch

_WRAPPERS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")  # torch's, anywhere in a name
_DEEPEST = 16  # parts of a name after its prefix
# What the parts of a network are called that only its training needs.
_TRAINING = (
    *("decoder", "mask_token", "projector", "projection", "predictor", "proj_head", "dino_head", "ibot_head"),
    *("contrast", "prototypes", "regressor", "queue", "momentum", "target_", "ema_", "loss", "criterion"),
)
# Other names of a last layer, which timm's conversions know.
_LAST = ("head", "fc", "classifier", "last_linear", "heads.head")


@dataclass(frozen=True)
class Matched:
    """A checkpoint's tensors, sorted.

    Attributes:
        weights: those of the network, under names without a prefix.
        left_out: the names, in the file, of those that the network has no place for.
        prefix: what the file has before the names of ``weights``.
    """

    weights: dict[str, torch.Tensor]
    left_out: tuple[str, ...]
    prefix: str


def match(wanted: Collection[str], found: Mapping[str, torch.Tensor], path: Path | str) -> Matched:
    """Sort a checkpoint's tensors.

    Names that timm converts, such as those of the authors of a network, are kept: what of them finds no place
    is found out when they are loaded.

    Args:
        wanted: the names of the network's weights.
        found: the checkpoint's tensors.
        path: where they are from, for the message.

    Raises:
        ModelError: two tensors would have one name.
    """
    plain = _renamed(found, path)
    prefix = prefix_of(wanted, list(plain))
    own = {name.partition(".")[0] for name in wanted}
    # timm's conversion of DINOv2's names looks for this one, and removes it.
    converted = any(".mlp.w12." in name or name.endswith("register_tokens") for name in plain)
    weights, left_out = {}, []
    for name, tensor in plain.items():
        short = name.removeprefix(prefix)
        needed = short in wanted or (converted and short == "mask_token")
        if name.startswith(prefix) and (needed or short.partition(".")[0] in own or not short.startswith(_TRAINING)):
            weights[short] = tensor
        if short not in weights or (short == "mask_token" and short not in wanted):
            left_out.append(name)
    return Matched(weights, tuple(left_out), prefix)


def prefix_of(wanted: Collection[str], names: Sequence[str]) -> str:
    """The prefix after which most names are the network's; empty if that is so without one.

    Of two prefixes with equally many, that of a teacher is taken, else the one that comes first in the file.
    """
    known = set(wanted)
    hits: Counter[str] = Counter({"": 0})
    for name in names:
        parts = name.split(".")
        for start in range(max(0, len(parts) - _DEEPEST), len(parts)):
            if ".".join(parts[start:]) in known:
                hits["".join(f"{part}." for part in parts[:start])] += 1
    most = max(hits.values())
    best = [prefix for prefix, count in hits.items() if count == most]
    if most * 2 >= len(known):
        return "" if "" in best else next((prefix for prefix in best if "teacher." in prefix), best[0])
    return _shared(known, names)


def _shared(known: Collection[str], names: Sequence[str]) -> str:
    """The prefix that all names have and none of the network's has, of a file whose names timm converts."""
    shared = ""
    while names:
        part = names[0].removeprefix(shared).partition(".")[0]
        longer = f"{shared}{part}."
        if not all(name.startswith(longer) for name in names) or any(name.startswith(f"{part}.") for name in known):
            break
        shared = longer
    return shared


def _renamed(found: Mapping[str, torch.Tensor], path: Path | str) -> dict[str, torch.Tensor]:
    """Tensors under names without torch's wrappers."""
    plain: dict[str, torch.Tensor] = {}
    for name, tensor in found.items():
        short = name
        for wrapper in _WRAPPERS:
            short = short.replace(wrapper, "")
        if short in plain:
            raise ModelError(f"{path} holds two weights called {short}, with and without a wrapper of torch's")
        plain[short] = tensor
    return plain


def grouped(names: Sequence[str], kept: Collection[str]) -> list[str]:
    """Names for a message: those that begin alike, and as none of ``kept`` does, are one: ``module.encoder_k.*``."""
    beginnings = {".".join(parts[:end]) for parts in (name.split(".") for name in kept) for end in range(len(parts))}
    groups: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        end = next((end for end in range(1, len(parts)) if ".".join(parts[:end]) not in beginnings), len(parts))
        groups[name if end == len(parts) else f"{'.'.join(parts[:end])}.*"] = None
    return list(groups)


def names_of_last(network: Any) -> list[str]:
    """What a network's last layers are called by timm, and by others whose names timm converts."""
    stated = network.pretrained_cfg.get("classifier") or ()
    layers = [stated] if isinstance(stated, str) else list(stated)
    own = network.state_dict()
    return layers + [layer for layer in _LAST if layer not in layers and f"{layer}.weight" not in own]


def last_layers(network: Any, weights: Collection[str]) -> list[str]:
    """The names, out of ``weights``, that are a last layer's, also of one that has several layers inside."""
    stated = network.pretrained_cfg.get("classifier") or ()
    inside = tuple(f"{layer}." for layer in ([stated] if isinstance(stated, str) else stated))
    exact = {f"{layer}.{kind}" for layer in names_of_last(network) for kind in ("weight", "bias")}
    return [name for name in weights if name in exact or name.startswith(inside)]
