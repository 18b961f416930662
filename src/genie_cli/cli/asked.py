"""What a person asks of a run on episodes: looked at before anything is read or made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli.pools import DataSet
from genie_cli.cli.tasks import Task
from genie_cli.config import FewShot, Settings
from genie_cli.diffusion.solver import smallest_ratio
from genie_cli.errors import UsageError

if TYPE_CHECKING:
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.evaluate.episodes import Design, Episode, Pool


@dataclass(frozen=True)
class Asked:
    """What a person says about a run on episodes; see `cli/fewshot.py` and `cli/episode_options.py` for the meaning.

    Attributes:
        wanted: the task's own section of the settings.
    """

    task: Task
    dataset: DataSet
    wanted: FewShot
    out: Path
    augment: tuple[str, ...]
    ratios: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    episode_lists: tuple[Path, ...] = ()
    backbone: str | None = None
    checkpoint: Path | None = None
    partial: bool = False
    soft_labels: bool = False
    baseline: str | None = None
    plan_out: str | None = None

    @property
    def network(self) -> str:
        """The backbone's name: as asked for, else the data set's own or the task's; empty if there is none."""
        return self.backbone or ("digits" if self.dataset.is_digits else self.task.backbone)


@dataclass(frozen=True)
class Listed:
    """A list of episodes as it was drawn or read, and its hash."""

    design: Design
    episodes: Sequence[Episode]
    text: str
    sha256: str


def check(asked: Asked, settings: Settings, given: set[str], chosen: Sequence[Augmentation], dry_run: bool) -> None:
    """Refuse what would be ignored, and what cannot be made.

    Args:
        given: names of the settings that were given as options.
    """
    from genie_cli.evaluate.augmentations import Name

    _check_manifests(asked, given, chosen, dry_run)
    if asked.episode_lists and (drawn := {"shots", "ways", "queries", "episodes"} & given):
        raise UsageError(f"--episode-list decides these: leave out {', '.join(sorted('--' + n for n in drawn))}")
    if asked.ratios and not any(a.name is Name.GENIE for a in chosen):
        raise UsageError("--r is GeNIe's noise ratio, and genie is not among --augment")
    if asked.baseline and asked.baseline not in (labels := [a.label for a in chosen]):
        raise UsageError(f"--baseline {asked.baseline}: not among what is compared", f"those: {', '.join(labels)}")
    if (asked.plan_out or dry_run) and not any(a.generates for a in chosen):
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    # The environment may name the data set of other runs.
    if asked.dataset.is_digits and "dir" in given and settings.data.dir != os.environ.get("GENIE_DATA"):
        raise UsageError(f"--dataset {asked.dataset} is made by genie: leave out --data-dir")
    least = smallest_ratio(settings.generate.steps)
    if not asked.manifests and (short := [a for a in chosen if a.generates and min(a.ratios) < least]):
        raise UsageError(
            f"{short[0].label} has r = {min(short[0].ratios):g}, which leaves no step to run out of "
            f"{settings.generate.steps}; least: {least:g}",
            "give more --steps, or leave it out of --augment",
        )


def _check_manifests(asked: Asked, given: set[str], chosen: Sequence[Augmentation], dry_run: bool) -> None:
    """What goes with --manifest, and what only with it."""
    made = {"name", "revision", "steps", "guidance", "prompt", "superclass", "dtype", "slots"} & given
    if asked.manifests and made:
        flags = ", ".join(sorted("--model" if name == "name" else f"--{name}" for name in made))
        raise UsageError(f"the images are those of --manifest: leave out {flags}")
    if asked.manifests and (asked.plan_out or dry_run):
        raise UsageError("--manifest has the images: leave out --plan-out and --dry-run, which are about making them")
    if asked.manifests and asked.episode_lists and "seed" in given:
        raise UsageError("with --manifest and --episode-list nothing is drawn: leave out --seed")
    if asked.manifests and not any(a.generates for a in chosen):
        raise UsageError("none of the augmentations needs generated images: leave out --manifest")
    if asked.soft_labels and not asked.manifests:
        raise UsageError(
            "--soft-labels takes the oracle's labels from a manifest",
            "genie oracle MANIFEST --soft-labels --out labelled.jsonl, then --manifest labelled.jsonl",
        )


def augmentations(asked: Asked) -> list[Augmentation]:
    from genie_cli.evaluate.augmentations import Name, choose

    known = [name.value for name in Name]
    if unknown := [word for word in asked.augment if word not in known]:
        raise UsageError(f"--augment {unknown[0]}: there is no such augmentation", f"known: {', '.join(known)}")
    try:
        ratios = [float(word) for word in asked.ratios]
    except ValueError:
        raise UsageError(f"--r {', '.join(asked.ratios)}: expected numbers, such as 0.6,0.8") from None
    if any(not 0 < r <= 1 for r in ratios):
        raise UsageError(f"--r {', '.join(asked.ratios)}: a noise ratio is above 0 and at most 1")
    return choose([Name(word) for word in asked.augment], ratios)


def lists(settings: Settings, asked: Asked, pool: Pool) -> list[Listed]:
    """The lists of episodes, each with its hash.

    Raises:
        UsageError, FolderError: see `evaluate.episodes`; also for lists that do not fit into one table.
    """
    found = list(_lists(settings, asked, pool))
    if len({(listed.design.ways, listed.design.queries, len(listed.episodes)) for listed in found}) > 1:
        raise UsageError(
            "the lists differ in their ways, queries or number of episodes: they do not fit into one table",
            "run them apart, each with an --out of its own",
        )
    return found


def _lists(settings: Settings, asked: Asked, pool: Pool) -> Iterator[Listed]:
    from genie_cli.evaluate.episodes import Design, draw, read, write

    if asked.episode_lists:
        seen: dict[tuple[int, int], Path] = {}
        for path in asked.episode_lists:
            design, episodes = read(path, pool)
            other = seen.setdefault((design.ways, design.shots), path)
            if other is not path:
                raise UsageError(f"{other} and {path} are both {design.ways}-way {design.shots}-shot: run them apart")
            yield Listed(design, episodes, *write(episodes, design, asked.dataset.value))
        return
    wanted = asked.wanted
    for shots in sorted(set(wanted.shots)):
        design = Design(ways=wanted.ways, shots=shots, queries=wanted.queries, seed=settings.generate.seed)
        episodes = draw(pool, design, wanted.episodes)
        yield Listed(design, episodes, *write(episodes, design, asked.dataset.value))
