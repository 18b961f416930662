"""What a person asks of a run on episodes: looked at before anything is read or made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli import augmenting
from genie_cli.cli.pools import EpisodeSet, require_data_dir_is_used
from genie_cli.cli.tasks import Task
from genie_cli.config import FewShot, Settings
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
    dataset: EpisodeSet
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
    augmenting.check(
        chosen,
        settings,
        given,
        manifests=asked.manifests,
        only_plans=bool(asked.plan_out or dry_run),
        ratios=asked.ratios,
        soft_labels=asked.soft_labels,
    )
    if asked.manifests and asked.episode_lists and "seed" in given:
        raise UsageError("with --manifest and --episode-list nothing is drawn: leave out --seed")
    if asked.episode_lists and (drawn := {"shots", "ways", "queries", "episodes"} & given):
        raise UsageError(f"--episode-list decides these: leave out {', '.join(sorted('--' + n for n in drawn))}")
    if asked.baseline and asked.baseline not in (labels := [a.label for a in chosen]):
        raise UsageError(f"--baseline {asked.baseline}: not among what is compared", f"those: {', '.join(labels)}")
    if (asked.plan_out or dry_run) and not any(a.generates for a in chosen):
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    require_data_dir_is_used(asked.dataset, settings, given)


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
