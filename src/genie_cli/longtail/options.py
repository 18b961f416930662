"""What a person asks of a run on a long-tailed data set: looked at before anything is read or made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data.catalog import LongTailSet, require_data_dir_is_used
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks as augmenting

if TYPE_CHECKING:
    from genie_cli.evaluate.augmentations import Augmentation

AUGMENT = ("none", "img2img-l", "img2img-h", "txt2img", "genie")


@dataclass(frozen=True)
class LongTailOptions:
    """What a person says about a run on a long-tailed data set; see `cli/longtail.py` for the meaning."""

    dataset: LongTailSet
    out: Path
    augment: tuple[str, ...]
    lists: Path | None = None
    partial: bool = False
    ratios: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    confusion: Path | None = None
    backbone: str | None = None
    checkpoint: Path | None = None
    soft_labels: bool = False
    plan_out: str | None = None


def check(settings: Settings, asked: LongTailOptions, given: set[str]) -> list[Augmentation]:
    """The augmentations asked for; UsageError for what does not go together."""
    from genie_cli.evaluate.augmentations import AugmentationName

    chosen = augmenting.chosen(asked.augment, asked.ratios, [AugmentationName(word) for word in AUGMENT])
    augmenting.check(
        chosen,
        settings,
        given,
        manifests=asked.manifests,
        only_plans=bool(asked.plan_out),  # a dry run says what the trainings would take, too
        ratios=asked.ratios,
        soft_labels=asked.soft_labels,
    )
    require_data_dir_is_used(asked.dataset, settings, given)
    if asked.plan_out and not any(augmentation.generates for augmentation in chosen):
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    if not any(augmentation.name is AugmentationName.GENIE for augmentation in chosen) and (
        asked.confusion or asked.backbone
    ):
        raise UsageError("--confusion and --backbone choose GeNIe's sources, and genie is not among --augment")
    if asked.confusion and asked.backbone:
        raise UsageError("--confusion says which classes are confused: leave out --backbone")
    recipe = settings.longtail
    if recipe.warmup_epochs >= recipe.epochs:
        raise UsageError(f"--warmup-epochs {recipe.warmup_epochs} leaves none of --epochs {recipe.epochs} after it")
    if {"per_class", "fill_to"} <= given:
        raise UsageError("--fill-to says how many images a class gets: leave out --per-class")
    return chosen
