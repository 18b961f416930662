"""One network of a snapshot, from its files: with all of its weights and no others, finite and not empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.diffusion import configuration, families, layout, tensors
from genie_cli.diffusion.configuration import AGAIN
from genie_cli.diffusion.libraries import guarded
from genie_cli.diffusion.locate import Located
from genie_cli.diffusion.parts import ProjectedTextEncoder
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_NOT_CLIPS = ("quantization_config", "model_type")  # what its configuration says besides
# What the text encoder's file may have besides its weights: an older version's buffer, and the rest of a whole CLIP.
_NOT_THE_TEXT_MODEL = re.compile(
    r"((text_model\.)?embeddings\.position_ids|logit_scale)$|vision_model\.|visual_projection\."
)
_NOT_THE_HIDDEN_STATES = re.compile(rf"{_NOT_THE_TEXT_MODEL.pattern}|text_projection\.weight$")


def load(located: Located, part: str, device: torch.device, dtype: torch.dtype) -> Any:
    """A network of the snapshot on a device, in evaluation mode.

    Args:
        part: ``"unet"``, ``"vae"`` or a text encoder's folder.

    Raises:
        ModelError: its files are damaged, its weights are not those of its configuration, not finite or empty, or it
            does not fit into the device's memory.
    """
    import torch

    folder = located.path / part
    weights = layout.choose(located.path, part, half=dtype.itemsize < 4)

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{folder} cannot be loaded: a file is damaged or of another model: {reason}", AGAIN)

    read = _diffusers_part if part in ("unet", "vae") else _text_encoder
    try:
        with guarded(refuse):
            for file in weights.files:
                tensors.check(file)
            network = read(folder, weights, dtype).to(device).eval().requires_grad_(False)
        _require_sound(network, folder, dtype)
    except torch.OutOfMemoryError:
        hint = "free some of the device's memory, or use --dtype float16 or --device cpu"
        raise ModelError(f"{located.name} does not fit into the memory of {device}", hint) from None
    return network


def _diffusers_part(folder: Path, weights: layout.Weights, dtype: torch.dtype) -> Any:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}[folder.name]
    network, info = kind.from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        dtype=dtype,
        output_loading_info=True,
        **({"variant": "fp16"} if weights.fp16 else {}),
    )
    _require_whole(folder, info, unexpected=sorted(info["unexpected_keys"]))
    return network


def _text_encoder(folder: Path, weights: layout.Weights, dtype: torch.dtype) -> Any:
    """CLIP's text model. transformers is not given the folder, in which it would also look for files of other kinds,
    nor a network larger than its weights, since it fills in what is missing.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    form = families.of(folder.parent).text_encoders[folder.name]
    found = configuration.read_part(folder / "config.json", form)
    config = CLIPTextConfig(**{key: value for key, value in found.stated().items() if key not in _NOT_CLIPS})
    state = {key: tensor for file in weights.files for key, tensor in load_file(file).items()}
    is_projected = form is ProjectedTextEncoder
    kind = CLIPTextModelWithProjection if is_projected else CLIPTextModel
    left_out = _NOT_THE_TEXT_MODEL if is_projected else _NOT_THE_HIDDEN_STATES
    state = {key: tensor for key, tensor in state.items() if not left_out.match(key)}
    with torch.device("meta"):
        wanted = kind(config).state_dict()
    if wrong := tensors.difference(_unprefixed(wanted), _unprefixed(state)):
        raise _not_whole(folder, wrong)
    network, info = kind.from_pretrained(None, config=config, state_dict=state, dtype=dtype, output_loading_info=True)
    _require_whole(folder, info, unexpected=sorted(info["unexpected_keys"]))
    return network


def _unprefixed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by their names within the text model, which some versions and classes of transformers put in front."""
    return {key.removeprefix("text_model."): tensor for key, tensor in state.items()}


def _require_whole(folder: Path, info: dict[str, Any], unexpected: list[str]) -> None:
    """Raise ModelError if the library has filled a gap in the weights with random ones, or used only a part of them."""
    mismatched = [f"{key[0] if isinstance(key, tuple) else key}" for key in info["mismatched_keys"]]
    wrong = tensors.lacking_or_surplus([*sorted(info["missing_keys"]), *sorted(mismatched)], unexpected)
    if wrong or info["error_msgs"]:
        raise _not_whole(folder, wrong or str(info["error_msgs"][0]))


def _not_whole(folder: Path, wrong: str) -> ModelError:
    return ModelError(f"{folder} is not whole: its weights are not those of its config.json: {wrong}", AGAIN)


def _require_sound(network: Any, folder: Path, dtype: torch.dtype) -> None:
    if bad := tensors.not_finite(network):
        narrow = dtype.itemsize < 4 and "; numbers above 65,504 are infinite in float16: try --dtype float32"
        raise ModelError(
            f"{folder} cannot be used: weights are infinite or not a number: {bad}", f"{AGAIN}{narrow or ''}"
        )
    if bad := tensors.empty(network):
        raise ModelError(f"{folder} is not whole: weights are empty, zeros or a single number: {bad}", AGAIN)
