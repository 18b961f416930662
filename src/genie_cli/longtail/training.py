"""The trainings of a run on a long-tailed data set: prepared, looked at, and run with a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from genie_cli.cli._console import progress, words
from genie_cli.config import Settings
from genie_cli.errors import UsageError
from genie_cli.jobs import Job
from genie_cli.longtail.options import LongTailOptions

if TYPE_CHECKING:
    from genie_cli.data.longtail_sets import LongTailed
    from genie_cli.evaluate.augmentations import Augmentation
    from genie_cli.evaluate.generated import Images
    from genie_cli.longtail.trainings import Outcome, Trainings


def trainings_of(settings: Settings, asked: LongTailOptions, images: LongTailed) -> Trainings:
    """What all trainings share: the network, how it sees pictures, the device."""
    from genie_cli.backbones.backbone import Preprocess
    from genie_cli.backbones.trainable import NetworkSpec, image_size
    from genie_cli.data.dataset import Crops
    from genie_cli.data.digits import IMAGE_SIZE
    from genie_cli.finetune.training import accelerator_for
    from genie_cli.finetune.training_images import PHOTO_CROPS
    from genie_cli.longtail.trainings import Trainings

    recipe, digits = settings.longtail, asked.dataset.is_digits
    size = IMAGE_SIZE if digits else 0
    plan = NetworkSpec(recipe.network, len(images.classes), recipe.drop_path, size, asked.checkpoint)
    size = image_size(plan)
    # As MAE's evaluation: 256 pixels for 224.
    preprocess = Preprocess(size if digits else round(size * 256 / 224), size, recipe.mean, recipe.std, "bicubic")
    return Trainings(
        images=images,
        recipe=recipe,
        plan=plan,
        preprocess=preprocess,
        crops=Crops(0.7, flip=False) if digits else PHOTO_CROPS,
        accelerator=accelerator_for(recipe, settings.model.device),
        soft_labels=asked.soft_labels,
        folder=asked.out / "trainings",
    )


def require_trainable(trainings: Trainings, asked: LongTailOptions, chosen: Sequence[Augmentation]) -> None:
    """Before images are made for hours: can the network be built, a batch be cut, and several processes do it?

    Raises:
        UsageError, ModelError: see `backbones.trainable.build` and `finetune.sampler.MicroBatchSampler`.
    """
    from genie_cli.backbones.trainable import build
    from genie_cli.finetune.training import sampler_for

    if trainings.plan.classes < 2:
        raise UsageError("there is one class only: nothing is to be told apart", "see --data-dir")
    build(trainings.plan)
    sampler_for(len(trainings.images.train), trainings.recipe, 0, trainings.accelerator)
    if trainings.accelerator.num_processes > 1:
        _require_shareable(asked, chosen)
    if not asked.checkpoint:
        words().print(f"no --checkpoint: {trainings.plan.name} starts from random weights", soft_wrap=True)


def _require_shareable(asked: LongTailOptions, chosen: Sequence[Augmentation]) -> None:
    """Raise UsageError for what only one of several processes should do: make images, measure, read a pipe."""
    from genie_cli.evaluate.augmentations import AugmentationName

    if any(a.generates for a in chosen) and (not asked.manifests or "-" in asked.manifests):
        raise UsageError(
            "several processes train together, and only one should make images: give them with --manifest FILE",
            "first, in one process: --plan-out plan.jsonl, and genie generate --plan plan.jsonl",
        )
    if any(a.name is AugmentationName.GENIE for a in chosen) and not asked.confusion:
        raise UsageError(
            "several processes train together, and only one should measure which classes are confused",
            "give --confusion FILE: a run in one process leaves confusion.json in its --out",
        )


def run(trainings: Trainings, jobs: Mapping[Augmentation, Sequence[Job]], found: Images) -> list[Outcome]:
    """Every augmentation with every seed; empty in all processes but the first."""
    seeds = trainings.recipe.seeds
    outcomes = []
    with progress() as bar:
        task = bar.add_task("", total=len(jobs) * len(seeds) * trainings.recipe.epochs)
        for done, (augmentation, seed) in enumerate(product(jobs, seeds)):
            bar.update(task, description=f"{augmentation.label}, seed {seed}", completed=done * trainings.recipe.epochs)
            outcomes.append(trainings.run(augmentation, seed, jobs[augmentation], found, lambda *_: bar.advance(task)))
    return [outcome for outcome in outcomes if outcome]
