"""`genie finegrained`: what augmentations do for few-shot classification of fine-grained classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from genie_cli import api
from genie_cli.cli import _episodes
from genie_cli.cli._names import ClassNamesFile, WriteClassNames
from genie_cli.cli._options import DryRun, Json, Manifests, Partial, PlanOut, SoftLabels, with_settings
from genie_cli.cli._settings import Chosen
from genie_cli.data.catalog import choices
from genie_cli.fewshot.task import FINEGRAINED

_DATASETS = choices("finegrained")
_OUT = "genie-finegrained"


@with_settings(api.FINEGRAINED)
def finegrained(
    chosen: Chosen,
    dataset: Annotated[
        str,
        _episodes.dataset(
            _DATASETS,
            f"Data set: {', '.join(_DATASETS)}. The digits are bundled; folder is your own.",
        ),
    ] = _DATASETS[0],
    partial: Partial = False,
    manifest: Manifests = None,
    episode_list: _episodes.EpisodeLists = None,
    class_names: ClassNamesFile = None,
    augment: Annotated[list[str] | None, _episodes.augment(", ".join(FINEGRAINED.augment))] = None,
    backbone: Annotated[str | None, _episodes.backbone(f"{FINEGRAINED.backbone}; digits for the digits")] = None,
    checkpoint: _episodes.Checkpoint = None,
    baseline: _episodes.Baseline = None,
    compare: _episodes.Compare = None,
    soft_labels: SoftLabels = False,
    out: Annotated[Path, _episodes.out(_OUT)] = Path(_OUT),
    write_class_names: WriteClassNames = None,
    plan_out: PlanOut = None,
    json_: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Compare augmentations in few-shot classification of fine-grained classes (the paper's Table 4).

    Support images come from the training split; the accuracy is that on the test split. Otherwise as genie fewshot.

    Example: genie finegrained --dataset cub --data-dir CUB_200_2011
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
        "compare": tuple(compare or ()),
        "class_names": class_names,
    }
    _episodes.compare(FINEGRAINED, api.finegrained, asked, chosen, plan_out, dry_run, json_, write_class_names)
