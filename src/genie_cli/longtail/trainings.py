"""The trainings of a long-tailed benchmark: one for each augmentation and seed, each in a folder of its own.

A training that was stopped goes on after its last whole epoch, and one that has ended is not repeated. This module
does not know the engine or the command line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops
from genie_cli.data.longtail_sets import LongTailed
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.evaluate.generated import Images
from genie_cli.finetune.loss import prior_logits
from genie_cli.finetune.state import TrainingState
from genie_cli.finetune.training import TrainingSpec, train
from genie_cli.finetune.training_images import TrainingImage, seed_all
from genie_cli.jobs import Job, Source
from genie_cli.longtail.tail import accuracies

if TYPE_CHECKING:
    from accelerate import Accelerator

# These say which trainings there are and how they run, not what one of them learns.
_NOT_LEARNED = {"seeds", "edges", "per_class", "fill_to", "workers", "accumulate", "precision"}


@dataclass(frozen=True)
class Outcome:
    """What one training came to.

    Attributes:
        accuracy: of each class on the test images, 0..1.
        added, rejected: generated images that were trained on, and those left out since the oracle had rejected them.
    """

    augmentation: Augmentation
    seed: int
    accuracy: Mapping[str, float]
    added: int
    rejected: int


@dataclass(frozen=True)
class Trainings:
    """What all trainings of a benchmark share.

    Attributes:
        plan: the network that each starts with; random weights are drawn by the training's seed.
        accelerator: the device, or devices, and the precision; see `finetune.training.accelerator_for`.
        soft_labels: generated images count for what the oracle says of them.
        folder: has a folder for each training.
    """

    images: LongTailed
    recipe: LongTail
    plan: NetworkSpec
    preprocess: Preprocess
    crops: Crops
    accelerator: Accelerator
    soft_labels: bool
    folder: Path

    def run(
        self,
        augmentation: Augmentation,
        seed: int,
        jobs: Sequence[Job],
        found: Images,
        on_epoch: Callable[..., None] = lambda *_: None,
    ) -> Outcome | None:
        """Train with the real images and those of ``jobs``, and test; None in all processes but the first.

        Args:
            found: has an image for each job.
            on_epoch: see `finetune.training.train`.

        Raises:
            UsageError, OutputError, ModelError: see `finetune.training.train`.
            ImageError: an image is missing, broken or has changed.
        """
        generated = self._generated(jobs, found)
        pictures = [*map(self._real, self.images.train), *generated]
        folder = self.folder / re.sub(r"[^\w.-]+", "-", f"{augmentation.label}-seed-{seed}")
        folder.mkdir(parents=True, exist_ok=True)
        state = TrainingState(folder, self._what(augmentation, seed, pictures))
        accuracy = state.result()
        classifier = self._trained(pictures, seed, state, on_epoch) if accuracy is None else None
        if not self.accelerator.is_main_process:
            return None
        if classifier:
            accuracy = accuracies(classifier, self.images.root, self.images.test)
            state.finish(classifier.network, accuracy)
        assert accuracy is not None  # noqa: S101 - known, or measured just now
        return Outcome(augmentation, seed, accuracy, len(generated), len(jobs) - len(generated))

    def _trained(
        self, pictures: Sequence[TrainingImage], seed: int, state: TrainingState, on_epoch: Callable[..., None]
    ) -> Backbone:
        seed_all(seed)
        network = build(self.plan)
        spec = TrainingSpec(pictures, self.preprocess, self.crops, self.recipe, self._bias(pictures), seed)
        train(network, spec, self.accelerator, state, on_epoch)
        return Backbone(self.plan.name, network.eval(), self.preprocess, self.images.classes)

    def _bias(self, pictures: Sequence[TrainingImage]) -> Any:
        """What Bal-BCE adds to the logits: from the counts of real images, or of all."""
        if self.recipe.loss != "bal-bce":
            return None
        real = len(self.images.train)
        counted = pictures if self.recipe.prior == "mixed" else pictures[:real]
        counts = sum((picture.label for picture in counted), start=np.zeros(len(self.images.classes)))
        return prior_logits(counts.tolist())

    def _real(self, source: Source) -> TrainingImage:
        return TrainingImage(self.images.root / source.path, source.sha256, self._hard[source.label])

    @cached_property
    def _hard(self) -> dict[str, NDArray[np.float32]]:
        """A label for each class, shared by its images: a thousand shares an image would fill the memory."""
        return dict(zip(self.images.classes, np.eye(len(self.images.classes), dtype=np.float32), strict=True))

    def _generated(self, jobs: Sequence[Job], found: Images) -> list[TrainingImage]:
        pictures = []
        for job in jobs:
            image = found.find(job)
            if image and image.accepted:
                soft = image.label(job.target, self.images.classes, soft=True) if self.soft_labels else None
                label = self._hard[job.target] if soft is None else soft.astype(np.float32)
                pictures.append(TrainingImage(image.path, image.sha256, label))
        return pictures

    def _what(self, augmentation: Augmentation, seed: int, pictures: Sequence[TrainingImage]) -> dict[str, Any]:
        """Everything that decides what is learned."""
        return {
            **self.recipe.model_dump(mode="json", exclude=_NOT_LEARNED),
            "precision": str(self.accelerator.mixed_precision),
            "parts": self.recipe.accumulate * self.accelerator.num_processes,
            "seed": seed,
            "augmentation": augmentation.label,
            "checkpoint": self._checkpoint,
            "size": self.preprocess.size,
            "images": _sha256(picture.sha256.encode() + picture.label.tobytes() for picture in pictures),
            "test": _sha256(f"{source.sha256} {source.label}".encode() for source in self.images.test),
        }

    @cached_property
    def _checkpoint(self) -> str:
        """The SHA-256 of the weights to start from."""
        if not self.plan.checkpoint:
            return ""
        with self.plan.checkpoint.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
