"""The options of `genie longtail`, and what is checked of them before data are read."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from genie_cli.config import LongTail, Settings
from genie_cli.confuse.confusion import Confusion, require_writable
from genie_cli.data.catalog import Entry
from genie_cli.data.class_names import ClassNames
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks, results
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.pairs import parse_pairs
from genie_cli.files.folders import require_own_folder

# The paper's Table 3, and beside it the control that repeats the rare real images to the same number.
AUGMENT = ("none", "repeat", "img2img-l", "img2img-h", "txt2img", "genie")
KNOWN = (*AUGMENT, "img2img")

CONFUSION_FILE = "confusion.json"


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
        checkpoint: file with the weights that trainings start from; None: timm's if the network's name has a tag, else
            random weights.
        partial: accept an incomplete data set.
        soft_labels: use the oracle's probabilities as labels of generated images.
        compare: pairs of labels of augmentations, ``"genie r=0.8,txt2img"``: the first less the second.
        names: what classes are called in prompts.
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
    compare: tuple[str, ...] = ()
    names: ClassNames = field(default_factory=ClassNames)


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
    chosen = checks.parse_augmentations(options.augment or AUGMENT, settings.generate.r, KNOWN)
    checks.check_names(options.names, options.manifests)
    checks.check_generation(
        chosen,
        settings,
        given,
        manifests=options.manifests,
        plan_only=plan_only,
        soft_labels=options.soft_labels,
    )
    checks.check_data(entry, settings.data, given)
    parse_pairs(options.compare, [augmentation.label for augmentation in chosen])
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
        raise UsageError(
            f"--warmup-epochs {recipe.warmup_epochs} leaves none of --epochs {recipe.epochs} after it",
            f"fewer: --warmup-epochs {recipe.epochs // 10}",
        )
    return chosen


def check_network(name: str) -> None:
    """Raise UsageError if timm has no network of this name."""
    from genie_cli.backbones import pretrained

    if pretrained.names_its_source(name):
        how = "--network NAME, the architecture in its config.json, and --checkpoint FILE, its file of weights"
        raise UsageError(f"--network {name}: a training starts from a network by timm's name", how)
    if not pretrained.is_known(name):
        near = pretrained.similar_names(name, ())
        suggestion = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(f"--network: timm has no network {name!r}{suggestion}", "all: timm.list_models()")


def recipe_of(settings: Settings, given: Set[str]) -> LongTail:
    """The section of the settings; a typed ``--per-class`` overrides a ``fill_to`` that was not typed."""
    recipe = settings.longtail
    return recipe.model_copy(update={"fill_to": 0}) if "longtail.per_class" in given else recipe


def check_names(
    options: LongTailOptions, settings: Settings, augmentations: Sequence[Augmentation], *, plan_only: bool
) -> None:
    """Check folder, device, files and networks before data are read; errors as `benchmark.prepare`.

    Args:
        plan_only: nothing is to be trained, and so nothing written there.
    """
    checks.check_places(options.out, settings.model.device, options.manifests)
    if not plan_only:
        files = (*results.RECORD_FILES, *(results.COMPARISON_FILES if options.compare else ()))
        results.require_own(options.out, dict.fromkeys(files))
        require_own_folder(options.out / "trainings")
        if uses_confusion(augmentations) and os.path.lexists(options.out / CONFUSION_FILE):
            require_writable(options.out / CONFUSION_FILE)
    check_network(settings.longtail.network)
    if options.backbone:
        checks.check_backbone(options.backbone)


def require_shareable(options: LongTailOptions, augmentations: Sequence[Augmentation]) -> None:
    """Raise UsageError for what only one of several processes should do: make images, measure, read a pipe."""
    makes = any(augmentation.generates for augmentation in augmentations)
    if makes and (not options.manifests or "-" in options.manifests):
        raise UsageError(
            "several processes train together, and only one should make images: give them with --manifest FILE",
            "first, in one process: --plan-out plan.jsonl, and genie generate --plan plan.jsonl",
        )
    if uses_confusion(augmentations) and not options.confusion:
        raise UsageError(
            "several processes train together, and only one should measure which classes are confused",
            "give --confusion FILE: a run in one process leaves confusion.json in its --out",
        )


def uses_confusion(augmentations: Sequence[Augmentation]) -> bool:
    """Whether it must be known which classes are confused with each other."""
    return any(augmentation.name is AugmentationName.GENIE for augmentation in augmentations)
