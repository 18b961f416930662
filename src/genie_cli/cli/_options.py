"""The options that `genie fewshot`, `finegrained` and `longtail` share, each declared once; and what becomes of
those of the first two."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from genie_cli.cli._lists import split
from genie_cli.cli._setting_options import INPUT, MODEL, OUTPUT, RUN, given, setting
from genie_cli.cli._settings import resolve
from genie_cli.fewshot.benchmark import measure
from genie_cli.fewshot.options import FewShotOptions
from genie_cli.fewshot.task import Task

METHOD = "Method"

# Options that are settings, besides those of the command's own section.
SETTINGS = {
    "data_dir": "data.dir",
    "prompt": "generate.prompt",
    "superclass": "generate.superclass",
    "steps": "generate.steps",
    "guidance": "generate.guidance",
    "seed": "generate.seed",
    "model": "model.name",
    "revision": "model.revision",
    "device": "model.device",
    "dtype": "model.dtype",
    "slots": "model.slots",
}
_OWN = ("shots", "ways", "queries", "episodes", "classifier")

DataDir = Annotated[str | None, setting("data.dir", INPUT, "--data-dir", variable="GENIE_DATA")]
Partial = Annotated[bool, Option("--partial", help="Take a part of the data set for the whole.", rich_help_panel=INPUT)]
Manifests = Annotated[
    list[str] | None,
    Option(
        "--manifest", help="Take the generated images of this manifest ('-': standard input).", rich_help_panel=INPUT
    ),
]
EpisodeLists = Annotated[
    list[Path] | None,
    Option("--episode-list", help="Run these episodes, a file of an earlier run.", rich_help_panel=INPUT),
]
Ratios = Annotated[
    list[str] | None, Option("--r", help="GeNIe's noise ratios.", show_default="0.8", rich_help_panel=METHOD)
]
Checkpoint = Annotated[Path | None, Option("--checkpoint", help="The backbone's weights.", rich_help_panel=METHOD)]
Baseline = Annotated[
    str | None,
    Option(
        "--baseline",
        help="What the others are compared with, as 'genie r=0.8'.",
        show_default="weak",
        rich_help_panel=METHOD,
    ),
]
SoftLabels = Annotated[
    bool, Option("--soft-labels", help="Label with the oracle's distributions.", rich_help_panel=METHOD)
]
Model = Annotated[str | None, setting("model.name", MODEL, "--model")]
Revision = Annotated[str | None, setting("model.revision", MODEL)]
Prompt = Annotated[str | None, setting("generate.prompt", MODEL)]
Steps = Annotated[int | None, setting("generate.steps", MODEL)]
Guidance = Annotated[float | None, setting("generate.guidance", MODEL)]
Device = Annotated[str | None, setting("model.device", MODEL)]
Dtype = Annotated[str | None, setting("model.dtype", MODEL)]
Slots = Annotated[str | None, setting("model.slots", MODEL)]
Out = Annotated[
    Path, Option("--out", help="Folder for results, episode lists and generated images.", rich_help_panel=OUTPUT)
]
PlanOut = Annotated[
    str | None,
    Option(
        "--plan-out",
        help="Only write the plan of the images that are needed ('-': standard output).",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[bool, Option("--json", help="Results as JSON Lines on stdout, as in a pipe.", rich_help_panel=OUTPUT)]
Seed = Annotated[int | None, setting("generate.seed", RUN)]
DryRun = Annotated[
    bool, Option("--dry-run", help="Say which images would be made and how long it takes.", rich_help_panel=RUN)
]
Config = Annotated[
    Path | None, Option("--config", help="Settings file.", show_default="./genie.toml", rich_help_panel=RUN)
]


def augment(more: str, default: str) -> Any:
    """The option --augment; ``default`` is what is compared unless it is given."""
    return Option("--augment", help=f"What to compare; {more}.", show_default=default, rich_help_panel=METHOD)


def run(task: Task, section: str, augment: str, said: Mapping[str, Any]) -> None:
    """Do what a command's options ask for.

    Args:
        section: the command's own section of the settings.
        augment: what is compared unless --augment is given.
        said: every parameter of the command by its name.
    """
    options = {key: said[name] for name, key in SETTINGS.items() if name in said}
    options |= {f"{section}.{name}": said[name] for name in _OWN}
    options[f"{section}.shots"] = split(said["shots"])
    settings = resolve(said["config"], options)
    asked = FewShotOptions(
        task=task,
        dataset=said["dataset"],
        wanted=getattr(settings, section),
        partial=said["partial"],
        manifests=tuple(said["manifest"] or ()),
        episode_lists=tuple(said["episode_list"] or ()),
        augment=tuple(split(said["augment"]) or augment.split(",")),
        ratios=tuple(split(said["r"]) or ()),
        backbone=said["backbone"],
        checkpoint=said["checkpoint"],
        soft_labels=said["soft_labels"],
        baseline=said["baseline"],
        out=said["out"],
        plan_out=said["plan_out"],
    )
    measure(settings, asked, given(options), as_json=said["json_"], dry_run=said["dry_run"])
