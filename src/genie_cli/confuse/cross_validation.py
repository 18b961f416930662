"""Which classes a linear classifier takes for which, measured on the training data themselves (paper, section 4.2).

Each image is judged once, by a classifier that has not seen it: stratified k-fold cross-validation over fixed
features. The result does not depend on names of files or on their order, only on what the images are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.data.images import read
from genie_cli.errors import FolderError, ImageError, UsageError, shorten
from genie_cli.jobs import Source

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from genie_cli.backbones.backbone import Preprocess
    from genie_cli.backbones.features import Features

CLASSIFIER = "logistic regression, C = 1.0, on L2-normalised, then standardised features"
SEED = 0  # of the folds


@dataclass(frozen=True)
class Distinct:
    """Images of which no two are alike.

    Attributes:
        sources: by the SHA-256 of the file; of files with one content the first by path.
        copies: files left out since another of their class has their content.
        contradictory: groups of files with one content in several classes, none of which is in ``sources``.
    """

    sources: tuple[Source, ...]
    copies: int
    contradictory: tuple[tuple[Source, ...], ...]


def drop_duplicates(sources: Iterable[Source]) -> Distinct:
    """Leave out copies, which would be judged by a classifier that has seen them, and images of two classes."""
    by_content: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        by_content.setdefault(source.sha256, []).append(source)
    groups = list(by_content.values())
    one_class = [group for group in groups if len({source.label for source in group}) == 1]
    contradictory = [tuple(group) for group in groups if len({source.label for source in group}) > 1]
    copies = sum(len(group) - 1 for group in one_class)
    return Distinct(tuple(group[0] for group in one_class), copies, tuple(contradictory))


def require_folds(classes: Iterable[str], labels: Iterable[str], folds: int) -> None:
    """Look whether each of ``classes`` has an image for each fold.

    Args:
        labels: the class of each image that can be used.

    Raises:
        FolderError: there is one class only, or a class with fewer than two images.
        UsageError: a class has fewer images than there are folds; the hint says how many folds would do.
    """
    number = Counter(labels)
    counts = {name: number[name] for name in sorted(set(classes))}
    if len(counts) < 2:
        raise FolderError(
            f"there is one class only, {', '.join(counts)}: it cannot be confused with another",
            "--src-dir takes a folder with a subfolder for each class",
        )
    if lone := {name: count for name, count in counts.items() if count < 2}:
        raise FolderError(
            f"too few images to be judged by a classifier that has seen another of the class: {_listed(lone)}",
            "add images to these classes, or move their folders out of --src-dir",
        )
    if few := {name: count for name, count in counts.items() if count < folds}:
        raise UsageError(
            f"too few images for {folds} folds: {_listed(few)}",
            f"each class needs as many images as there are folds: --folds {min(few.values())} works",
        )


def see(
    root: Path,
    sources: Sequence[Source],
    preprocess: Preprocess,
    features: Features,
    on_progress: Callable[[int], None] = lambda _: None,
) -> tuple[dict[str, NDArray[np.float32]], tuple[ImageError, ...]]:
    """The features of each image that can be read, under the SHA-256 of its file, and why the others cannot.

    Args:
        sources: below ``root``, no two of one content.
        sight: that of the backbone whose ``features`` they are.
        on_progress: told how many images are done.
    """
    broken: dict[str, ImageError] = {}

    def view(source: Source) -> torch.Tensor:
        try:
            return preprocess.center_crop(read(root / source.path, source.sha256))
        except ImageError as error:
            broken[source.sha256] = error
            raise

    while True:
        views = {source.sha256: partial(view, source) for source in sources if source.sha256 not in broken}
        done = 0

        def on_batch(images: int) -> None:
            nonlocal done
            done += images
            on_progress(done)

        # A broken image ends the round, and the next one goes without it: what was seen is kept by then.
        with suppress(ImageError):
            seen = features.of(views, on_batch)
            return seen, tuple(broken[source.sha256] for source in sources if source.sha256 in broken)


def predict(features: Sequence[NDArray[np.float32]], labels: Sequence[str], folds: int) -> list[str]:
    """What each image is taken for by a classifier that was fitted to the other folds.

    Args:
        features: N of (D,), of images in an order that does not depend on their names, such as `Distinct.sources`.
        labels: N class names, each at least ``folds`` times.
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
    deal = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    predicted = cross_val_predict(classifier, normalize(np.stack(features)), list(labels), cv=deal)
    return [str(name) for name in predicted]


def _listed(counts: dict[str, int]) -> str:
    """Classes with their numbers of images, the smallest first."""
    pairs = sorted(counts.items(), key=lambda pair: pair[1])
    return shorten([f"{name} ({count})" for name, count in pairs], 10)
