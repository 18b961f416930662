"""For every setting, settings in which only it has been set, to a value that is not its default."""

from __future__ import annotations

from typing import Any

from genie_cli.config import Settings
from genie_cli.settings import SECTIONS, build, choices_of, field_of, keys, merged, takes_several

KEYS = keys(*SECTIONS)

# Where the type alone does not tell a value that is possible, and that suits the others.
_VALUES: dict[str, Any] = {
    "generate.prompt": "A drawing of a {target}",
    "generate.r": [0.6],
    "model.slots": 8,
    "model.device": "cpu",
    "model.devices": "cpu*2",
    "model.ray": "local",
    "model.lora": ["fur.safetensors:0.8"],
    "model.embedding": ["camera.safetensors"],
    "longtail.thresholds": "oltr",
    "longtail.randaugment": "m7",
    "longtail.network": "test_vit",
    "longtail.betas": [0.8, 0.9],
    "longtail.mean": [0.4, 0.4, 0.4],
    "longtail.std": [0.3, 0.3, 0.3],
}


def only(key: str) -> Settings:
    """Settings as they are if a variable or a file sets this key."""
    settings = build(merged({}, {key: _another(key)}), str)
    assert _value(settings, key) != _value(Settings(), key)
    return settings


def _another(key: str) -> Any:
    if key in _VALUES:
        return _VALUES[key]
    default = field_of(key).default
    if choices := choices_of(key):
        return next(choice for choice in choices if choice != default)
    if takes_several(key):
        return [7]
    if isinstance(default, float):
        return default * 0.5 or 0.5
    return default + 1 if isinstance(default, int) else "another"


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)
