"""A run on a long-tailed data set: its rare classes, the images they need, and the trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.cli import augmenting, making, tail_results
from genie_cli.cli.console import progress, words
from genie_cli.cli.pools import DataSet, require_data_dir_is_used
from genie_cli.config import Settings
from genie_cli.confusion import Confusion
from genie_cli.errors import UsageError
from genie_cli.files import cache
from genie_cli.jobs import Job, Recipe

if TYPE_CHECKING:
    from genie_cli.data.longtail_profile import Profile
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.evaluate.images import Images
    from genie_cli.evaluate.longtail import Tail
    from genie_cli.evaluate.trainings import Outcome, Trainings

AUGMENT = ("none", "img2img-l", "img2img-h", "txt2img", "genie")
_FOLDS = 5


class LongTailSet(DataSet):
    """The data sets of `genie longtail`."""

    DIGITS = "digits"
    IMAGENET_LT = "imagenet-lt"
    FOLDER = "folder"

    @property
    def has_parts(self) -> bool:
        return self is LongTailSet.IMAGENET_LT

    def how_to_get(self) -> str:
        from genie_cli.data.longtail_sets import how_to_get

        return how_to_get(self.value)

    def images(self, folder: str, lists: Path | None, partial: bool) -> LongTailed:
        """Both splits; the errors are those of `place` and of `data.longtail_sets.read`."""
        from genie_cli.data.digits_longtail import read_digits
        from genie_cli.data.longtail_sets import read
        from genie_cli.output import explained

        if lists and self is not LongTailSet.IMAGENET_LT:
            raise UsageError("--lists goes with --dataset imagenet-lt")
        place = self.place(folder, partial)
        if place is None:
            with explained(cache()):
                return read_digits(cache() / "data")
        return read(self.value, place, lists=lists, partial=partial)  # type: ignore[arg-type]


@dataclass(frozen=True)
class AskedTail:
    """What a person says about a run on a long-tailed data set; see `cli/longtail.py` for the meaning."""

    dataset: LongTailSet
    out: Path
    augment: tuple[str, ...]
    lists: Path | None = None
    partial: bool = False
    ratios: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    confusion: Path | None = None
    backbone: str | None = None
    checkpoint: Path | None = None
    soft_labels: bool = False
    plan_out: str | None = None


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
    chosen = _check(settings, asked, given, dry_run)
    edges = Edges.parse(settings.longtail.edges)
    images = asked.dataset.images(settings.data.dir, asked.lists, asked.partial)
    profile = Profile.of(images.classes, images.train, edges)
    tail_results.show_profile(asked, images, profile)
    trainings = _trainings(settings, asked, images)
    _require_trainable(trainings, asked)
    to_make = not asked.manifests and any(augmentation.generates for augmentation in chosen)
    located = making.located_in(settings, given) if to_make else None
    tail = _tail(settings, asked, images, profile, located.identity if located else "", chosen)
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
    outcomes = _run(trainings, jobs, found)
    if outcomes:  # one process of several has them
        records = list(tail_results.records_of(settings, asked, profile, outcomes))
        tail_results.save(asked.out, records)
        tail_results.show(asked.out, records, as_json)


def _check(settings: Settings, asked: AskedTail, given: set[str], dry_run: bool) -> list[Augmentation]:
    """The augmentations asked for; UsageError for what does not go together."""
    from genie_cli.evaluate.augmentations import Name

    chosen = augmenting.chosen(asked.augment, asked.ratios, [Name(word) for word in AUGMENT])
    augmenting.check(
        chosen,
        settings,
        given,
        manifests=asked.manifests,
        only_plans=bool(asked.plan_out or dry_run),
        ratios=asked.ratios,
        soft_labels=asked.soft_labels,
    )
    require_data_dir_is_used(asked.dataset, settings, given)
    if asked.plan_out and not any(augmentation.generates for augmentation in chosen):
        raise UsageError("none of the augmentations needs generated images: there is no plan")
    if not any(augmentation.name is Name.GENIE for augmentation in chosen) and (asked.confusion or asked.backbone):
        raise UsageError("--confusion and --backbone choose GeNIe's sources, and genie is not among --augment")
    if asked.confusion and asked.backbone:
        raise UsageError("--confusion says which classes are confused: leave out --backbone")
    recipe = settings.longtail
    if recipe.warmup_epochs >= recipe.epochs:
        raise UsageError(f"--warmup-epochs {recipe.warmup_epochs} leaves none of --epochs {recipe.epochs} after it")
    if {"per_class", "fill_to"} <= given:
        raise UsageError("--fill-to says how many images a class gets: leave out --per-class")
    return chosen


def _suited_to_digits(settings: Settings, given: set[str]) -> Settings:
    from genie_cli.finetune.usual import for_digits

    settings = making.suited_to_digits(settings, given)
    return settings.model_copy(update={"longtail": for_digits(settings.longtail)})


def _tail(
    settings: Settings,
    asked: AskedTail,
    images: LongTailed,
    profile: Profile,
    model: str,
    chosen: Sequence[Augmentation],
) -> Tail:
    """The rare classes and what they need; which classes are confused is measured if nobody has."""
    from genie_cli.evaluate.augmentations import Name
    from genie_cli.evaluate.longtail import Tail

    wanted = settings.generate
    recipe = Recipe(targets=(), prompt=wanted.prompt, superclass=wanted.superclass, model=model)
    tail = Tail(
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
            f"no class needs images: none is Few under the edges {profile.edges.name}, or all are full",
            "choose other --edges, or a larger --fill-to",
        )
    if not any(augmentation.name is Name.GENIE for augmentation in chosen):
        return tail
    confusion = Confusion.read(asked.confusion) if asked.confusion else _confusion(settings, asked, images, profile)
    return replace(tail, hardest=_hardest(confusion, list(tail.wanted()), wanted.top_k))


def _confusion(settings: Settings, asked: AskedTail, images: LongTailed, profile: Profile) -> Confusion:
    """Measured on the training images, as `genie confuse` does."""
    from genie_cli.cli.confuse import BACKBONE
    from genie_cli.cli.judging import from_sources

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
        if len(targets) <= 10:
            listed = ", ".join(f"{name} ({count})" for name, count in pairs)
            words().print(f"sources for {target}, and how often it is taken for them: {listed}", soft_wrap=True)
    return hardest


def _trainings(settings: Settings, asked: AskedTail, images: LongTailed) -> Trainings:
    from genie_cli.backbones.backbone import Sight
    from genie_cli.backbones.trainable import Plan, size_of
    from genie_cli.data.digits import IMAGE_SIZE
    from genie_cli.evaluate.trainings import Trainings
    from genie_cli.finetune.pictures import OF_DIGITS, OF_PHOTOS
    from genie_cli.finetune.training import accelerator_for

    recipe, digits = settings.longtail, asked.dataset.is_digits
    size = IMAGE_SIZE if digits else 0
    plan = Plan(recipe.network, len(images.classes), recipe.drop_path, size, asked.checkpoint)
    size = size_of(plan)
    # As MAE's evaluation: 256 pixels for 224.
    sight = Sight(size if digits else round(size * 256 / 224), size, recipe.mean, recipe.std, "bicubic")
    return Trainings(
        images=images,
        recipe=recipe,
        plan=plan,
        sight=sight,
        crops=OF_DIGITS if digits else OF_PHOTOS,
        accelerator=accelerator_for(recipe, settings.model.device),
        soft_labels=asked.soft_labels,
        folder=asked.out / "trainings",
    )


def _require_trainable(trainings: Trainings, asked: AskedTail) -> None:
    """Before images are made for hours: can the network be built, a batch be cut, and several processes do it?

    Raises:
        UsageError, ModelError: see `backbones.trainable.build` and `finetune.batches.Batches`.
    """
    from genie_cli.backbones.trainable import build
    from genie_cli.finetune.training import batches_of

    build(trainings.plan)
    batches_of(len(trainings.images.train), trainings.recipe, 0, trainings.accelerator)
    if trainings.accelerator.num_processes > 1 and not asked.manifests and set(asked.augment) != {"none"}:
        raise UsageError(
            "several processes train together, and only one should make images: give them with --manifest",
            "first, in one process: --plan-out plan.jsonl, and genie generate --plan plan.jsonl",
        )
    if not asked.checkpoint:
        words().print(f"no --checkpoint: {trainings.plan.name} starts from random weights", soft_wrap=True)


def _run(trainings: Trainings, jobs: Mapping[Augmentation, Sequence[Job]], found: Images) -> list[Outcome]:
    """Every augmentation with every seed; empty in all processes but the first."""
    seeds = trainings.recipe.seeds
    outcomes = []
    with progress() as bar:
        task = bar.add_task("", total=len(jobs) * len(seeds) * trainings.recipe.epochs)
        for done, (augmentation, seed) in enumerate(product(jobs, seeds)):
            bar.update(task, description=f"{augmentation.label}, seed {seed}", completed=done * trainings.recipe.epochs)
            outcomes.append(trainings.run(augmentation, seed, jobs[augmentation], found, lambda *_: bar.advance(task)))
    return [outcome for outcome in outcomes if outcome]
