"""The kinds of single files with a whole model that can be converted, in the layout of Stable Diffusion's authors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genie_cli.diffusion.tensors import Described

_NOT_WEIGHTS = ("position_ids", "logit_scale")
_MERGED = ("in_proj_weight", "in_proj_bias")  # of OpenCLIP: one where transformers has three


@dataclass(frozen=True)
class Kind:
    """A kind of single files.

    Attributes:
        name: for messages.
        folder: of the package's configurations for it.
        pipeline: the class of diffusers that reads it.
        prefixes: what the names of a part's weights begin with, by the part's folder.
    """

    name: str
    folder: str
    pipeline: str
    prefixes: Mapping[str, str]

    def is_weight(self, key: str) -> bool:
        """Whether a tensor is one of the model's, and not what training leaves besides."""
        return key.startswith(tuple(self.prefixes.values()))

    def count(self, found: Mapping[str, Described], part: str) -> tuple[int, int]:
        """How many weights a file has for a part, as diffusers counts them, and how many numbers in all."""
        keys = [key for key in found if key.startswith(self.prefixes[part]) and not key.endswith(_NOT_WEIGHTS)]
        number = sum(3 if key.endswith(_MERGED) else 1 for key in keys)
        return number, sum(math.prod(found[key].shape) for key in keys)


_OF_UNET_AND_VAE = {"unet": "model.diffusion_model.", "vae": "first_stage_model."}
STABLE_DIFFUSION_1 = Kind(
    "Stable Diffusion 1.x",
    "stable-diffusion-1",
    "StableDiffusionPipeline",
    {**_OF_UNET_AND_VAE, "text_encoder": "cond_stage_model.transformer."},
)
STABLE_DIFFUSION_XL = Kind(
    "Stable Diffusion XL",
    "stable-diffusion-xl",
    "StableDiffusionXLPipeline",
    {
        **_OF_UNET_AND_VAE,
        "text_encoder": "conditioner.embedders.0.transformer.",
        "text_encoder_2": "conditioner.embedders.1.model.",
    },
)


def kind_of(keys: Iterable[str]) -> Kind:
    """The kind that a file would be of, by the names of its tensors; it may not be whole."""
    return STABLE_DIFFUSION_XL if any(key.startswith("conditioner.") for key in keys) else STABLE_DIFFUSION_1
