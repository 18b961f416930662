"""The options of `genie longtail`, and what is checked of them before data are read."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from genie_cli.config import LongTail, Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data.catalog import Entry
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName

AUGMENT = ("none", "img2img-l", "img2img-h", "txt2img", "genie")  # the paper's Table 3


@dataclass(frozen=True)
class LongTailOptions:
    """What a run on a long-tailed data set is asked for, besides its settings.

    Attributes:
        dataset: a name of ``catalog.choices("longtail")``.
        out: folder for results, trainings and generated images.
        augment: names of augmentations; empty: all of `AUGMENT`.
        lists: folder of the data set's lists, if they are not with the images.
        manifests: names of manifests that have the generated images, ``"-"`` for standard input; empty: generate them.
        confusion: which classes are confused with each other; None: measure it on the training images.
        backbone: name of the network that confusions are measured with; None: the data set's or the usual one.
        checkpoint: file with the weights that trainings start from; None: random weights.
        partial: accept an incomplete data set.
        soft_labels: use the oracle's probabilities as labels of generated images.
    """

    dataset: str
    out: Path
    augment: tuple[str, ...] = ()
    lists: Path | None = None
    manifests: tuple[str, ...] = ()
    confusion: Confusion | None = None
    backbone: str | None = None
    checkpoint: Path | None = None
    partial: bool = False
    soft_labels: bool = False


def check(
    options: LongTailOptions, entry: Entry, settings: Settings, given: Set[str], *, plan_only: bool
) -> list[Augmentation]:
    """Check options against each other.

    Args:
        given: keys of the settings that were typed; only these can conflict.
        plan_only: nothing is to be trained.

    Returns:
        The augmentations to compare.

    Raises:
        UsageError: an option contradicts another, would have no effect, or names something that does not exist.
    """
    chosen = checks.parse_augmentations(options.augment or AUGMENT, settings.generate.r, AUGMENT)
    checks.check_generation(
        chosen,
        settings,
        given,
        manifests=options.manifests,
        plan_only=plan_only,
        soft_labels=options.soft_labels,
    )
    checks.check_data(entry, given)
    if not any(augmentation.name is AugmentationName.GENIE for augmentation in chosen) and (
        options.confusion or options.backbone
    ):
        raise UsageError("--confusion and --backbone choose GeNIe's sources, and genie is not among --augment")
    if options.confusion and options.backbone:
        raise UsageError("--confusion says which classes are confused: leave out --backbone")
    if {"longtail.per_class", "longtail.fill_to"} <= given:
        raise UsageError("--fill-to says how many images a class gets: leave out --per-class")
    recipe = settings.longtail
    if recipe.warmup_epochs >= recipe.epochs:
        raise UsageError(f"--warmup-epochs {recipe.warmup_epochs} leaves none of --epochs {recipe.epochs} after it")
    return chosen


def check_network(name: str) -> None:
    """Raise UsageError if timm has no network of this name."""
    from genie_cli.backbones import pretrained

    if not pretrained.is_known(name):
        near = pretrained.similar_names(name, ())
        suggestion = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(f"--network: timm has no network {name!r}{suggestion}", "all: timm.list_models()")


def recipe_of(settings: Settings, given: Set[str]) -> LongTail:
    """The section of the settings; a typed ``--per-class`` overrides a ``fill_to`` that was not typed."""
    recipe = settings.longtail
    return recipe.model_copy(update={"fill_to": 0}) if "longtail.per_class" in given else recipe
