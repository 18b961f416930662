"""A run on a long-tailed data set: its rare classes, the images they need, and the trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.evaluate import obtain as making
from genie_cli.jobs import Job
from genie_cli.longtail import results as tail_results
from genie_cli.longtail import training as tail_training
from genie_cli.longtail.options import LongTailOptions, check
from genie_cli.longtail.plan import confusion_of, tail_of

if TYPE_CHECKING:
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.longtail.groups import Profile


def measure(
    settings: Settings, asked: LongTailOptions, given: set[str], *, as_json: bool = False, dry_run: bool = False
) -> None:
    """Do what `genie longtail` does.

    Args:
        given: names of the settings that were given as options.

    Raises:
        UsageError, FolderError, ModelError, OutputError: see the rooms that raise them.
    """
    from genie_cli.evaluate.augmentations import AugmentationName
    from genie_cli.longtail.groups import Profile, ShotThresholds

    if asked.dataset.is_digits:
        settings = _suited_to_digits(settings, given)
    if "per_class" in given:  # a file may say fill_to
        settings = settings.model_copy(update={"longtail": settings.longtail.model_copy(update={"fill_to": 0})})
    chosen = check(settings, asked, given)
    thresholds = ShotThresholds.parse(settings.longtail.thresholds)
    images = asked.dataset.images(settings.data.dir, asked.lists, asked.partial)
    profile = Profile.of(images.classes, images.train, thresholds)
    tail_results.show_profile(asked, images, profile)
    trainings = tail_training.trainings_of(settings, asked, images)
    tail_training.require_trainable(trainings, asked, chosen)
    to_make = not asked.manifests and any(augmentation.generates for augmentation in chosen)
    located = making.located_in(settings, given) if to_make else None
    confusion = (
        confusion_of(settings, asked, images, profile) if AugmentationName.GENIE in {a.name for a in chosen} else None
    )
    jobs = _jobs(settings, images, profile, located.identity if located else "", chosen, confusion)
    every = [job for wanted in jobs.values() for job in wanted]
    work = making.work(settings, located, images.root, every, asked.out) if located else None
    if work and asked.plan_out:
        making.write_plan(work, asked.plan_out)
        return
    if dry_run:
        if work:
            work.preview(as_json)
        tail_results.show_cost(trainings, {a: len(wanted) for a, wanted in jobs.items()}, as_json)
        return
    tail_results.prepare(asked.out, confusion)
    found = making.make(work) if work else making.read(asked.manifests)
    found.require(every)
    outcomes = tail_training.run(trainings, jobs, found)
    if outcomes:  # one process of several has them
        tail_results.finish(asked.out, tail_results.records_of(settings, asked, profile, outcomes), as_json)


def _jobs(
    settings: Settings,
    images: LongTailed,
    profile: Profile,
    model: str,
    chosen: Sequence[Augmentation],
    confusion: Confusion | None,
) -> dict[Augmentation, list[Job]]:
    """The images that each augmentation needs."""
    if not any(augmentation.generates for augmentation in chosen):
        return {augmentation: [] for augmentation in chosen}
    tail = tail_of(settings, images, profile, model, confusion)
    return {augmentation: tail.jobs(augmentation) for augmentation in chosen}


def _suited_to_digits(settings: Settings, given: set[str]) -> Settings:
    from genie_cli.longtail.digits_recipe import for_digits

    settings = making.suited_to_digits(settings, given)
    return settings.model_copy(update={"longtail": for_digits(settings.longtail, given)})
