"""A folder of training images becomes a confusion matrix, with words about what is left out, and a bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genie_cli.cli._console import progress, say_left_out
from genie_cli.confuse.confusion import Confusion
from genie_cli.generate.plan import list_sources
from genie_cli.jobs import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genie_cli.backbones.backbone import Backbone
    from genie_cli.confuse.cross_validation import Distinct


def from_folder(root: Path, backbone: str, checkpoint: Path | None, folds: int, device: str) -> Confusion:
    """Judge each image below ``root`` by a classifier that has not seen it; say what is left out.

    Raises:
        FolderError, UsageError: see `data.folders.scan` and `evaluate.confuse.require_folds`.
        UsageError, ModelError: see `backbones.load.load`.
        OutputError, ModelError: see `backbones.features.Features.of`.
    """
    return from_sources(root, list_sources(root), backbone, checkpoint, folds, device)


def from_sources(
    root: Path, listed: Sequence[Source], backbone: str, checkpoint: Path | None, folds: int, device: str
) -> Confusion:
    """As `from_folder`, for images that are listed already; their paths are relative to ``root``."""
    from genie_cli.backbones.load import load
    from genie_cli.confuse import cross_validation as judge
    from genie_cli.confuse.predictions import counted

    classes = {source.label for source in listed}
    found = judge.drop_duplicates(listed)
    _say_left_out(found)
    judge.require_folds(classes, [source.label for source in found.sources], folds)
    with Console(stderr=True).status("Loading the backbone ..."):  # silent unless stderr is a terminal
        network = load(backbone, checkpoint, device)
    seen = _see(root, found.sources, network)
    judged = [source for source in found.sources if source.sha256 in seen]
    labels = [source.label for source in judged]
    judge.require_folds(classes, labels, folds)
    with Console(stderr=True).status(f"Fitting {folds} classifiers ..."):
        predicted = judge.predict([seen[source.sha256] for source in judged], labels, folds)
    how = {
        "backbone": network.name,
        "classifier": judge.CLASSIFIER,
        "folds": folds,
        "seed": judge.SEED,
        "images": len(judged),
    }
    return counted(sorted(classes), labels, predicted, how)


def _see(root: Path, sources: Sequence[Source], network: Backbone) -> dict[str, NDArray[np.float32]]:
    """The features of the images that can be read; the others are said."""
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.confuse.cross_validation import see

    with progress() as bar:
        task = bar.add_task("images", total=len(sources))
        features = Features(network, default_folder())
        seen, broken = see(root, sources, network.preprocess, features, lambda done: bar.update(task, completed=done))
    say_left_out([str(error) for error in broken])
    return seen


def _say_left_out(found: Distinct) -> None:
    if found.copies:
        say_left_out([f"{found.copies} cop{'y' if found.copies == 1 else 'ies'} of other images of the class"])
    say_left_out(
        [f"one image in several classes: {', '.join(source.path for source in group)}" for group in found.contradictory]
    )
