"""Which images the rare classes of a data set need, from which sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from genie_cli.cli._console import words
from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import UsageError
from genie_cli.generate.plan import say_hardest
from genie_cli.longtail.options import LongTailOptions
from genie_cli.recipe import Recipe

if TYPE_CHECKING:
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.longtail.groups import Profile
    from genie_cli.longtail.tail import TailJobs

_FOLDS, _SHOWN = 5, 10


def tail_of(
    settings: Settings,
    images: LongTailed,
    profile: Profile,
    model: str,
    confusion: Confusion | None,
) -> TailJobs:
    """The rare classes and what they need.

    Raises:
        UsageError: no class needs images, or the confusion matrix does not know a class that does.
    """
    from genie_cli.longtail.tail import TailJobs

    wanted = settings.generate
    recipe = Recipe(targets=(), prompt=wanted.prompt, superclass=wanted.superclass, model=model)
    tail = TailJobs(
        profile=profile,
        train=images.train,
        prompt_for=lambda label: recipe.prompt_for(images.names.get(label, label)),
        model=model,
        per_class=settings.longtail.per_class,
        fill_to=settings.longtail.fill_to,
        seed=wanted.seed,
    )
    if not tail.wanted():
        raise UsageError(
            f"no class needs images: none is Few under the edges {profile.thresholds.name}, or all are full",
            "choose other --edges, or a larger --fill-to",
        )
    if not confusion:
        return tail
    return replace(tail, hardest=_hardest(confusion, list(tail.wanted()), wanted.top_k))


def confusion_of(settings: Settings, asked: LongTailOptions, images: LongTailed, profile: Profile) -> Confusion:
    """Which classes are taken for which: as somebody has measured, else on the training images as `genie confuse` does.

    Raises:
        UsageError, FolderError, ModelError: see `Confusion.read` and `judging.from_sources`.
    """
    if asked.confusion:
        return Confusion.read(asked.confusion)
    from genie_cli.cli.confuse import BACKBONE
    from genie_cli.confuse.folder import from_sources

    least = min(profile.counts, key=lambda label: profile.counts[label])
    if profile.counts[least] < 2:
        raise UsageError(
            f"{least!r} has one training image, so no classifier can judge it that has seen another of the class",
            "say which classes are confused: --confusion FILE",
        )
    words().print("measuring which classes are confused ...")
    backbone = asked.backbone or ("digits" if asked.dataset.is_digits else BACKBONE)
    folds = min(_FOLDS, profile.counts[least])
    return from_sources(images.root, images.train, backbone, None, folds, settings.model.device)


def _hardest(confusion: Confusion, targets: Sequence[str], k: int) -> Mapping[str, Sequence[str]]:
    """For each target the classes it is most often taken for, which are also shown; any other, if for none."""
    never = confusion.never_mistaken()
    hardest = {}
    for target in targets:
        if target in never:
            words().print(f"{target} was never mistaken: its sources are of any other class", soft_wrap=True)
            continue
        pairs = confusion.most_confused(target, k)
        hardest[target] = tuple(name for name, _ in pairs)
        if len(targets) <= _SHOWN:
            say_hardest(target, pairs)
    return hardest
