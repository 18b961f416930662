"""Tries out a snapshot's networks on a small input: a configuration may be wrong in ways that only computing shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.diffusion import configuration
from genie_cli.diffusion.libraries import guarded
from genie_cli.diffusion.parts import TextEncoder
from genie_cli.diffusion.prompt_encoder import PromptEncoder
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_SIDE = 8  # latent pixels: small, and halved three times by Stable Diffusion's UNet


def run(path: Path, unet: Any, prompts: PromptEncoder, device: torch.device, dtype: torch.dtype) -> None:
    """Embed a prompt and predict something small with it, and see that shapes are right and values are finite.

    Args:
        path: the snapshot.
        unet: its UNet, on ``device`` in ``dtype``, as are the text encoders of ``prompts``.

    Raises:
        ModelError: that cannot be computed.
    """
    import torch

    found = configuration.read(path)
    for encoder, network, config in zip(
        prompts.family.text_encoders, prompts.networks, found.text_encoders, strict=True
    ):
        with _tried(path / encoder, device):
            _text_encoder(network, config, device)
    with _tried(path / "unet", device):
        latents = _ramp((1, 4, _SIDE, _SIDE), device, dtype)
        embedding = tuple(each[None] for each in prompts.embed(""))
        noise = unet(latents, torch.full((1,), 500, device=device), **prompts.family.inputs(embedding)).sample
        _require_result(noise, tuple(latents.shape))


def run_vae(path: Path, vae: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Encode and decode something small; arguments and errors as of `run`."""
    # Its values are not looked at in half precision: they may overflow, and are then computed again.
    side = 2 * configuration.read(path).vae.factor
    with _tried(path / "vae", device):
        mode = vae.encode(_ramp((1, 3, side, side), device, dtype)).latent_dist.mode()
        image = vae.decode(_ramp((1, 4, 2, 2), device, dtype)).sample
        for result, shape in ((mode, (1, 4, 2, 2)), (image, (1, 3, side, side))):
            _require_result(result.new_zeros(result.shape) if dtype.itemsize < 4 else result, shape)


@contextmanager
def _tried(part: Path, device: torch.device) -> Iterator[None]:
    import torch

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{part} cannot be used: it is damaged or of another model: {reason}", configuration.AGAIN)

    try:
        with guarded(refuse), torch.inference_mode():
            yield
    except torch.OutOfMemoryError:
        hint = "free some of the device's memory, or use --dtype float16 or --device cpu"
        raise ModelError(f"{part} does not fit into the memory of {device}", hint) from None


def _text_encoder(network: Any, config: TextEncoder, device: torch.device) -> None:
    import torch

    ids = torch.arange(config.max_position_embeddings, device=device)[None] % config.vocab_size
    _require_result(network(ids).last_hidden_state, (1, config.max_position_embeddings, config.hidden_size))


def _ramp(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Numbers from -1 to 1: some input that is not random, so that the global generator stays as it is."""
    import torch

    return torch.linspace(-1, 1, math.prod(shape)).reshape(shape).to(device, dtype)


def _require_result(result: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(result.shape) != shape:
        raise ValueError(f"its result has the shape {tuple(result.shape)} and should have {shape}")
    if not result.isfinite().all():
        raise ValueError("its result is infinite or not a number")
