"""Models that genie does not run, recognized by what their files say, and what would be needed to run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.diffusion.configuration import ANOTHER
from genie_cli.diffusion.families import said
from genie_cli.errors import ModelError

_FLOW = "a transformer in the place of the UNet, other text encoders, and a solver for flow matching"
_FEW_STEPS = "the sampler of few steps that it was distilled for, which has no place for a ratio r of noise"


@dataclass(frozen=True)
class OtherFamily:
    """Models of one kind.

    Attributes:
        needs: what genie would have to have.
    """

    name: str
    needs: str


LCM = OtherFamily("a latent consistency model (LCM)", f"guidance as an input, and {_FEW_STEPS}")
TURBO = OtherFamily("a model that was distilled to a few steps (turbo)", _FEW_STEPS)
REFINER = OtherFamily("the refiner of Stable Diffusion XL", "a score of aesthetics as an input, and its base before it")
INPAINTING = OtherFamily("a model for inpainting", "a mask and the masked image as inputs")
PIX2PIX = OtherFamily("InstructPix2Pix", "an image as an input besides the noise")
CONTROLNET = OtherFamily("a model with a ControlNet", "an image that guides, for each image made")
# By the beginning of the name of the pipeline's class in model_index.json.
_PIPELINES = {
    "StableDiffusion3": OtherFamily("Stable Diffusion 3", _FLOW),
    "Flux": OtherFamily("Flux", _FLOW),
    "Sana": OtherFamily("Sana", _FLOW),
    "AuraFlow": OtherFamily("AuraFlow", _FLOW),
    "PixArt": OtherFamily("PixArt", "a transformer in the place of the UNet, and a T5 text encoder"),
    "HunyuanDiT": OtherFamily("HunyuanDiT", "a transformer in the place of the UNet, and two text encoders"),
    "LatentConsistency": LCM,
    "Kandinsky": OtherFamily("Kandinsky", "a prior that makes embeddings of images, and a decoder of its own"),
    "StableCascade": OtherFamily("Stable Cascade", "a prior that makes latents, and a decoder of its own"),
    "Wuerstchen": OtherFamily("Wuerstchen", "a prior that makes latents, and a decoder of its own"),
    "IF": OtherFamily("DeepFloyd IF", "a T5 text encoder, and pixels in the place of latents"),
    "StableDiffusionInpaint": INPAINTING,
    "StableDiffusionXLInpaint": INPAINTING,
    "StableDiffusionUpscale": OtherFamily("a model that upscales", "a small image as an input"),
    "StableDiffusionDepth": OtherFamily("a model with depth", "a map of depth as an input"),
    "StableDiffusionInstructPix2Pix": PIX2PIX,
    "StableDiffusionXLInstructPix2Pix": PIX2PIX,
    "StableDiffusionControlNet": CONTROLNET,
    "StableDiffusionXLControlNet": CONTROLNET,
    "StableUnCLIP": OtherFamily("Stable unCLIP", "an embedding of an image as an input"),
    "AltDiffusion": OtherFamily("AltDiffusion", "a text encoder for several languages"),
}


def refuse_others(path: Path) -> None:
    """Raise ModelError for a snapshot of a kind that is known and does not run here.

    What cannot be read is passed over: it is reported where it is needed.
    """
    index, unet = said(path / "model_index.json"), said(path / "unet/config.json")
    scheduler = said(path / "scheduler/scheduler_config.json")
    family = _family(index, unet, scheduler)
    if not family:
        return
    hints = [ANOTHER]
    if family is TURBO:
        hints.append("if it was not distilled, change timestep_spacing in scheduler/scheduler_config.json to leading")
    raise ModelError(f"{path} is not supported: it is {family.name}, which would need {family.needs}", hints)


def _family(index: Mapping[str, Any], unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> OtherFamily | None:
    pipeline = str(index.get("_class_name"))
    begins = [name for name in _PIPELINES if pipeline.startswith(name)]
    if begins:
        return _PIPELINES[max(begins, key=len)]
    if index.get("requires_aesthetics_score"):
        return REFINER
    if unet.get("time_cond_proj_dim") or scheduler.get("_class_name") in ("LCMScheduler", "TCDScheduler"):
        return LCM
    # Its schedule is Stable Diffusion's; what tells it is that its few steps begin where there is nothing but noise.
    is_trailing = scheduler.get("timestep_spacing") == "trailing"
    return TURBO if is_trailing and scheduler.get("prediction_type", "epsilon") == "epsilon" else None
