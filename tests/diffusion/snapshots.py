"""Copies of the bundled snapshot, changed as a test needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from genie_cli.diffusion.clip_vocabulary import vocabulary
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
    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        text = CLIPTextModel(_text())
        pipeline = StableDiffusionPipeline(
            unet=_unet(sample_size),
            text_encoder=text,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
            **_rest(**schedule),
        )
    pipeline.save_pretrained(path)
    return path


def tiny_xl(path: Path, sample_size: int = 8, zero: bool = True, eos: int = 556, **schedule: object) -> Path:
    """A random snapshot of Stable Diffusion XL's kind, with the bundled tokenizer, written by the libraries.

    Args:
        zero: whether no prompt is zeros.
        eos: what the second text encoder's configuration says of the token at a prompt's end; 2 in old files.
        schedule: settings of the scheduler.
    """
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    with torch.random.fork_rng():
        torch.manual_seed(0)
        texts = CLIPTextModel(_text()), CLIPTextModelWithProjection(_text(48, projection_dim=48, eos_token_id=eos))
        pipeline = StableDiffusionXLPipeline(
            unet=_unet(
                sample_size,
                cross_attention_dim=32 + 48,
                transformer_layers_per_block=(1, 2),
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                projection_class_embeddings_input_dim=48 + 6 * 8,
            ),
            text_encoder=texts[0],
            text_encoder_2=texts[1],
            tokenizer_2=_tokenizer(pad_token="!"),
            force_zeros_for_empty_prompt=zero,
            add_watermarker=False,
            **_rest(**schedule),
        )
    pipeline.save_pretrained(path)
    return path


def _text(width: int = 32, **others: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=557,
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        hidden_act="gelu",
        **others,
    )


def _unet(sample_size: int, cross_attention_dim: int = 32, **others: object) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=sample_size,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross_attention_dim,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        **others,
    )


def _rest(**schedule: object) -> dict[str, Any]:
    """The autoencoder, the tokenizer and the scheduler."""
    from diffusers import AutoencoderKL, DDIMScheduler

    vae = AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        steps_offset=1,
        **schedule,
    )
    return {"vae": vae, "tokenizer": _tokenizer(), "scheduler": scheduler}


def _tokenizer(**others: str) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(locate("digits").path / "tokenizer", **others)


def configurations_of(snapshot: Path, folder: Path, kind: str) -> Path:
    """The configurations of a snapshot as the package has those of a kind: no weights, and merges for all kinds."""
    there = folder / kind
    shutil.copytree(snapshot, there, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "clip").mkdir()
    for tokenizer in there.glob("tokenizer*/tokenizer.json"):
        model = json.loads(tokenizer.read_text())["model"]
        pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
        (folder / "clip/merges.txt").write_text("\n".join(["#version: 0.2", *pairs]))
        assert vocabulary(pairs) == model["vocab"]
        tokenizer.unlink()
    return folder
