"""Models that genie does not run, recognized by what their files say, and what would be needed to run them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from genie_cli.diffusion.configuration import ANOTHER
from genie_cli.errors import ModelError
from genie_cli.files.reading import json_bytes

_MAX_BYTES = 1 << 20
_XL = "two text encoders, pooled embeddings, and sizes and crops as inputs"
_FLOW = "a transformer in the place of the UNet, other text encoders, and a solver for flow matching"
_FEW_STEPS = "the sampler of few steps that it was distilled for, which has no place for a ratio r of noise"


@dataclass(frozen=True)
class Family:
    """Models of one kind.

    Attributes:
        needs: what genie would have to have.
    """

    name: str
    needs: str


LCM = Family("a latent consistency model (LCM)", f"guidance as an input, and {_FEW_STEPS}")
TURBO = Family("a model that was distilled to a few steps (turbo)", _FEW_STEPS)
# By the beginning of the name of the pipeline's class in model_index.json.
_PIPELINES = {
    "StableDiffusionXL": Family("Stable Diffusion XL", _XL),
    "StableDiffusion3": Family("Stable Diffusion 3", _FLOW),
    "Flux": Family("Flux", _FLOW),
    "Sana": Family("Sana", _FLOW),
    "AuraFlow": Family("AuraFlow", _FLOW),
    "PixArt": Family("PixArt", "a transformer in the place of the UNet, and a T5 text encoder"),
    "HunyuanDiT": Family("HunyuanDiT", "a transformer in the place of the UNet, and two text encoders"),
    "LatentConsistency": LCM,
    "Kandinsky": Family("Kandinsky", "a prior that makes embeddings of images, and a decoder of its own"),
    "StableCascade": Family("Stable Cascade", "a prior that makes latents, and a decoder of its own"),
    "Wuerstchen": Family("Wuerstchen", "a prior that makes latents, and a decoder of its own"),
    "IF": Family("DeepFloyd IF", "a T5 text encoder, and pixels in the place of latents"),
    "StableDiffusionInpaint": Family("a model for inpainting", "a mask and the masked image as inputs"),
    "StableDiffusionUpscale": Family("a model that upscales", "a small image as an input"),
    "StableDiffusionDepth": Family("a model with depth", "a map of depth as an input"),
    "StableDiffusionInstructPix2Pix": Family("InstructPix2Pix", "an image as an input besides the noise"),
    "StableDiffusionControlNet": Family("a model with a ControlNet", "an image that guides, for each image made"),
    "StableUnCLIP": Family("Stable unCLIP", "an embedding of an image as an input"),
    "AltDiffusion": Family("AltDiffusion", "a text encoder for several languages"),
}


def refuse_others(path: Path) -> None:
    """Raise ModelError for a snapshot of a kind that is known and does not run here.

    What cannot be read is passed over: it is reported where it is needed.
    """
    index, unet = _said(path / "model_index.json"), _said(path / "unet/config.json")
    scheduler = _said(path / "scheduler/scheduler_config.json")
    family = _family(index, unet, scheduler)
    if not family:
        return
    hints = [ANOTHER]
    if family is TURBO:
        hints.append("if it was not distilled, change timestep_spacing in scheduler/scheduler_config.json to leading")
    raise ModelError(f"{path} is not supported: it is {family.name}, which would need {family.needs}", hints)


def _family(index: Mapping[str, Any], unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> Family | None:
    pipeline = str(index.get("_class_name"))
    begins = [name for name in _PIPELINES if pipeline.startswith(name)]
    if begins:
        return _PIPELINES[max(begins, key=len)]
    if unet.get("addition_embed_type") == "text_time":
        return _PIPELINES["StableDiffusionXL"]
    if unet.get("time_cond_proj_dim") or scheduler.get("_class_name") in ("LCMScheduler", "TCDScheduler"):
        return LCM
    # Its schedule is Stable Diffusion's; what tells it is that its few steps begin where there is nothing but noise.
    is_trailing = scheduler.get("timestep_spacing") == "trailing"
    return TURBO if is_trailing and scheduler.get("prediction_type", "epsilon") == "epsilon" else None


def _said(file: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError):
        content = from_json(json_bytes(file, _MAX_BYTES))  # a sampler may have -Infinity, which is no JSON
        return content if isinstance(content, dict) else {}
    return {}
