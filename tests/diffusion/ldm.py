"""Snapshots in the layout of Stable Diffusion's authors: one file, whose weights have other names than in diffusers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.diffusion.snapshots import Tensors

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.": "ln_final.",
    "encoder.layers.": "transformer.resblocks.",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
    ".self_attn.": ".attn.",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def checkpoint(snapshot: Path) -> Tensors:
    """All weights of a snapshot whose UNet has one layer per block, by their names in the authors' layout."""
    unet = load_file(snapshot / "unet/diffusion_pytorch_model.safetensors")
    vae = load_file(snapshot / "vae/diffusion_pytorch_model.safetensors")
    weights = {f"model.diffusion_model.{_of_unet(key, unet)}": tensor for key, tensor in unet.items()}
    for key, tensor in vae.items():
        as_convolution = ".attentions." in key and "group_norm" not in key and tensor.ndim == 2
        weights[f"first_stage_model.{_of_vae(key)}"] = tensor[..., None, None].clone() if as_convolution else tensor
    second = snapshot / "text_encoder_2/model.safetensors"
    if second.exists():
        weights |= {f"conditioner.embedders.1.model.{key}": tensor for key, tensor in _open_clip(load_file(second))}
    before = "conditioner.embedders.0" if second.exists() else "cond_stage_model"
    for key, tensor in load_file(snapshot / "text_encoder/model.safetensors").items():
        weights[f"{before}.transformer.text_model.{key.removeprefix('text_model.')}"] = tensor
    return weights


def write(snapshot: Path, file: Path, **more: torch.Tensor) -> Path:
    """Write a snapshot as one file; ``more`` are further tensors."""
    save_file({**checkpoint(snapshot), **more}, file, metadata={"format": "pt"})
    return file


def _open_clip(text: Tensors) -> Iterator[tuple[str, torch.Tensor]]:
    """A text encoder's weights as OpenCLIP has them: an attention's three projections are one."""
    yield "logit_scale", torch.tensor(4.6)
    yield "text_projection", text["text_projection.weight"].T.contiguous()
    for key, tensor in text.items():
        if key == "text_projection.weight" or ".k_proj." in key or ".v_proj." in key:
            continue
        name = key.removeprefix("text_model.")
        for new, old in _OPEN_CLIP.items():
            name = name.replace(new, old)
        if ".q_proj." in key:
            name = name.replace(".q_proj.", ".in_proj_")
            tensor = torch.cat([text[key.replace(".q_proj.", f".{each}_proj.")] for each in "qkv"])
        yield name, tensor


def _of_unet(key: str, weights: Tensors) -> str:
    layer, _, what = key.rpartition(".")
    if layer in _ENDS:
        return f"{_ENDS[layer]}.{what}"
    if match := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv", key):
        return f"input_blocks.{2 * (int(match[1]) + 1)}.0.op.{what}"
    if match := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv", key):
        place = 2 if any(other.startswith(f"up_blocks.{match[1]}.attentions") for other in weights) else 1
        return f"output_blocks.{2 * int(match[1]) + 1}.{place}.conv.{what}"
    match = re.match(r"(down|mid|up)_blocks?\.(?:(\d+)\.)?(resnets|attentions)\.(\d+)\.(.*)", key)
    assert match, key
    side, block, kind, number, rest = match[1], int(match[2] or 0), match[3], int(match[4]), match[5]
    if kind == "resnets":
        name, _, end = rest.rpartition(".")
        rest = f"{_RESNET[name]}.{end}"
    if side == "mid":
        return f"middle_block.{2 * number if kind == 'resnets' else 1}.{rest}"
    place = 1 + 2 * block + number if side == "down" else 2 * block + number
    return f"{'input' if side == 'down' else 'output'}_blocks.{place}.{int(kind == 'attentions')}.{rest}"


def _of_vae(key: str, blocks: int = 2) -> str:
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda match: f"mid.block_{int(match[1]) + 1}", key)
    if ".attentions." in key:
        for new, old in _VAE_ATTENTION.items():
            key = key.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{old}.")
    key = re.sub(r"down_blocks\.(\d)", r"down.\1", key)
    key = re.sub(r"up_blocks\.(\d)", lambda match: f"up.{blocks - 1 - int(match[1])}", key)
    key = key.replace(".resnets.", ".block.").replace("downsamplers.0.", "downsample.")
    return key.replace("upsamplers.0.", "upsample.")
