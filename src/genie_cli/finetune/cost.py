"""Time and memory that training takes, estimated from a few steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.errors import ModelError
from genie_cli.finetune.loss import binary_cross_entropy

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

_PROBED = 16  # images; measured with these and twice as many, and extrapolated from there


@dataclass(frozen=True)
class MicroBatchCost:
    """The cost of a forward and backward pass of one micro-batch on one device.

    Attributes:
        seconds: the time.
        memory: bytes of weights, gradients, AdamW's two moments, and activations kept for the backward pass.
    """

    seconds: float
    memory: int


def measure(network: Any, image_size: int, micro_batch_size: int, accelerator: Accelerator) -> MicroBatchCost:
    """Estimate the cost of a micro-batch from a few passes on random images.

    The network's weights do not change, but the running statistics of its batch norms do.

    Args:
        network: maps (N, 3, image_size, image_size) to logits (N, C); is moved to the accelerator's device.
        image_size: in pixels.
        micro_batch_size: images in a micro-batch.
        accelerator: device and precision; see `training.accelerator_for`.

    Raises:
        ModelError: even 32 images, or a whole micro-batch of fewer, do not fit into the device's memory.
    """
    import torch

    network.to(accelerator.device).train()
    few = min(_PROBED, max(micro_batch_size // 2, 2))
    try:
        one, two = (_probe(network, image_size, count, accelerator) for count in (few, 2 * few))
    except torch.OutOfMemoryError:
        raise ModelError(
            f"{2 * few} images at once do not fit into the memory of {accelerator.device}",
            "use a smaller --network, or another --device",
        ) from None
    weights = sum(parameter.nbytes for parameter in network.parameters())
    per_image = (two[1] - one[1]) / few
    kept = one[1] + per_image * (micro_batch_size - few)  # not per_image * all: half copies of weights are kept once
    return MicroBatchCost(two[0] * micro_batch_size / (2 * few), 4 * weights + round(kept))


def _probe(network: Any, image_size: int, count: int, accelerator: Accelerator) -> tuple[float, int]:
    """Seconds of a pass with ``count`` images, and bytes that its forward pass keeps for the backward pass."""
    import torch

    images = torch.rand(count, 3, image_size, image_size, device=accelerator.device)
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _pass(network, images, accelerator)
    seconds = min(_pass(network, images, accelerator) for _ in range(2))
    return seconds, sum(nbytes for pointer, nbytes in kept.items() if pointer not in weights)


def _pass(network: Any, images: torch.Tensor, accelerator: Accelerator) -> float:
    """Run a forward and a backward pass; returns the seconds it took."""
    import torch

    started = time.perf_counter()
    with accelerator.autocast():
        logits = network(images)
    accelerator.backward(binary_cross_entropy(logits, torch.full_like(logits, 1 / logits.shape[1])))
    network.zero_grad()
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - started
