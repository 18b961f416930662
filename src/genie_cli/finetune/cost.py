"""What a training costs, found by taking one step of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from genie_cli.finetune.loss import binary_cross_entropy

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

_PROBED = 2  # pictures; what they leave for the way back is scaled up


@dataclass(frozen=True)
class Cost:
    """Of one part of a batch on one device.

    Attributes:
        seconds: forwards and backwards, scaled from a few pictures if ``part`` is larger.
        memory: bytes of weights, gradients, AdamW's two moments, and what the way back needs.
    """

    seconds: float
    memory: int


def measure(network: Any, size: int, part: int, accelerator: Accelerator) -> Cost:
    """Take a step with random pictures of ``size`` pixels; the network is not changed but for its gradients."""
    import torch

    device = accelerator.device
    network.to(device).train()
    images = torch.rand(_PROBED, 3, size, size, device=device)
    step = partial(_step, network, images, accelerator)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    seconds = min(step() for _ in range(2))
    weights = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in network.parameters()}
    activations = sum(size for place, size in kept.items() if place not in weights)
    network.zero_grad()
    return Cost(seconds * part / _PROBED, round(4 * sum(weights.values()) + activations * part / _PROBED))


def _step(network: Any, images: torch.Tensor, accelerator: Accelerator) -> float:
    """Forwards and backwards; the seconds that takes."""
    import torch

    started = time.perf_counter()
    with accelerator.autocast():
        logits = network(images)
    accelerator.backward(binary_cross_entropy(logits, torch.full_like(logits, 1 / logits.shape[1])))
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - started
