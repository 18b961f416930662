"""Copies of the bundled snapshot, changed as a test needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from genie_cli.diffusion.locate import locate

Tensors = dict[str, torch.Tensor]
REMOVED = object()


def copied(path: Path) -> Path:
    """A copy of the bundled snapshot that may be damaged."""
    return Path(shutil.copytree(locate("digits").path, path))


def edit(path: Path, **changes: object) -> None:
    """Change keys of a JSON file; `REMOVED` removes one."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not REMOVED}))


def reweigh(file: Path, change: Callable[[Tensors], object]) -> None:
    """Change the tensors of a ``.safetensors`` file, in place or by returning others."""
    tensors = load_file(file)
    changed = change(tensors)
    save_file(changed if isinstance(changed, dict) else tensors, file, metadata={"format": "pt"})


def split(file: Path, fp16: bool = False) -> list[Path]:
    """Split a file of weights into two with an index, as save_pretrained does with large ones."""
    tensors = load_file(file)
    variant = ".fp16" if fp16 else ""
    names = [file.with_name(f"{file.stem}{variant}-0000{k}-of-00002.safetensors") for k in (1, 2)]
    halves: list[Tensors] = [{}, {}]
    for index, (key, tensor) in enumerate(tensors.items()):
        halves[index % 2][key] = tensor
    for name, half in zip(names, halves, strict=True):
        save_file(half, name, metadata={"format": "pt"})
    listed = {key: name.name for name, half in zip(names, halves, strict=True) for key in half}
    index_file = file.with_name(f"{file.name}.index{variant}.json")
    index_file.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": listed}))
    file.unlink()
    return names


def tiny(path: Path, sample_size: int = 8, **schedule: object) -> Path:
    """A random snapshot of Stable Diffusion 2.x's kind, with the bundled tokenizer, written by the libraries.

    Args:
        schedule: settings of the scheduler, such as ``prediction_type="v_prediction"``.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    with torch.random.fork_rng():
        torch.manual_seed(0)
        text = CLIPTextConfig(
            vocab_size=557,
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=32,
            hidden_act="gelu",
        )
        unet = UNet2DConditionModel(
            sample_size=sample_size,
            block_out_channels=(32, 64),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
        )
        vae = AutoencoderKL(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
        )
        pipeline = StableDiffusionPipeline(
            vae=vae,
            text_encoder=CLIPTextModel(text),
            tokenizer=CLIPTokenizer.from_pretrained(locate("digits").path / "tokenizer"),
            unet=unet,
            scheduler=DDIMScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                clip_sample=False,
                steps_offset=1,
                **schedule,
            ),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipeline.save_pretrained(path)
    return path
