"""What models of one kind have in common: their text encoders, and what the UNet is told of a prompt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from genie_cli.diffusion.parts import VAE, Index, TextEncoder, UNet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Embedding: TypeAlias = "tuple[Tensor, ...]"  # what a UNet is told of a prompt; of several, each has their rows


def tokenizer_of(encoder: str) -> str:
    """The folder of a text encoder's tokenizer."""
    return encoder.replace("text_encoder", "tokenizer")


class Family(ABC):
    """A kind of models.

    Attributes:
        text_encoders: the folders of the text encoders in a snapshot, and what their configurations are.
        learned_vectors: what a textual inversion's file calls the vectors for each text encoder, if there are several.
        index: what `model_index.json` may say.
        extra_files: files outside of the parts' folders that decide what the model computes.
        parameters: numbers in all parts, about.
    """

    text_encoders: ClassVar[Mapping[str, type[TextEncoder]]]
    learned_vectors: ClassVar[Mapping[str, str]] = {}
    index: ClassVar[type[Index]]
    extra_files: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[int]

    @classmethod
    def networks(cls) -> tuple[str, ...]:
        """The folders of the parts that have weights."""
        return ("unet", "vae", *cls.text_encoders)

    @classmethod
    def tokenizers(cls) -> tuple[str, ...]:
        """The folders of the tokenizers, in the order of their text encoders."""
        return tuple(map(tokenizer_of, cls.text_encoders))

    @classmethod
    def parts(cls) -> tuple[str, ...]:
        """The folders of all parts."""
        return (*cls.networks(), *cls.tokenizers(), "scheduler")

    @classmethod
    @abstractmethod
    def of(cls, unet: UNet, vae: VAE, index: Index) -> Self:
        """The family, with what the configurations of one model say."""

    @classmethod
    @abstractmethod
    def misfit(cls, unet: UNet, encoders: Sequence[TextEncoder]) -> str:
        """Why parts are not of one model, by their configurations; empty if they are."""

    @abstractmethod
    def embed(self, encoders: Sequence[Any], ids: Sequence[Tensor]) -> Embedding:
        """What the UNet is told of a prompt.

        Args:
            encoders: the networks, in the order of `text_encoders`.
            ids: for each (1, tokens), int64.

        Returns:
            Tensors without a dimension for the batch.
        """

    def without_prompt(self, empty: Embedding) -> Embedding:
        """What the UNet is told where guidance leads away from no prompt, given the embedding of an empty one."""
        return empty

    @abstractmethod
    def inputs(self, embeddings: Embedding) -> Mapping[str, Any]:
        """The embeddings of a batch as arguments of the UNet."""

    def vae_dtype(self, dtype: torch.dtype) -> torch.dtype:
        """The precision of the autoencoder of a model that otherwise has ``dtype``."""
        return dtype
