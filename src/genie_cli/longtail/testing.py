"""What a trained classifier makes of the test images, and the outcome of one training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie_cli.backbones.backbone import Backbone
from genie_cli.data.images import read
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.finetune.state import Measured
from genie_cli.jobs import Source

_BATCH = 64  # test images


@dataclass(frozen=True)
class Outcome:
    """The results of one training.

    Attributes:
        accuracy: of each class on the test images, 0..1.
        added: number of images that were trained on besides the real ones: generated, or real ones repeated.
        rejected: number of generated images that were not used: rejected by the oracle, or not selected.
        predicted: see `finetune.state.Measured`.
    """

    augmentation: Augmentation
    seed: int
    accuracy: Mapping[str, float]
    added: int
    rejected: int
    predicted: Sequence[int] | None = None


def measured(classifier: Backbone, root: Path, test: Sequence[Source]) -> Measured:
    """The accuracy of a classifier on each class of ``test``, and what it predicts.

    Args:
        classifier: gives logits in the order of its ``classes``. The class with the largest is predicted, whatever the
            loss of the training added to them: at test time all classes count as equally likely.
        root: folder that the images' paths are relative to.

    Raises:
        ImageError: an image is missing, broken or has changed.
    """
    import torch

    predicted: list[str] = []
    for start in range(0, len(test), _BATCH):
        batch = test[start : start + _BATCH]
        seen = classifier.preprocess
        views = torch.stack([seen.center_crop(read(root / s.path, s.sha256, seen.resize)) for s in batch])
        predicted += [classifier.classes[top] for top in classifier.run(views).argmax(axis=1)]
    right: dict[str, list[bool]] = {}
    for source, label in zip(test, predicted, strict=True):
        right.setdefault(source.label, []).append(label == source.label)
    place = {label: number for number, label in enumerate(sorted(classifier.classes))}
    accuracy = {label: float(np.mean(right[label])) for label in sorted(right)}
    return Measured(accuracy, tuple(place[label] for label in predicted))
