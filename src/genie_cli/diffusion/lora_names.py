"""What the files of LoRAs call the layers of a model: without dots, in diffusers' names or in Stability AI's."""

from __future__ import annotations

import re
from collections.abc import Container

# The network that a prefix stands for; the first that fits.
_NETWORKS = (
    (re.compile(r"lora_unet_|unet_"), "unet"),
    (re.compile(r"lora_te2_|text_encoder_2_"), "text_encoder_2"),
    (re.compile(r"lora_te1?_|text_encoder_"), "text_encoder"),
    (re.compile(r"text_model_"), "text_encoder"),
)
# What layers are called within an attention of a text encoder, in files of 2023.
_OF_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
# In files that name a UNet's blocks as Stability AI does: an index that counts blocks and layers together, then one for
# what the layer consists of.
_BLOCK = re.compile(r"(?P<side>input|output)_blocks_(?P<index>\d+)_(?P<piece>\d+)_(?P<rest>.+)")
_MIDDLE = re.compile(r"middle_block_(?P<index>\d)_(?P<rest>.+)")
_MIDDLES = ("resnets_0", "attentions_0", "resnets_1")
_WITHIN_RESNETS = {
    "in_layers_2": "conv1",
    "emb_layers_1": "time_emb_proj",
    "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}
_OUTSIDE = {
    "input_blocks_0_0": "conv_in",
    "out_2": "conv_out",
    "time_embed_0": "time_embedding_linear_1",
    "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1",
    "label_emb_0_2": "add_embedding_linear_2",
}


def layer_of(name: str, layers: Container[str], per_block: int) -> str | None:
    """The name of a layer in ``layers`` by its name in a file; None if there is no such layer.

    Args:
        layers: names such as ``"unet.mid_block_attentions_0_proj_in"``.
        per_block: layers in each of the UNet's blocks.
    """
    flat = name.removeprefix("base_model.model.").replace(".processor", "").replace(".", "_")
    network = "unet"  # files with a UNet's layers alone do not name it
    for prefix, of in _NETWORKS:
        if match := prefix.match(flat):
            network, flat = of, flat[match.end() :]
            break
    flat = flat.removeprefix("text_model_")
    if network == "unet":
        flat = _in_diffusers_names(flat, per_block)
    else:
        for old, new in _OF_TEXT.items():
            flat = re.sub(rf"{old}$", new, flat)
    return next((each for each in (f"{network}.{flat}", f"{network}.{flat}_0") if each in layers), None)


def _in_diffusers_names(flat: str, per_block: int) -> str:
    """A layer of a UNet in diffusers' names, if it is in Stability AI's."""
    if flat in _OUTSIDE:
        return _OUTSIDE[flat]
    if (match := _MIDDLE.fullmatch(flat)) and int(match["index"]) < len(_MIDDLES):
        return f"mid_block_{_MIDDLES[int(match['index'])]}_{_WITHIN_RESNETS.get(match['rest'], match['rest'])}"
    if not (match := _BLOCK.fullmatch(flat)):
        return flat
    is_input, rest = match["side"] == "input", match["rest"]
    block, layer = divmod(int(match["index"]) - is_input, per_block + 1)
    within = f"down_blocks_{block}" if is_input else f"up_blocks_{block}"
    if rest in ("op", "conv"):
        return f"{within}_{'downsamplers' if is_input else 'upsamplers'}_0_conv"
    piece = "resnets" if match["piece"] == "0" else "attentions"
    return f"{within}_{piece}_{layer}_{_WITHIN_RESNETS.get(rest, rest)}"
