"""The options of `genie fewshot` and `genie finegrained`, and what is checked of them before data are read."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import FewShot, Settings
from genie_cli.data.catalog import Entry
from genie_cli.data.class_names import ClassNames
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.evaluate import checks
from genie_cli.evaluate.augmentations import ADAPTIVE, Augmentation
from genie_cli.evaluate.pairs import parse_pairs
from genie_cli.settings import build, flag_of, merged

if TYPE_CHECKING:
    from genie_cli.fewshot.task import Task

# The authors' code, where settings can say what it does: its prompts, with all words that ImageNet has for a class, and
# its query images.
_AUTHORS = {"generate.prompt": "a photo of a {target}.", "fewshot.queries": 16}
_DECIDED_BY_A_LIST = ("shots", "ways", "queries", "episodes")


@dataclass(frozen=True)
class FewShotOptions:
    """What a run on episodes is asked for, besides its settings.

    Attributes:
        dataset: a name of ``catalog.choices(task.name)``.
        out: folder for results, episode lists and generated images.
        augment: names of augmentations; empty: the task's usual ones.
        manifests: names of manifests that have the generated images, ``"-"`` for standard input; empty: generate them.
        episode_lists: files of earlier runs whose episodes are run again; empty: draw episodes.
        backbone: name of the network that computes features; None: the data set's, else the task's.
        checkpoint: file with the backbone's weights.
        partial: accept an incomplete data set.
        soft_labels: use the oracle's probabilities as labels of generated images.
        baseline: label of the augmentation that the others are compared with, such as ``"genie r=0.8"``; None: weak.
        compare: pairs of labels whose paired difference is wanted, each ``"A,B"``.
        as_authors: do what the authors' code does where it differs from the paper; see `with_authors`.
        names: what classes are called in prompts.
    """

    dataset: str
    out: Path
    augment: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    episode_lists: tuple[Path, ...] = ()
    backbone: str | None = None
    checkpoint: Path | None = None
    partial: bool = False
    soft_labels: bool = False
    baseline: str | None = None
    compare: tuple[str, ...] = ()
    as_authors: bool = False
    names: ClassNames = field(default_factory=ClassNames)


def section_of(task: Task, settings: Settings) -> FewShot:
    """The task's own section of the settings."""
    section: FewShot = getattr(settings, task.name)
    return section


def backbone_name(task: Task, options: FewShotOptions, entry: Entry) -> str:
    """The name of the backbone: as asked for, else the data set's or the task's; empty if there is none."""
    return options.backbone or entry.backbone or task.backbone


def check(
    task: Task, options: FewShotOptions, entry: Entry, settings: Settings, given: Set[str], *, plan_only: bool
) -> list[Augmentation]:
    """Check options against each other.

    Args:
        given: keys of the settings that were typed; only these can conflict.
        plan_only: nothing is to be evaluated.

    Returns:
        The augmentations to compare.

    Raises:
        UsageError: an option contradicts another, would have no effect, or names something that does not exist.
    """
    probe = _uses_probes(task, options, settings, given, plan_only=plan_only)
    chosen = checks.parse_augmentations(options.augment or task.augment, settings.generate.r, probe=probe)
    checks.check_names(options.names, options.manifests)
    checks.check_generation(
        chosen,
        settings,
        given,
        manifests=options.manifests,
        plan_only=plan_only,
        soft_labels=options.soft_labels,
    )
    if options.episode_lists:
        _check_episode_lists(task, options, given)
    _check_baseline(options.baseline, chosen)
    parse_pairs(options.compare, [augmentation.label for augmentation in chosen])
    if options.as_authors:
        _check_as_authors(task, options, given)
    checks.check_data(entry, settings.data, given)
    return chosen


def _check_episode_lists(task: Task, options: FewShotOptions, given: Set[str]) -> None:
    if options.manifests and "generate.seed" in given:
        raise UsageError("with --manifest and --episode-list nothing is drawn: leave out --seed")
    decided = [f"{task.name}.{name}" for name in _DECIDED_BY_A_LIST]
    if drawn := [flag_of(key) for key in decided if key in given]:
        raise UsageError(f"--episode-list decides these: leave out {', '.join(sorted(drawn))}")


def _uses_probes(task: Task, options: FewShotOptions, settings: Settings, given: Set[str], *, plan_only: bool) -> bool:
    """Whether GeNIe-Ada chooses by probes; only if the images are made here, and now."""
    wanted = section_of(task, settings).ada == "probe"
    if f"{task.name}.ada" in given and not set(ADAPTIVE) & set(options.augment):
        raise UsageError("--ada says how genie-ada chooses, and it is not among --augment")
    if not (options.manifests or plan_only):
        return wanted
    if wanted and f"{task.name}.ada" in given:
        raise UsageError(
            "--ada probe decides which images are needed when it has seen the probes",
            "leave out --manifest, --plan-out and --dry-run, or --ada probe",
        )
    return False


def with_authors(settings: Settings) -> Settings:
    """The settings of a run with ``as_authors``."""
    return build(merged(settings.model_dump(exclude_unset=True), _AUTHORS), flag_of)


def _check_as_authors(task: Task, options: FewShotOptions, given: Set[str]) -> None:
    if task.name != "fewshot":
        raise UsageError("--as-authors is about few-shot classification: the authors published no other code")
    decided = [flag_of(key) for key in _AUTHORS if key in given] + ["--class-names"] * bool(options.names.name)
    if decided:
        raise UsageError(f"--as-authors decides these: leave out {', '.join(sorted(decided))}")


def _check_baseline(baseline: str | None, chosen: Sequence[Augmentation]) -> None:
    labels = [augmentation.label for augmentation in chosen]
    if baseline and baseline not in labels:
        raise UsageError(
            f"--baseline {baseline}: it is not among what is compared{did_you_mean(baseline, labels)}",
            f"choices: {', '.join(labels)}",
        )
