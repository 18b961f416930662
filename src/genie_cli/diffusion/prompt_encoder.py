"""Prompts to what the UNet is told of them, by a model's tokenizers and text encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genie_cli.devices import to_device
from genie_cli.diffusion import network, tokenizer
from genie_cli.diffusion.family import Embedding, Family
from genie_cli.diffusion.locate import Located
from genie_cli.diffusion.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PromptEncoder:
    """The tokenizers and text encoders of a model, on one device.

    Attributes:
        networks: transformers' CLIPTextModel or CLIPTextModelWithProjection, one for each tokenizer.
    """

    family: Family
    tokenizers: tuple[Tokenizer, ...]
    networks: tuple[Any, ...]
    device: torch.device

    def embed(self, prompt: str) -> Embedding:
        """What the UNet is told of a prompt.

        Raises:
            UsageError: the prompt has more tokens than the model reads.
        """
        ids = [to_device(each.ids(prompt), self.device) for each in self.tokenizers]
        return self.family.embed(self.networks, ids)

    def embed_negative(self, prompt: str) -> Embedding:
        """What the UNet is told of a prompt that guidance leads away from, which may be empty. Raises as `embed`."""
        embedding = self.embed(prompt)
        return embedding if prompt else self.family.without_prompt(embedding)


def load(located: Located, family: Family, device: torch.device, dtype: torch.dtype) -> PromptEncoder:
    """Load the tokenizers and text encoders of a snapshot, with the words that are added to them.

    Raises:
        ModelError: a part is damaged, not whole or of another model, or does not fit into the device's memory.
    """
    tokenizers = tokenizer.of(located)
    networks = tuple(network.load(located, encoder, device, dtype) for encoder in family.text_encoders)
    for each, loaded in zip(tokenizers, networks, strict=True):
        _add_words(each, loaded)
    return PromptEncoder(family, tokenizers, networks, device)


def _add_words(taught: Tokenizer, loaded: Any) -> None:
    import torch

    known = loaded.get_input_embeddings()
    if taught.words:
        rows = [known.weight, *(word.vectors.to(known.weight) for word in taught.words)]
        known.weight = torch.nn.Parameter(torch.cat(rows), requires_grad=False)
        known.num_embeddings = len(known.weight)
