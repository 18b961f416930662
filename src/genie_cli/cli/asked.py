"""What a person asks of a few-shot run: looked at before anything is read or made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli.pools import DataSet
from genie_cli.config import Settings
from genie_cli.errors import UsageError

if TYPE_CHECKING:
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.evaluate.episodes import Design, Episode, Pool


@dataclass(frozen=True)
class Asked:
    """What a person says about a few-shot run, besides settings; see `cli/fewshot.py` for the meaning."""

    dataset: DataSet
    out: Path
    augment: tuple[str, ...]
    ratios: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    episode_lists: tuple[Path, ...] = ()
    backbone: str | None = None
    checkpoint: Path | None = None
    partial: bool = False
    soft_labels: bool = False
    plan_out: str | None = None


@dataclass(frozen=True)
class Listed:
    """A list of episodes as it was drawn or read, and its hash."""

    design: Design
    episodes: Sequence[Episode]
    text: str
    sha256: str


def check(asked: Asked, given: set[str], chosen: Sequence[Augmentation], dry_run: bool) -> None:
    """Refuse what would be ignored."""
    from genie_cli.evaluate.augmentations import Name

    made = {"model", "name", "revision", "steps", "guidance", "prompt", "dtype", "slots"} & given
    if asked.manifests and made:
        flags = ", ".join(sorted("--model" if name == "name" else f"--{name}" for name in made))
        raise UsageError(f"the images are those of --manifest: leave out {flags}")
    if asked.manifests and (asked.plan_out or dry_run):
        raise UsageError("--manifest has the images: leave out --plan-out and --dry-run, which are about making them")
    if asked.episode_lists and (drawn := {"shots", "ways", "queries", "episodes"} & given):
        raise UsageError(f"--episode-list decides these: leave out {', '.join(sorted('--' + n for n in drawn))}")
    if asked.ratios and not any(a.name is Name.GENIE for a in chosen):
        raise UsageError("--r is GeNIe's noise ratio, and genie is not among --augment")
    if asked.soft_labels and not asked.manifests:
        raise UsageError(
            "--soft-labels takes the oracle's labels from a manifest",
            "genie oracle MANIFEST --soft-labels --out labelled.jsonl, then --manifest labelled.jsonl",
        )
    if asked.plan_out and not any(a.generates for a in chosen):
        raise UsageError("none of the augmentations needs generated images: there is no plan to write")


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


def lists(settings: Settings, asked: Asked, pool: Pool) -> Iterator[Listed]:
    """The lists of episodes, each with its hash."""
    from genie_cli.evaluate.episodes import Design, draw, read, write

    if asked.episode_lists:
        for path in asked.episode_lists:
            design, episodes = read(path, pool)
            yield Listed(design, episodes, *write(episodes, design, asked.dataset.value))
        return
    wanted = settings.fewshot
    for shots in sorted(set(wanted.shots)):
        design = Design(ways=wanted.ways, shots=shots, queries=wanted.queries, seed=settings.generate.seed)
        episodes = draw(pool, design, wanted.episodes)
        yield Listed(design, episodes, *write(episodes, design, asked.dataset.value))
