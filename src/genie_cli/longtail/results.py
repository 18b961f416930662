"""What a run on a long-tailed data set shows and leaves: its profile, its cost, its results."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genie_cli.cli._console import duration, facts, is_first_process, wants_lines, words
from genie_cli.config import LongTail, Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.evaluate import saving

if TYPE_CHECKING:
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.longtail.groups import Profile
    from genie_cli.longtail.options import LongTailOptions
    from genie_cli.longtail.records import Record
    from genie_cli.longtail.trainings import Outcome, Trainings


def show_profile(asked: LongTailOptions, images: LongTailed, profile: Profile) -> None:
    """How long the tail is, in words."""
    from genie_cli.cli._chart import chart

    words().print(f"{asked.dataset}: {images.layout}", soft_wrap=True)
    words().print(chart(profile))


def show_cost(trainings: Trainings, added: Mapping[Augmentation, int], as_json: bool) -> None:
    """What the trainings would take, from one step of one.

    Args:
        added: generated images of each augmentation.
    """
    from genie_cli.backbones.trainable import build
    from genie_cli.finetune.cost import measure
    from genie_cli.finetune.training import sampler_for

    recipe, real = trainings.recipe, len(trainings.images.train)
    batches = sampler_for(real, recipe, 0, trainings.accelerator)
    network = build(trainings.plan)
    cost = measure(network, trainings.preprocess.size, batches.micro_batch_size, trainings.accelerator)
    updates = sum(recipe.epochs * ((real + more) // recipe.batch) for more in added.values()) * len(recipe.seeds)
    table = {
        "trainings": f"{len(added) * len(recipe.seeds)} of {recipe.epochs} epochs",
        "images": f"{real}, and beside them " + ", ".join(f"{more} ({a.label})" for a, more in added.items()),
        "updates": f"{updates} in all, of {recipe.batch} images, {batches.micro_batch_size} at a time on a device",
        "network": f"{trainings.plan.name}, {sum(p.numel() for p in network.parameters()) / 1e6:.1f} million weights",
        "memory": f"about {cost.memory / 2**30:.2f} GiB on {trainings.accelerator.device}",
        "time": f"about {duration(updates * recipe.accumulate * cost.seconds)} and what loading images takes beyond "
        "that (a step was timed just now)",
    }
    console = words() if wants_lines(as_json) else Console(quiet=not is_first_process())
    console.print(facts("Nothing was trained. The trainings would be:", table))


def prepare(out: Path, confusion: Confusion | None) -> None:
    """As `saving.prepare`; and keep what GeNIe's sources were chosen by."""
    from genie_cli.longtail.records import Record

    saving.prepare(out, Record)
    if confusion and is_first_process():
        confusion.write(out / "confusion.json", top_k=4)


def records_of(
    settings: Settings, asked: LongTailOptions, profile: Profile, outcomes: Sequence[Outcome]
) -> list[Record]:
    """A record for each training, and after those of one augmentation their mean."""
    from genie_cli.longtail.records import Record
    from genie_cli.longtail.tail import by_group

    recipe = settings.longtail
    records: list[Record] = []
    for augmentation, members in groupby(outcomes, lambda outcome: outcome.augmentation):
        own = [
            Record(
                dataset=asked.dataset.value,
                network=recipe.network,
                thresholds=profile.thresholds.name,
                loss=recipe.loss,
                prior=recipe.prior,
                augmentation=augmentation.label,
                seed=outcome.seed,
                seeds=1,
                added=outcome.added,
                rejected=round(outcome.rejected / max(outcome.added + outcome.rejected, 1), 4),
                **{name: round(100 * value, 4) for name, value in by_group(outcome.accuracy, profile).items()},
            )
            for outcome in members
        ]
        records += [*own, _mean_of(own, _paper(asked, recipe, profile, augmentation))]
    return records


def _mean_of(records: Sequence[Record], paper: Sequence[float] = ()) -> Record:
    """The mean over trainings that differ in the seed alone, beside the paper's figures, if it has any."""
    from genie_cli.evaluate.statistics import estimate_of_few
    from genie_cli.longtail.records import GROUPS

    figures = {name: [getattr(record, name) for record in records] for name in GROUPS}
    means = {name: estimate_of_few(values) for name, values in figures.items() if None not in values}
    update: dict[str, float | int | None] = {"seed": None, "seeds": len(records)}
    for name, mean in means.items():
        update[name] = round(mean.mean, 4)
        update[f"{name}_interval"] = round(mean.half_width, 4) if len(records) > 1 else None
    update |= {f"paper_{name}": value for name, value in zip(GROUPS, paper, strict=False)}
    return records[0].model_copy(update=update)


def _paper(asked: LongTailOptions, recipe: LongTail, profile: Profile, augmentation: Augmentation) -> Sequence[float]:
    """The paper's figures, if they were measured as these are; else none."""
    from genie_cli.evaluate import paper

    if asked.partial or recipe.loss != "bal-bce" or profile.thresholds.name != "livt":
        return ()
    return paper.longtail(asked.dataset.value, recipe.network, augmentation.label) or ()


def finish(out: Path, records: Sequence[Record], as_json: bool) -> None:
    """The results in files and on stdout; in words where everything is."""
    from genie_cli.evaluate.results import lines
    from genie_cli.longtail.records import Record, table

    saving.save(out, Record, records)
    if wants_lines(as_json):
        sys.stdout.write(lines(records))
    else:
        Console().print(table(records))
    words().print(f"results.jsonl and results.csv are in {out}, each network in {out / 'trainings'}", soft_wrap=True)
