"""Stable Diffusion 1.x and 2.x: one text encoder, of which the UNet gets the last hidden state of each token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from genie_cli.diffusion.family import Embedding, Family
from genie_cli.diffusion.parts import VAE, Index, IndexSD, TextEncoder, UNet

if TYPE_CHECKING:
    from torch import Tensor


class StableDiffusion(Family):
    """Models with the inputs of Stable Diffusion 1.x; see `Family`."""

    text_encoders = {"text_encoder": TextEncoder}  # noqa: RUF012 - annotated as a class variable in Family
    index = IndexSD
    parameters = 1_070_000_000

    @classmethod
    def of(cls, unet: UNet, vae: VAE, index: Index) -> Self:  # noqa: ARG003 - all of these models are alike
        return cls()

    @classmethod
    def misfit(cls, unet: UNet, encoders: Sequence[TextEncoder]) -> str:
        width, wanted = encoders[0].hidden_size, unet.cross_attention_dim
        return (
            ""
            if width == wanted
            else (
                f"text_encoder and unet are not of one model: text_encoder/config.json has hidden_size {width}, "
                f"unet/config.json has cross_attention_dim {wanted}"
            )
        )

    def embed(self, encoders: Sequence[Any], ids: Sequence[Tensor]) -> Embedding:
        [encoder], [tokens] = encoders, ids
        return (encoder(tokens).last_hidden_state[0],)

    def inputs(self, embeddings: Embedding) -> Mapping[str, Any]:
        return {"encoder_hidden_states": embeddings[0]}
