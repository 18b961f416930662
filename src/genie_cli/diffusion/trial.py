"""Tries out a snapshot's networks on a small input: a configuration may be wrong in ways that only computing shows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.diffusion import configuration
from genie_cli.diffusion.libraries import guarded
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_SIDE = 8  # latent pixels: small, and halved three times by Stable Diffusion's UNet


def run(path: Path, part: str, network: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Compute something small, and see that its shape is right and its values are finite.

    Args:
        path: the snapshot.
        part: ``"unet"``, ``"vae"`` or ``"text_encoder"``.
        network: that part, on ``device`` in ``dtype``.

    Raises:
        ModelError: it cannot be computed.
    """
    import torch

    def refuse(reason: str) -> ModelError:
        return ModelError(
            f"{path / part} cannot be used: it is damaged or of another model: {reason}", configuration.AGAIN
        )

    tried = {"unet": _unet, "vae": _vae, "text_encoder": _text_encoder}[part]
    try:
        with guarded(refuse), torch.inference_mode():
            tried(network, configuration.read(path), device, dtype)
    except torch.OutOfMemoryError:
        hint = "free some of the device's memory, or use --dtype float16 or --device cpu"
        raise ModelError(f"{path / part} does not fit into the memory of {device}", hint) from None


def _unet(network: Any, found: configuration.Snapshot, device: torch.device, dtype: torch.dtype) -> None:
    import torch

    latents = _ramp((1, 4, _SIDE, _SIDE), device, dtype)
    words = _ramp((1, found.text_encoder.max_position_embeddings, found.unet.cross_attention_dim), device, dtype)
    noise = network(latents, torch.full((1,), 500, device=device), words).sample
    _require_result(noise, tuple(latents.shape))


def _vae(network: Any, found: configuration.Snapshot, device: torch.device, dtype: torch.dtype) -> None:
    # Its values are not looked at: in half precision they may overflow, and are then computed again.
    side = 2 * found.vae.factor
    mode = network.encode(_ramp((1, 3, side, side), device, dtype)).latent_dist.mode()
    image = network.decode(_ramp((1, 4, 2, 2), device, dtype)).sample
    for result, shape in ((mode, (1, 4, 2, 2)), (image, (1, 3, side, side))):
        _require_result(result.new_zeros(result.shape) if dtype.itemsize < 4 else result, shape)


def _text_encoder(network: Any, found: configuration.Snapshot, device: torch.device, _: torch.dtype) -> None:
    import torch

    encoder = found.text_encoder
    ids = torch.arange(encoder.max_position_embeddings, device=device)[None] % encoder.vocab_size
    _require_result(network(ids).last_hidden_state, (1, encoder.max_position_embeddings, encoder.hidden_size))


def _ramp(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Numbers from -1 to 1: some input that is not random, so that the global generator stays as it is."""
    import torch

    return torch.linspace(-1, 1, math.prod(shape)).reshape(shape).to(device, dtype)


def _require_result(result: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(result.shape) != shape:
        raise ValueError(f"its result has the shape {tuple(result.shape)} and should have {shape}")
    if not result.isfinite().all():
        raise ValueError("its result is infinite or not a number")
