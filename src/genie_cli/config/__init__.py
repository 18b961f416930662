"""Settings, each declared once: its default, range, explanation and option name; frozen.

The command line's options and help, `genie.toml`, `genie config` and the checks of values all read this declaration.
How values get here is the business of `settings`. Independent of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genie_cli.config.evaluation import MOST_EPISODES, MOST_PER_EPISODE, Data, FewShot, FineGrained, LongTail
from genie_cli.config.generation import BUNDLED, LITE0, STABLE_DIFFUSION, Format, Generate, Model, Output
from genie_cli.config.section import MANY, Section

__all__ = [
    "BUNDLED",
    "LITE0",
    "MANY",
    "MOST_EPISODES",
    "MOST_PER_EPISODE",
    "PRESETS",
    "STABLE_DIFFUSION",
    "Data",
    "FewShot",
    "FineGrained",
    "Format",
    "Generate",
    "LongTail",
    "Model",
    "Output",
    "Settings",
]

# What a preset stands for; the manifest records the resulting settings, so nothing else needs to know presets.
PRESETS: Mapping[str, Mapping[str, Any]] = {"fast": {"generate.steps": 20, "model.dtype": "half"}}


class Settings(Section):
    """All settings, in the sections of `genie.toml`."""

    generate: Generate = Generate()
    model: Model = Model()
    output: Output = Output()
    data: Data = Data()
    fewshot: FewShot = FewShot()
    finegrained: FineGrained = FineGrained()
    longtail: LongTail = LongTail()
