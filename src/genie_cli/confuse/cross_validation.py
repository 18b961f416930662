"""Which classes a linear classifier confuses, measured on the training data themselves (paper, section 4.2).

Each image is classified once, by a classifier that has not seen it: stratified k-fold cross-validation over fixed
features. The result depends on what the images are, not on the names of files or their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.confuse.confusion import Confusion
from genie_cli.confuse.folds import Folds
from genie_cli.data.images import read
from genie_cli.errors import ImageError
from genie_cli.jobs import Source
from genie_cli.observer import Observer, Progress

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from genie_cli.backbones.backbone import Preprocess
    from genie_cli.backbones.features import Features

CLASSIFIER = "logistic regression, C = 1.0, on L2-normalised, then standardised features"
SEED = 0  # of the folds


def from_folder(
    root: Path, backbone: str, checkpoint: Path | None, folds: int, device: str, observer: Observer
) -> Confusion:
    """Measure which classes are confused in a folder of training images, one subfolder per class.

    Args:
        backbone: name of the network that gives the features; see `backbones.load.load`.
        checkpoint: a file with its weights; None: its own.
        folds: each image is classified by a classifier fitted to the other folds; 2 or more. If a class has fewer
            images, there are as many folds as it has; an image that is the only one of its class is classified by a
            classifier that knows the other classes only.
        observer: is told what is left out, how many folds there are if fewer than asked for, and how far it is.

    Raises:
        FolderError: the folder has no class folders with images, or fewer than two classes with two images.
        UsageError: the backbone is not known; see `folds.Folds.of`, too.
        ModelError, OutputError: see `backbones.load.load` and `backbones.features.Features.of`.
    """
    from genie_cli.data.folder import list_sources

    return from_sources(root, list_sources(root, observer=observer), backbone, checkpoint, folds, device, observer)


def from_sources(
    root: Path,
    listed: Sequence[Source],
    backbone: str,
    checkpoint: Path | None,
    folds: int,
    device: str,
    observer: Observer,
) -> Confusion:
    """As `from_folder`, for images that are listed already; their paths are relative to ``root``."""
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.backbones.load import load
    from genie_cli.confuse.predictions import counted

    classes = {source.label for source in listed}
    found = drop_duplicates(listed)
    observer.left_out(list(found.reasons()))
    Folds.of(classes, [source.label for source in found.sources], folds)  # before a network is loaded
    with observer.progress("Loading the backbone"):
        network = load(backbone, checkpoint, device, observer)
    features = Features(network, default_folder(observer), observer)
    with observer.progress("images", len(found.sources)) as progress:
        seen, broken = see(root, found.sources, network.preprocess, features, progress)
    observer.left_out([str(error) for error in broken])
    judged = [source for source in found.sources if source.sha256 in seen]
    labels = [source.label for source in judged]
    chosen = Folds.of(classes, labels, folds)
    for message in chosen.messages():
        observer.found(message)
    with observer.progress(f"Fitting {chosen.count + bool(chosen.single)} classifiers"):
        predicted = predict([seen[source.sha256] for source in judged], labels, chosen.count)
    how: dict[str, object] = {
        "backbone": network.name,
        "classifier": CLASSIFIER,
        "folds": chosen.count,
        "seed": SEED,
        "images": len(judged),
    }
    if chosen.single:
        how["single"] = chosen.single
    return counted(sorted(classes), labels, predicted, how)


@dataclass(frozen=True)
class Distinct:
    """Images of which no two have the same content.

    Attributes:
        sources: by the SHA-256 of the file; of files with one content the first by path.
        copies: how many files were left out because another of their class has their content.
        contradictory: groups of files with one content in several classes, none of which is in ``sources``.
    """

    sources: tuple[Source, ...]
    copies: int
    contradictory: tuple[tuple[Source, ...], ...]

    def reasons(self) -> Iterable[str]:
        """What was left out, and why, one sentence each."""
        if self.copies:
            yield f"{self.copies} cop{'y' if self.copies == 1 else 'ies'} of other images of the class"
        for group in self.contradictory:
            yield f"one image in several classes: {', '.join(source.path for source in group)}"


def drop_duplicates(sources: Iterable[Source]) -> Distinct:
    """Leave out copies, which would be classified by a classifier that has seen them, and images of two classes."""
    by_content: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        by_content.setdefault(source.sha256, []).append(source)
    groups = list(by_content.values())
    one_class = [group for group in groups if len({source.label for source in group}) == 1]
    contradictory = [tuple(group) for group in groups if len({source.label for source in group}) > 1]
    copies = sum(len(group) - 1 for group in one_class)
    return Distinct(tuple(group[0] for group in one_class), copies, tuple(contradictory))


def see(
    root: Path,
    sources: Sequence[Source],
    preprocess: Preprocess,
    features: Features,
    progress: Progress | None = None,
) -> tuple[dict[str, NDArray[np.float32]], tuple[ImageError, ...]]:
    """The features of each image that can be read, by the SHA-256 of its file, and why the others cannot.

    Args:
        sources: below ``root``, no two with the same content.
        preprocess: how the backbone behind ``features`` takes its images.
    """
    progress = progress or Progress()
    broken: dict[str, ImageError] = {}
    done = 0

    def view(source: Source) -> torch.Tensor:
        try:
            return preprocess.center_crop(read(root / source.path, source.sha256, preprocess.resize))
        except ImageError as error:
            broken[source.sha256] = error
            raise

    while True:
        views = {source.sha256: partial(view, source) for source in sources if source.sha256 not in broken}
        counted = 0

        def on_batch(images: int) -> None:
            nonlocal counted, done
            counted += images
            progress.advance(max(0, counted - done))  # a round that starts again repeats what was counted
            done = max(done, counted)

        # A broken image ends the round, and the next round goes without it; features computed by then are kept.
        with suppress(ImageError):
            seen = features.of(views, on_batch)
            return seen, tuple(broken[source.sha256] for source in sources if source.sha256 in broken)


def predict(features: Sequence[NDArray[np.float32]], labels: Sequence[str], folds: int) -> list[str]:
    """The class that each image is predicted to have by a classifier that was not fitted to it.

    Args:
        features: N of (D,), of images in an order that does not depend on their names, such as `Distinct.sources`.
        labels: N class names, each at least ``folds`` times or once. Classifiers learn only those that are there more
            than once: their images are classified by cross-validation, the others by a classifier of all of these.
        folds: 2 or more.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler, normalize

    # Standardised, since features behind a ReLU point almost all one way: at unit length their differences are so
    # small that C = 1 would keep the classifier from using them.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    splits = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    inputs, given = normalize(np.stack(features)), np.array(labels)
    number = Counter(labels)
    learned = np.array([number[label] > 1 for label in labels])
    predicted = given.copy()
    predicted[learned] = cross_val_predict(classifier, inputs[learned], given[learned], cv=splits)
    if not learned.all():
        predicted[~learned] = classifier.fit(inputs[learned], given[learned]).predict(inputs[~learned])
    return [str(name) for name in predicted]
