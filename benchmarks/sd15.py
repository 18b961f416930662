"""A snapshot in Stable Diffusion 1.5's exact shape with random weights: for time and memory, not for looking at.

Shapes are those of the published configuration; the tokenizer is the bundled model's, told to pad to 77 tokens, and
filled up with tokens of bytes that are in no English prompt. Nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

NAME = "sd15-shaped"
UNET: dict[str, Any] = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
VAE: dict[str, Any] = {
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
}
TEXT: dict[str, Any] = {  # CLIP ViT-L/14
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "projection_dim": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
}
SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "skip_prk_steps": True,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def located(model: str, cache: Path, dtype: str) -> str:
    """What `genie generate --model` takes: the snapshot's folder for `NAME`, else the model itself."""
    return str(snapshot(cache, dtype)) if model == NAME else model


def snapshot(cache: Path, dtype: str) -> Path:
    """The snapshot's folder in ``cache``, written on the first call: 4.3 GB in float32, else half of it."""
    place = cache / f"{NAME}-{dtype}"
    if not place.is_dir():
        aside = cache / f".{place.name}.{os.getpid()}"
        try:
            _write(aside, dtype)
            os.replace(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return place


def _write(folder: Path, dtype: str) -> None:
    import torch
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    words = tokenizer()
    marks = {f"{name}_token_id": getattr(words, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    with _made_in(getattr(torch, dtype)):
        StableDiffusionPipeline(
            vae=AutoencoderKL(**VAE),
            text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT, **marks)),
            tokenizer=words,
            unet=UNet2DConditionModel(**UNET),
            scheduler=PNDMScheduler(**SCHEDULER),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ).save_pretrained(folder)


def tokenizer() -> Any:
    """The tokenizer, a CLIPTokenizer."""
    from transformers import CLIPTokenizer

    from genie_cli.diffusion.locate import locate

    file = locate("digits").path / "tokenizer/tokenizer.json"
    known = json.loads(file.read_text(encoding="utf-8"))["model"]
    vocabulary = dict(known["vocab"])
    merges = [tuple(pair.split()) if isinstance(pair, str) else tuple(pair) for pair in known["merges"]]
    for pair in _other_merges(vocabulary):
        if len(vocabulary) == TEXT["vocab_size"]:
            break
        merges.append(pair)
        vocabulary["".join(pair)] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def _other_merges(vocabulary: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Of two, and then of three, tokens of bytes that are no letters of ASCII: no English prompt has any."""
    single = sorted(token for token in vocabulary if len(token) == 1 and not token.isascii())
    yield from product(single, single)
    yield from product(map("".join, product(single, single)), single)


@contextmanager
def _made_in(dtype: Any) -> Any:
    """Parameters are drawn from seed 0 in the precision they are kept in, so that memory holds them once."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    device = "cuda" if torch.cuda.is_available() else "cpu"  # which draws a thousand million numbers at once
    try:
        with torch.random.fork_rng(), torch.device(device):
            torch.manual_seed(0)
            yield
    finally:
        torch.set_default_dtype(before)
