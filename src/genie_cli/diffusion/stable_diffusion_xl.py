"""Stable Diffusion XL (Podell et al., 2023): two text encoders, a prompt's embedding as a whole, and sizes.

The UNet gets the hidden states of both text encoders before their last layers, side by side; added to the timestep, the
second's embedding of the prompt as a whole, and the image's size before it was scaled, the corner at which it was
cropped, and its size after, each as height and width. An image is told to be as large as it is, and not cropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from genie_cli.diffusion.family import Embedding, Family
from genie_cli.diffusion.parts import VAE, Index, IndexXL, ProjectedTextEncoder, TextEncoder, UNet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_SIZES = 6


@dataclass(frozen=True)
class StableDiffusionXL(Family):
    """Models with the inputs of Stable Diffusion XL's base; see `Family`.

    Attributes:
        image_side: of the images that are made, in pixels.
        zeroes_empty_prompt: whether no prompt is zeros, instead of the embedding of an empty one.
        overflows: whether the autoencoder's numbers are too large for float16.
    """

    text_encoders = {"text_encoder": TextEncoder, "text_encoder_2": ProjectedTextEncoder}  # noqa: RUF012
    learned_vectors = {"text_encoder": "clip_l", "text_encoder_2": "clip_g"}  # noqa: RUF012
    index = IndexXL
    extra_files = ("model_index.json",)
    parameters = 3_470_000_000

    image_side: int
    zeroes_empty_prompt: bool
    overflows: bool

    @classmethod
    def of(cls, unet: UNet, vae: VAE, index: Index) -> Self:
        assert isinstance(index, IndexXL)  # noqa: S101 - by `index`
        return cls(unet.side * vae.factor, index.force_zeros_for_empty_prompt, vae.force_upcast)

    @classmethod
    def misfit(cls, unet: UNet, encoders: Sequence[TextEncoder]) -> str:
        widths, wanted = [each.hidden_size for each in encoders], unet.cross_attention_dim
        if sum(widths) != wanted:
            return (
                f"the text encoders and unet are not of one model: they have hidden_size {widths[0]} and {widths[1]}, "
                f"unet/config.json has cross_attention_dim {wanted}"
            )
        second = encoders[1]
        assert isinstance(second, ProjectedTextEncoder)  # noqa: S101 - by `text_encoders`
        added = second.projection_dim + _SIZES * (unet.addition_time_embed_dim or 0)
        if added != unet.projection_class_embeddings_input_dim:
            return (
                "text_encoder_2 and unet are not of one model: an embedding of projection_dim "
                f"{second.projection_dim} and {_SIZES} sizes make {added} numbers, unet/config.json has "
                f"projection_class_embeddings_input_dim {unet.projection_class_embeddings_input_dim}"
            )
        return ""

    def embed(self, encoders: Sequence[Any], ids: Sequence[Tensor]) -> Embedding:
        import torch

        outputs = [encoder(tokens, output_hidden_states=True) for encoder, tokens in zip(encoders, ids, strict=True)]
        words = torch.cat([output.hidden_states[-2][0] for output in outputs], dim=-1)
        side = self.image_side
        return words, outputs[1].text_embeds[0], words.new_tensor([side, side, 0, 0, side, side])

    def without_prompt(self, empty: Embedding) -> Embedding:
        words, whole, sizes = empty
        if not self.zeroes_empty_prompt:
            return empty
        return words.new_zeros(words.shape), whole.new_zeros(whole.shape), sizes

    def inputs(self, embeddings: Embedding) -> Mapping[str, Any]:
        words, whole, sizes = embeddings
        return {"encoder_hidden_states": words, "added_cond_kwargs": {"text_embeds": whole, "time_ids": sizes}}

    def vae_dtype(self, dtype: torch.dtype) -> torch.dtype:
        import torch

        return torch.float32 if dtype == torch.float16 and self.overflows else dtype
