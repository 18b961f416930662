"""What a run on a long-tailed data set shows and leaves: its profile, its cost, its results."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genie_cli.cli.console import duration, facts, wants_lines, words
from genie_cli.config import Settings
from genie_cli.files import put, require_own

if TYPE_CHECKING:
    from genie_cli.cli.tail import AskedTail
    from genie_cli.data.longtail_profile import Profile
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.evaluate.trainings import Outcome, Trainings
    from genie_cli.report.longtail import Record


def show_profile(asked: AskedTail, images: LongTailed, profile: Profile) -> None:
    """How long the tail is, in words."""
    from genie_cli.report.profile import chart

    words().print(f"{asked.dataset}: {images.layout}", soft_wrap=True)
    words().print(chart(profile))


def show_cost(trainings: Trainings, added: Mapping[Augmentation, int], as_json: bool) -> None:
    """What the trainings would take, from one step of one.

    Args:
        added: generated images of each augmentation.
    """
    from genie_cli.backbones.trainable import build
    from genie_cli.finetune.cost import measure
    from genie_cli.finetune.training import batches_of

    recipe, real = trainings.recipe, len(trainings.images.train)
    batches = batches_of(real, recipe, 0, trainings.accelerator)
    network = build(trainings.plan)
    cost = measure(network, trainings.sight.size, batches.part, trainings.accelerator)
    updates = sum(recipe.epochs * ((real + more) // recipe.batch) for more in added.values()) * len(recipe.seeds)
    table = {
        "trainings": f"{len(added) * len(recipe.seeds)} of {recipe.epochs} epochs",
        "images": f"{real}, and beside them " + ", ".join(f"{more} ({a.label})" for a, more in added.items()),
        "updates": f"{updates} in all, of {recipe.batch} images, {batches.part} at a time on a device",
        "network": f"{trainings.plan.name}, {sum(p.numel() for p in network.parameters()) / 1e6:.1f} million weights",
        "memory": f"about {cost.memory / 2**30:.2f} GiB on {trainings.accelerator.device}",
        "time": f"about {duration(updates * recipe.accumulate * cost.seconds)} and what loading images takes beyond "
        "that (a step was timed just now)",
    }
    console = words() if wants_lines(as_json) else Console()
    console.print(facts("Nothing was trained. The trainings would be:", table))


def prepare(out: Path) -> None:
    """Before hours of work: make the folder, and see that nothing but an earlier run's results would be replaced."""
    from genie_cli.output import explained

    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
    require_own(out / "results.jsonl", '{"dataset":')
    require_own(out / "results.csv", "dataset,network,edges,")


def records_of(
    settings: Settings, asked: AskedTail, profile: Profile, outcomes: Sequence[Outcome]
) -> Iterator[Record]:
    """A record for each training, and after those of one augmentation their mean."""
    from genie_cli.evaluate.longtail import by_group
    from genie_cli.evaluate.statistics import estimate_of_few
    from genie_cli.report import paper
    from genie_cli.report.longtail import GROUPS, Record

    recipe = settings.longtail
    common = {"dataset": asked.dataset.value, "network": recipe.network, "edges": profile.edges.name}
    common |= {"loss": recipe.loss, "prior": recipe.prior}
    for augmentation, group in groupby(outcomes, lambda outcome: outcome.augmentation):
        members = list(group)
        label = augmentation.label
        figures = [_figures(by_group(outcome.accuracy, profile)) for outcome in members]
        generated = [outcome.added + outcome.rejected for outcome in members]
        for outcome, accuracy, number in zip(members, figures, generated, strict=True):
            share = outcome.rejected / number if number else 0.0
            more = {"seed": outcome.seed, "seeds": 1, "added": outcome.added, "rejected": round(share, 4)}
            yield Record(**common, augmentation=label, **more, **accuracy)
        means = {name: estimate_of_few([one[name] for one in figures]) for name in figures[0]}
        known = None if asked.partial or recipe.loss != "bal-bce" else paper.longtail(common["dataset"], recipe.network, label)
        yield Record(
            **common,
            augmentation=label,
            seed=None,
            seeds=len(members),
            **{name: round(mean.mean, 4) for name, mean in means.items()},
            **{f"{name}_interval": round(mean.half_width, 4) for name, mean in means.items() if len(members) > 1},
            **{f"paper_{name}": value for name, value in zip(GROUPS, known or (), strict=False)},
            added=members[0].added,
            rejected=round(members[0].rejected / generated[0], 4) if generated[0] else 0,
        )


def _figures(groups: Mapping[object, float]) -> dict[str, float]:
    """Accuracies of the groups in %, by their names."""
    return {"overall" if group is None else str(group): round(100 * value, 4) for group, value in groups.items()}


def save(out: Path, records: Sequence[Record]) -> None:
    """Write the results, each file whole or not at all."""
    from genie_cli.report.longtail import Record
    from genie_cli.report.records import comma_separated, lines

    put(out / "results.jsonl", lines(records).encode())
    put(out / "results.csv", comma_separated(Record, records).encode())


def show(out: Path, records: Sequence[Record], as_json: bool) -> None:
    """The results on stdout; in words where everything is."""
    from genie_cli.report.longtail import table
    from genie_cli.report.records import lines

    if wants_lines(as_json):
        sys.stdout.write(lines(records))
    else:
        Console().print(table(records))
    words().print(f"results.jsonl and results.csv are in {out}, each network in {out / 'trainings'}", soft_wrap=True)
