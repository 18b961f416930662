"""`genie fewshot`: what augmentations do for few-shot classification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from genie_cli import api
from genie_cli.cli import _episodes
from genie_cli.cli._names import ClassNamesFile, WriteClassNames
from genie_cli.cli._options import (
    EVALUATION,
    DryRun,
    Json,
    Manifests,
    Partial,
    PlanOut,
    SoftLabels,
    option,
    with_settings,
)
from genie_cli.cli._settings import Chosen
from genie_cli.data.catalog import choices
from genie_cli.fewshot.task import FEWSHOT

_DATASETS = choices("fewshot")
_OUT = "genie-fewshot"


@with_settings(api.FEWSHOT)
def fewshot(
    chosen: Chosen,
    dataset: Annotated[
        str,
        _episodes.dataset(
            _DATASETS,
            f"Data set: {', '.join(_DATASETS)}. The digits are bundled; folder is any with one subfolder per class.",
        ),
    ] = _DATASETS[0],
    partial: Partial = False,
    manifest: Manifests = None,
    episode_list: _episodes.EpisodeLists = None,
    class_names: ClassNamesFile = None,
    augment: Annotated[list[str] | None, _episodes.augment("all but genie-ada and controls")] = None,
    backbone: Annotated[str | None, _episodes.backbone("digits for the digits")] = None,
    checkpoint: _episodes.Checkpoint = None,
    baseline: _episodes.Baseline = None,
    compare: _episodes.Compare = None,
    soft_labels: SoftLabels = False,
    as_authors: Annotated[
        bool, option("--as-authors", help="Do what the authors' code does, not the paper's text.", panel=EVALUATION)
    ] = False,
    out: Annotated[Path, _episodes.out(_OUT)] = Path(_OUT),
    write_class_names: WriteClassNames = None,
    plan_out: PlanOut = None,
    json_: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Compare augmentations in few-shot classification (the paper's Tables 1, 2, 5 and 6).

    Makes the images that the episodes need, unless --manifest has them, and compares all augmentations on the same
    episodes. A run that was stopped resumes when the same command is run again.

    Example: genie fewshot --dataset digits --episodes 100
    """
    asked = {
        "dataset": dataset,
        "out": out,
        "augment": augment,
        "manifest": manifest,
        "episode_list": episode_list,
        "backbone": backbone,
        "checkpoint": checkpoint,
        "partial": partial,
        "soft_labels": soft_labels,
        "baseline": baseline,
        "as_authors": as_authors,
        "compare": tuple(compare or ()),
        "class_names": class_names,
    }
    _episodes.compare(FEWSHOT, api.fewshot, asked, chosen, plan_out, dry_run, json_, write_class_names)
