"""`genie finegrained`: what augmentations do where classes are kinds of one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from genie_cli.cli import _options as shared
from genie_cli.cli._setting_options import INPUT, MODEL, setting
from genie_cli.data.catalog import FineGrainedSet
from genie_cli.fewshot.task import FINEGRAINED

_AUGMENT = "weak,img2img-l,img2img-h,txt2img,genie"


def finegrained(
    dataset: Annotated[
        FineGrainedSet,
        Option(help="Data set; digits are bundled, folder is any with train/ and test/.", rich_help_panel=INPUT),
    ] = FineGrainedSet.DIGITS,
    data_dir: shared.DataDir = None,
    partial: shared.Partial = False,
    manifest: shared.Manifests = None,
    episode_list: shared.EpisodeLists = None,
    shots: Annotated[list[str] | None, setting("finegrained.shots", INPUT)] = None,
    ways: Annotated[int | None, setting("finegrained.ways", INPUT)] = None,
    queries: Annotated[int | None, setting("finegrained.queries", INPUT)] = None,
    episodes: Annotated[int | None, setting("finegrained.episodes", INPUT)] = None,
    augment: Annotated[
        list[str] | None, shared.augment("also none, strong, cutmix, mixup, genie-ada", _AUGMENT)
    ] = None,
    r: shared.Ratios = None,
    backbone: Annotated[
        str | None,
        Option(
            help="A timm model, digits, or one of UniSiam's with --checkpoint.",
            show_default=f"{FINEGRAINED.backbone}; digits for the digits",
            rich_help_panel=shared.METHOD,
        ),
    ] = None,
    checkpoint: shared.Checkpoint = None,
    classifier: Annotated[str | None, setting("finegrained.classifier", shared.METHOD)] = None,
    baseline: shared.Baseline = None,
    soft_labels: shared.SoftLabels = False,
    model: shared.Model = None,
    revision: shared.Revision = None,
    prompt: shared.Prompt = None,
    superclass: Annotated[
        str | None, setting("generate.superclass", MODEL, default="bird, car, food, aircraft or digit, by data set")
    ] = None,
    steps: shared.Steps = None,
    guidance: shared.Guidance = None,
    device: shared.Device = None,
    dtype: shared.Dtype = None,
    slots: shared.Slots = None,
    out: shared.Out = Path("genie-finegrained"),
    plan_out: shared.PlanOut = None,
    json_: shared.Json = False,
    seed: shared.Seed = None,
    dry_run: shared.DryRun = False,
    config: shared.Config = None,
) -> None:
    """Measure what augmentations do for few-shot classification of fine-grained classes (the paper's Table 4).

    Support images come from the training split; the accuracy is that on the test split. Otherwise as genie fewshot:
    makes the images that the episodes need, unless --manifest has them, and goes on where it was stopped.

    Example: genie finegrained --dataset cub --data-dir CUB_200_2011
    """
    shared.run(FINEGRAINED, "finegrained", _AUGMENT, locals())
