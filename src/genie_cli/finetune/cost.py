"""What a training costs, found by taking steps of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError
from genie_cli.finetune.loss import binary_cross_entropy

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

_PROBED = 16  # pictures, and twice as many; what a larger part takes is reckoned from these


@dataclass(frozen=True)
class Cost:
    """Of one part of a batch on one device.

    Attributes:
        seconds: forwards and backwards.
        memory: bytes of weights, gradients, AdamW's two moments, and what the way back needs.
    """

    seconds: float
    memory: int


def measure(network: Any, size: int, part: int, accelerator: Accelerator) -> Cost:
    """Take steps with random pictures of ``size`` pixels; the network keeps its weights, not its batch statistics.

    Raises:
        ModelError: not even a few pictures fit into the device's memory.
    """
    import torch

    network.to(accelerator.device).train()
    few = min(_PROBED, max(part // 2, 2))
    try:
        one, two = (_probe(network, size, count, accelerator) for count in (few, 2 * few))
    except torch.OutOfMemoryError:
        raise ModelError(f"{2 * few} images at a time do not fit into the memory of {accelerator.device}") from None
    weights = sum(parameter.nbytes for parameter in network.parameters())
    kept = one[1] + (two[1] - one[1]) / few * (part - few)  # some is kept once, as half copies of the weights are
    return Cost(two[0] * part / (2 * few), 4 * weights + round(kept))


def _probe(network: Any, size: int, count: int, accelerator: Accelerator) -> tuple[float, int]:
    """Seconds of a step with ``count`` pictures, and bytes that its way forwards keeps for the way back."""
    import torch

    images = torch.rand(count, 3, size, size, device=accelerator.device)
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _step(network, images, accelerator)
    seconds = min(_step(network, images, accelerator) for _ in range(2))
    return seconds, sum(nbytes for place, nbytes in kept.items() if place not in weights)


def _step(network: Any, images: torch.Tensor, accelerator: Accelerator) -> float:
    """Forwards and backwards; the seconds that takes."""
    import torch

    started = time.perf_counter()
    with accelerator.autocast():
        logits = network(images)
    accelerator.backward(binary_cross_entropy(logits, torch.full_like(logits, 1 / logits.shape[1])))
    network.zero_grad()
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - started
