"""`genie fewshot`: what augmentations do for few-shot classification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from genie_cli.cli import _options as shared
from genie_cli.cli._setting_options import INPUT, setting
from genie_cli.data.catalog import FewShotSet
from genie_cli.fewshot.task import FEWSHOT

_AUGMENT = "none,weak,strong,cutmix,mixup,img2img-l,img2img-h,txt2img,genie"


def fewshot(
    dataset: Annotated[
        FewShotSet,
        Option(help="Data set; digits are bundled, folder is any with a subfolder per class.", rich_help_panel=INPUT),
    ] = FewShotSet.DIGITS,
    data_dir: shared.DataDir = None,
    partial: shared.Partial = False,
    manifest: shared.Manifests = None,
    episode_list: shared.EpisodeLists = None,
    shots: Annotated[list[str] | None, setting("fewshot.shots", INPUT)] = None,
    ways: Annotated[int | None, setting("fewshot.ways", INPUT)] = None,
    queries: Annotated[int | None, setting("fewshot.queries", INPUT)] = None,
    episodes: Annotated[int | None, setting("fewshot.episodes", INPUT)] = None,
    augment: Annotated[list[str] | None, shared.augment("also genie-ada", _AUGMENT)] = None,
    r: shared.Ratios = None,
    backbone: Annotated[
        str | None,
        Option(
            help="digits, unisiam-resnet18, -34 or -50 with --checkpoint, or a timm model.",
            show_default="digits for the digits",
            rich_help_panel=shared.METHOD,
        ),
    ] = None,
    checkpoint: shared.Checkpoint = None,
    classifier: Annotated[str | None, setting("fewshot.classifier", shared.METHOD)] = None,
    baseline: shared.Baseline = None,
    soft_labels: shared.SoftLabels = False,
    model: shared.Model = None,
    revision: shared.Revision = None,
    prompt: shared.Prompt = None,
    steps: shared.Steps = None,
    guidance: shared.Guidance = None,
    device: shared.Device = None,
    dtype: shared.Dtype = None,
    slots: shared.Slots = None,
    out: shared.Out = Path("genie-fewshot"),
    plan_out: shared.PlanOut = None,
    json_: shared.Json = False,
    seed: shared.Seed = None,
    dry_run: shared.DryRun = False,
    config: shared.Config = None,
) -> None:
    """Measure what augmentations do for few-shot classification (the paper's Tables 1, 2, 5 and 6).

    Makes the images that the episodes need, unless --manifest has them, and compares all augmentations on the same
    episodes. A run that was stopped goes on when the same command is typed again.

    Example: genie fewshot --dataset digits --episodes 100
    """
    shared.run(FEWSHOT, "fewshot", _AUGMENT, locals())
