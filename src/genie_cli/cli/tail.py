"""A run on a long-tailed data set: its rare classes, the images they need, and the trainings."""

from __future__ import annotations

from genie_cli.cli import making, tail_results, tail_training
from genie_cli.cli.asked_tail import AskedTail, check
from genie_cli.cli.tail_plan import tail_of
from genie_cli.config import Settings


def measure(
    settings: Settings, asked: AskedTail, given: set[str], *, as_json: bool = False, dry_run: bool = False
) -> None:
    """Do what `genie longtail` does.

    Args:
        given: names of the settings that were given as options.

    Raises:
        UsageError, FolderError, ModelError, OutputError: see the rooms that raise them.
    """
    from genie_cli.data.longtail_profile import Edges, Profile

    if asked.dataset.is_digits:
        settings = _suited_to_digits(settings, given)
    chosen = check(settings, asked, given, dry_run)
    edges = Edges.parse(settings.longtail.edges)
    images = asked.dataset.images(settings.data.dir, asked.lists, asked.partial)
    profile = Profile.of(images.classes, images.train, edges)
    tail_results.show_profile(asked, images, profile)
    trainings = tail_training.trainings_of(settings, asked, images)
    tail_training.require_trainable(trainings, asked)
    to_make = not asked.manifests and any(augmentation.generates for augmentation in chosen)
    located = making.located_in(settings, given) if to_make else None
    tail = tail_of(settings, asked, images, profile, located.identity if located else "", chosen)
    jobs = {augmentation: tail.jobs(augmentation) for augmentation in chosen}
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
    tail_results.prepare(asked.out)
    found = making.make(work) if work else making.read(asked.manifests)
    found.require(every)
    outcomes = tail_training.run(trainings, jobs, found)
    if outcomes:  # one process of several has them
        records = list(tail_results.records_of(settings, asked, profile, outcomes))
        tail_results.save(asked.out, records)
        tail_results.show(asked.out, records, as_json)


def _suited_to_digits(settings: Settings, given: set[str]) -> Settings:
    from genie_cli.finetune.usual import for_digits

    settings = making.suited_to_digits(settings, given)
    return settings.model_copy(update={"longtail": for_digits(settings.longtail)})
