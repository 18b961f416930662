"""Which family a snapshot is of, by what its files say, before any of them is known to be whole."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from genie_cli.diffusion.family import Family
from genie_cli.diffusion.stable_diffusion import StableDiffusion
from genie_cli.diffusion.stable_diffusion_xl import StableDiffusionXL
from genie_cli.files.reading import json_bytes

ALL: tuple[type[Family], ...] = (StableDiffusion, StableDiffusionXL)
PARTS = tuple(dict.fromkeys(part for family in ALL for part in family.parts()))  # the folders of all families
_MAX_BYTES = 1 << 20


def of(path: Path) -> type[Family]:
    """The family of a snapshot; Stable Diffusion 1.x, if nothing says that it is another."""
    index, unet = said(path / "model_index.json"), said(path / "unet/config.json")
    is_xl = str(index.get("_class_name")).startswith("StableDiffusionXL")
    return StableDiffusionXL if is_xl or unet.get("addition_embed_type") == "text_time" else StableDiffusion


def said(file: Path) -> Mapping[str, Any]:
    """What a configuration says; nothing if it cannot be read, which is reported where it is needed."""
    with suppress(OSError, ValueError):
        content = from_json(json_bytes(file, _MAX_BYTES))  # a sampler may have -Infinity, which is no JSON
        return content if isinstance(content, dict) else {}
    return {}
