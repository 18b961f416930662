"""Accuracies with known answers, and what a classifier is fitted to with every augmentation and protocol."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.classifiers import Classifier
from genie_cli.fewshot.episodes import EpisodeSpec, draw
from genie_cli.fewshot.evaluator import FewShotEvaluator
from genie_cli.fewshot.fitting import Fitter
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.support import SupportSets
from genie_cli.fewshot.views import Views
from tests.fewshot.colours import MeanColour
from tests.fewshot.numbered import one_prompt


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three classes, each of one colour and a little noise."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("colours")
    for channel, name in enumerate(("red", "green", "blue")):
        (root / name).mkdir()
        for number in range(8):
            pixels = rng.integers(0, 40, (8, 8, 3))
            pixels[..., channel] += 180
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    images = tuple(scan(root).sources)
    return Dataset(root, images, images)


def an_evaluator(dataset: Dataset, classifier: Classifier = Classifier.LR) -> FewShotEvaluator:
    preprocess = Preprocess(resize=8, size=8, mean=(0, 0, 0), std=(1, 1, 1))
    return FewShotEvaluator(
        draw(dataset, EpisodeSpec(ways=3, shots=3, queries=4), 4),
        SupportSets(Views(dataset.root, RandomAugment(preprocess)), EpisodeJobs(one_prompt, ""), GeneratedImages()),
        Features(Backbone("mean-colour", MeanColour(), preprocess), None),
        Fitter(classifier, 1),
    )


@pytest.mark.parametrize("classifier", list(Classifier))
@pytest.mark.parametrize(
    "name", [AugmentationName.NONE, AugmentationName.WEAK, AugmentationName.CUTMIX, AugmentationName.MIXUP]
)
def test_classes_that_features_tell_apart_are_all_found(
    colours: Dataset, classifier: Classifier, name: AugmentationName
) -> None:
    told = 0

    def on_episode() -> None:
        nonlocal told
        told += 1

    outcome = an_evaluator(colours, classifier).run(Augmentation(name), on_episode)
    assert outcome.accuracies.tolist() == [1.0] * 4
    assert (told, outcome.added, outcome.rejected) == (4, 0, 0)
