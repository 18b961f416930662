"""The last stage: the trained parts, in float16, as a snapshot that `StableDiffusionPipeline.from_pretrained` loads."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from genie_cli.data.digits.paint import CLASSES
from training.schedule import reindexed_betas


def bundle(work: Path, out: Path) -> None:
    """Write the trained parts in ``work`` to the folder ``out``, replacing it."""
    shutil.rmtree(out, ignore_errors=True)
    scheduler = DPMSolverMultistepScheduler(
        trained_betas=[float(f"{beta:.8g}") for beta in reindexed_betas()],
        timestep_spacing="linspace",
        steps_offset=1,
        final_sigmas_type="sigma_min",
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(work / "vae", dtype=torch.float16),
        text_encoder=CLIPTextModel.from_pretrained(work / "text_encoder", dtype=torch.float16),
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(work / "unet-reindexed", dtype=torch.float16),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(out)
    # The class names it was trained on, which `genie_cli.diffusion.vocabulary` reads.
    (out / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    for weights in out.rglob("*.safetensors"):
        weights.chmod(0o644)
    for config in out.rglob("*config.json"):
        # Without the path of the folder in which the weights were trained.
        settings = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
        config.write_text(json.dumps(settings, indent=1) + "\n")
