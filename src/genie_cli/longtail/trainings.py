"""The trainings of a long-tailed benchmark: one for each augmentation and seed, each in a folder of its own.

A training that was stopped resumes after its last complete epoch, and one that has ended is not repeated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones import pretrained
from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.trainable import NetworkSpec, build, image_size
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops, Dataset
from genie_cli.errors import ModelError
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.files.folders import make_own_folder
from genie_cli.files.reading import blaming, sha256_of
from genie_cli.finetune.loss import prior_logits
from genie_cli.finetune.state import TrainingState
from genie_cli.finetune.training import TrainingSpec, accelerator_for, sampler_for, train
from genie_cli.finetune.training_images import PHOTO_CROPS, TrainingImage, seed_all
from genie_cli.jobs import Job, Source
from genie_cli.longtail.testing import Outcome, measured
from genie_cli.observer import Observer, Progress

if TYPE_CHECKING:
    from accelerate import Accelerator

# Settings that decide which trainings there are and how they are run, but not what one of them learns.
_NOT_LEARNED = {
    "seeds",
    "thresholds",
    "per_class",
    "fill_to",
    "workers",
    "gradient_accumulation_steps",
    "precision",
    "updates",  # the number of optimizer steps says what it does
}


@dataclass(frozen=True)
class Trainings:
    """What all trainings of a benchmark have in common.

    Attributes:
        network: the network that each starts with; random weights are drawn with the training's seed.
        accelerator: device, or devices, and precision; see `finetune.training.accelerator_for`.
        soft_labels: use the oracle's probabilities as labels of generated images.
        folder: has a folder for each training.
        repeated: real images that are trained on once more with the augmentation ``repeat``, each as often as listed.
        epoch_images: if set, every epoch has as many optimizer steps as one of this many images, whatever the
            augmentation adds; see `finetune.sampler`.
    """

    dataset: Dataset
    recipe: LongTail
    network: NetworkSpec
    preprocess: Preprocess
    crops: Crops
    accelerator: Accelerator
    soft_labels: bool
    folder: Path
    repeated: Sequence[Source] = ()
    epoch_images: int | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        recipe: LongTail,
        checkpoint: Path | None,
        device: str,
        *,
        soft_labels: bool,
        folder: Path,
        repeated: Sequence[Source] = (),
    ) -> Trainings:
        """The trainings on a data set.

        Args:
            repeated: as many real images as any augmentation adds.

        Raises:
            UsageError: the device cannot train in the recipe's precision.
            ModelError: the device cannot be used.
        """
        fixed = dataset.image_size
        network = NetworkSpec(recipe.network, len(dataset.classes), recipe.drop_path, fixed, checkpoint)
        size = image_size(network)
        # As in MAE's evaluation: 256 pixels for 224.
        preprocess = Preprocess(fixed or round(size * 256 / 224), size, recipe.mean, recipe.std, "bicubic")
        crops = dataset.crops or PHOTO_CROPS
        accelerator = accelerator_for(recipe, device)
        epoch_images = len(dataset.train) + len(repeated) if recipe.updates == "equal" else None
        return cls(
            dataset, recipe, network, preprocess, crops, accelerator, soft_labels, folder, repeated, epoch_images
        )

    def require_trainable(self, observer: Observer | None = None) -> None:
        """Check, before hours of generating images, that the network can be built and the batch be divided.

        Args:
            observer: is told what of the network's first weights is new, was resampled or left out.

        Raises:
            UsageError, ModelError: see `backbones.trainable.build` and `finetune.sampler.MicroBatchSampler`.
        """
        build(self.network, observer)
        sampler_for(len(self.dataset.train), self.recipe, 0, self.accelerator)

    def run_all(
        self, jobs: Mapping[Augmentation, Sequence[Job]], images: GeneratedImages, observer: Observer
    ) -> list[Outcome]:
        """Train and test with every augmentation and seed.

        Args:
            jobs: of each augmentation, those of its generated images.

        Returns:
            The outcomes in the order of ``jobs``, seed by seed; empty in all processes but the main one.

        Raises:
            UsageError, OutputError, ModelError, ImageError: see `run`.
        """
        outcomes, epochs = [], self.recipe.epochs
        with observer.progress("epochs", len(jobs) * len(self.recipe.seeds) * epochs) as progress:
            for augmentation, seed in product(jobs, self.recipe.seeds):
                progress.describe(f"{augmentation.label}, seed {seed}")
                on_epoch = _EpochCounter(progress)
                outcomes.append(self.run(augmentation, seed, jobs[augmentation], images, on_epoch, observer))
                on_epoch(epochs)  # an earlier run may have ended the training
        return [outcome for outcome in outcomes if outcome]

    def run(
        self,
        augmentation: Augmentation,
        seed: int,
        jobs: Sequence[Job],
        images: GeneratedImages,
        on_epoch: Callable[[int, float], None] = lambda *_: None,
        observer: Observer | None = None,
    ) -> Outcome | None:
        """Train on the real images and those that are added, and test; None in all processes but the main one.

        Args:
            jobs: of the generated images that are added.
            images: has an image for each job.
            on_epoch: see `finetune.training.train`.
            observer: is told of files of an earlier run that are damaged, and so are not used.

        Raises:
            UsageError, OutputError, ModelError: see `finetune.training.train`.
            ImageError: an image is missing, broken or has changed; of a generated one the hint says what makes it
                again.
        """
        generated = self._generated(jobs, images)
        repeated = self.repeated if augmentation.name is AugmentationName.REPEAT else ()
        training_images = [*map(self._real, (*self.dataset.train, *repeated)), *generated]
        folder = self.folder / re.sub(r"[^\w.-]+", "-", f"{augmentation.label}-seed-{seed}")
        make_own_folder(self.folder)
        make_own_folder(folder)
        state = TrainingState(folder, self._what(augmentation, seed, training_images), observer)
        found = state.result(self.dataset.classes, len(self.dataset.test))
        if self.accelerator.is_main_process:
            state.clear(finished=found is not None)
        with images.explaining():
            classifier = None if found else self._trained(training_images, seed, state, on_epoch)
        if not self.accelerator.is_main_process:
            return None
        if classifier:
            found = measured(classifier, self.dataset.root, self.dataset.test)
            state.finish(classifier.network, found)
        assert found  # noqa: S101 - known, or measured just now
        added, rejected = len(training_images) - len(self.dataset.train), len(jobs) - len(generated)
        return Outcome(augmentation, seed, found.accuracy, added, rejected, found.predicted)

    def _trained(
        self,
        training_images: Sequence[TrainingImage],
        seed: int,
        state: TrainingState,
        on_epoch: Callable[[int, float], None],
    ) -> Backbone:
        seed_all(seed)
        network = build(self.network)
        bias = self._bias(training_images)
        spec = TrainingSpec(training_images, self.preprocess, self.crops, self.recipe, bias, seed, self.epoch_images)
        train(network, spec, self.accelerator, state, on_epoch)
        return Backbone(self.network.name, network.eval(), self.preprocess, self.dataset.classes)

    def _bias(self, training_images: Sequence[TrainingImage]) -> Any:
        """What Bal-BCE adds to the logits, from the class frequencies of the data set, or of all images; else None."""
        if self.recipe.loss != "bal-bce":
            return None
        real = len(self.dataset.train)
        counted = training_images if self.recipe.prior == "mixed" else training_images[:real]
        counts = sum((image.label for image in counted), start=np.zeros(len(self.dataset.classes)))
        return prior_logits(counts.tolist())

    def _real(self, source: Source) -> TrainingImage:
        return TrainingImage(self.dataset.root / source.path, source.sha256, self._hard[source.label])

    @cached_property
    def _hard(self) -> dict[str, NDArray[np.float32]]:
        """One label per class, shared by its images: a thousand shares per image would fill the memory."""
        classes = self.dataset.classes
        return dict(zip(classes, np.eye(len(classes), dtype=np.float32), strict=True))

    def _generated(self, jobs: Sequence[Job], images: GeneratedImages) -> list[TrainingImage]:
        found = []
        for job in jobs:
            image = images.find(job)
            if image and image.accepted:
                soft = image.label(job.target, self.dataset.classes, soft=True) if self.soft_labels else None
                label = self._hard[job.target] if soft is None else soft.astype(np.float32)
                found.append(TrainingImage(image.path, image.sha256, label))
        return found

    def _what(self, augmentation: Augmentation, seed: int, training_images: Sequence[TrainingImage]) -> dict[str, Any]:
        """Everything that decides what is learned."""
        return {
            **self.recipe.model_dump(mode="json", exclude=_NOT_LEARNED),
            **({"optimizer_steps": self.optimizer_steps(len(training_images))} if self.epoch_images else {}),
            "precision": str(self.accelerator.mixed_precision),
            "parts": self.recipe.gradient_accumulation_steps * self.accelerator.num_processes,
            "seed": seed,
            "augmentation": augmentation.label,
            "checkpoint": self._checkpoint,
            **({"pretrained": self._pretrained} if self.network.starts_from_timm else {}),
            "size": self.preprocess.size,
            "images": _sha256(image.sha256.encode() + image.label.tobytes() for image in training_images),
            "test": _sha256(f"{source.sha256} {source.label}".encode() for source in self.dataset.test),
        }

    def optimizer_steps(self, images: int) -> int:
        """Optimizer steps of a training on this many images, real and added."""
        sampler = sampler_for(images, self.recipe, 0, self.accelerator, self.epoch_images)
        return self.recipe.epochs * sampler.optimizer_steps

    @cached_property
    def _checkpoint(self) -> str:
        """The SHA-256 of the file of weights; empty without one."""
        if not self.network.checkpoint:
            return ""
        path = self.network.checkpoint
        with blaming(path, ModelError, "a checkpoint"):
            return sha256_of(path)

    @cached_property
    def _pretrained(self) -> str:
        """A hash of the weights that timm has under the network's name: it may have others there another day."""
        weights = pretrained.own_weights(self.network.name, Observer())
        return _sha256(key.encode() + tensor.float().numpy().tobytes() for key, tensor in sorted(weights.items()))


class _EpochCounter:
    """Advances a progress bar to the epoch that a training has reached, whichever it started from."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done = progress, 0

    def __call__(self, epoch: int, loss: float = 0) -> None:  # noqa: ARG002 - the signature of train's callback
        self._progress.advance(epoch - self._done)
        self._done = epoch


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
