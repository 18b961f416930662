"""What a person asks of augmentations and of the images that they need: looked at before any is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.errors import UsageError

if TYPE_CHECKING:
    from genie_cli.evaluate.augmentations import Augmentation, AugmentationName


def chosen(
    names: Sequence[str], ratios: Sequence[str], known: Sequence[AugmentationName] | None = None
) -> list[Augmentation]:
    """What --augment and --r ask for.

    Args:
        known: the augmentations that the command has; None: all.

    Raises:
        UsageError: an augmentation is not known, or a ratio is none.
    """
    from genie_cli.evaluate.augmentations import AugmentationName, choose

    possible = [name.value for name in known or AugmentationName]
    if unknown := [word for word in names if word not in possible]:
        raise UsageError(f"--augment {unknown[0]}: there is no such augmentation", f"known: {', '.join(possible)}")
    try:
        numbers = [float(word) for word in ratios]
    except ValueError:
        raise UsageError(f"--r {', '.join(ratios)}: expected numbers, such as 0.6,0.8") from None
    if any(not 0 < r <= 1 for r in numbers):
        raise UsageError(f"--r {', '.join(ratios)}: a noise ratio is above 0 and at most 1")
    return choose([AugmentationName(word) for word in names], numbers)


def check(
    chosen: Sequence[Augmentation],
    settings: Settings,
    given: set[str],
    *,
    manifests: Sequence[str],
    only_plans: bool,
    ratios: Sequence[str],
    soft_labels: bool,
) -> None:
    """Refuse what would be ignored, or cannot be made, of what is said about generated images.

    Args:
        only_plans: whether nothing is to be made or evaluated, by --plan-out or --dry-run.
    """
    from genie_cli.evaluate.augmentations import AugmentationName

    if ratios and not any(a.name is AugmentationName.GENIE for a in chosen):
        raise UsageError("--r is GeNIe's noise ratio, and genie is not among --augment")
    made = {"name", "revision", "steps", "guidance", "prompt", "superclass", "dtype", "slots"} & given
    if manifests and made:
        flags = ", ".join(sorted("--model" if name == "name" else f"--{name}" for name in made))
        raise UsageError(f"the images are those of --manifest: leave out {flags}")
    if manifests and only_plans:
        raise UsageError("--manifest has the images: leave out --plan-out and --dry-run, which are about making them")
    if manifests and not any(a.generates for a in chosen):
        raise UsageError("none of the augmentations needs generated images: leave out --manifest")
    if soft_labels and not manifests:
        raise UsageError(
            "--soft-labels takes the oracle's labels from a manifest",
            "genie oracle MANIFEST --soft-labels --out labelled.jsonl, then --manifest labelled.jsonl",
        )
    least = smallest_ratio(settings.generate.steps)
    if not manifests and (short := [a for a in chosen if a.generates and min(a.ratios) < least]):
        raise UsageError(
            f"{short[0].label} has r = {min(short[0].ratios):g}, which leaves no step to run out of "
            f"{settings.generate.steps}; least: {least:g}",
            "give more --steps, or leave it out of --augment",
        )
