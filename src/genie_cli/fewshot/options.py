"""What a person asks of a run on episodes: looked at before anything is read or made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import FewShot, Settings
from genie_cli.data.catalog import EpisodeSet, require_data_dir_is_used
from genie_cli.errors import UsageError
from genie_cli.evaluate import checks as augmenting
from genie_cli.fewshot.task import Task

if TYPE_CHECKING:
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.fewshot.episodes import Episode, EpisodeSpec, Pool


@dataclass(frozen=True)
class FewShotOptions:
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

    spec: EpisodeSpec
    episodes: Sequence[Episode]
    text: str
    sha256: str


def check(
    asked: FewShotOptions, settings: Settings, given: set[str], chosen: Sequence[Augmentation], dry_run: bool
) -> None:
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


def lists(settings: Settings, asked: FewShotOptions, pool: Pool) -> list[Listed]:
    """The lists of episodes, each with its hash.

    Raises:
        UsageError, FolderError: see `evaluate.episodes`; also for lists that do not fit into one table.
    """
    found = list(_lists(settings, asked, pool))
    if len({(listed.spec.ways, listed.spec.queries, len(listed.episodes)) for listed in found}) > 1:
        raise UsageError(
            "the lists differ in their ways, queries or number of episodes: they do not fit into one table",
            "run them apart, each with an --out of its own",
        )
    return found


def _lists(settings: Settings, asked: FewShotOptions, pool: Pool) -> Iterator[Listed]:
    from genie_cli.fewshot.episodes import EpisodeSpec, draw, read, write

    if asked.episode_lists:
        seen: dict[tuple[int, int], Path] = {}
        for path in asked.episode_lists:
            spec, episodes = read(path, pool)
            other = seen.setdefault((spec.ways, spec.shots), path)
            if other is not path:
                raise UsageError(f"{other} and {path} are both {spec.ways}-way {spec.shots}-shot: run them apart")
            yield Listed(spec, episodes, *write(episodes, spec, asked.dataset.value))
        return
    wanted = asked.wanted
    for shots in sorted(set(wanted.shots)):
        spec = EpisodeSpec(ways=wanted.ways, shots=shots, queries=wanted.queries, seed=settings.generate.seed)
        episodes = draw(pool, spec, wanted.episodes)
        yield Listed(spec, episodes, *write(episodes, spec, asked.dataset.value))
