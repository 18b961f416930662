"""A folder of training images becomes a confusion matrix, with words about what is left out, and a bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from genie_cli.cli.console import words
from genie_cli.cli.planning import list_sources
from genie_cli.confusion import Confusion

if TYPE_CHECKING:
    from genie_cli.evaluate.confuse import Distinct

_SHOWN = 5


def from_folder(root: Path, backbone: str, checkpoint: Path | None, folds: int, device: str) -> Confusion:
    """Judge each image below ``root`` by a classifier that has not seen it; say what is left out.

    Raises:
        FolderError, UsageError: see `data.folders.scan` and `evaluate.confuse.require_folds`.
        UsageError, ModelError: see `backbones.load.load`.
        OutputError, ModelError: see `backbones.features.Features.of`.
    """
    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.backbones.load import load
    from genie_cli.evaluate import confuse as judge
    from genie_cli.evaluate.predictions import counted

    listed = list_sources(root)
    classes = {source.label for source in listed}
    found = judge.distinct(listed)
    _say_left_out(found)
    judge.require_folds(classes, [source.label for source in found.sources], folds)
    with Console(stderr=True).status("Loading the backbone ..."):  # silent unless stderr is a terminal
        network = load(backbone, checkpoint, device)
    with _progress() as bar:
        task = bar.add_task("images", total=len(found.sources))
        seen, broken = judge.see(
            root,
            found.sources,
            network.sight,
            Features(network, default_folder()),
            lambda done: bar.update(task, completed=done),
        )
    _say_some([f"left out: {error}" for error in broken])
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


def _progress() -> Progress:
    """A bar that is gone when all is done; nothing where stderr is no terminal."""
    console = words()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _say_left_out(found: Distinct) -> None:
    if found.copies:
        words().print(f"left out: {found.copies} cop{'y' if found.copies == 1 else 'ies'} of other images of the class")
    _say_some(
        [
            f"left out: one image in several classes: {', '.join(source.path for source in group)}"
            for group in found.contradictory
        ]
    )


def _say_some(lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        words().print(line, soft_wrap=True)
    if len(lines) > _SHOWN:
        words().print(f"left out: {len(lines) - _SHOWN} more")
