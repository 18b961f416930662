"""Real and generated images as points in the features of a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import BUNDLED, LITE0
from genie_cli.data.images import read
from genie_cli.errors import ImageError, UsageError, shorten
from genie_cli.gallery.figures.choosing import evenly
from genie_cli.gallery.items import Contents
from genie_cli.jobs import Job, Source
from genie_cli.observer import Observer
from genie_cli.oracle.judge import oracle_for

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from genie_cli.backbones.features import Features

LIMIT = 2000  # images in a map
_REAL = LIMIT // 4  # of them real ones, at most
_READ = 64  # images that are asked for at a time
HOW = f"--backbone {LITE0}"


@dataclass(frozen=True)
class Point:
    """An image that may be shown in the map.

    Attributes:
        job: what it was made by; None for a real image.
        label: its class: the target, or that of the real image.
        sha256: of its content; features are cached under it.
    """

    path: Path
    sha256: str
    label: str
    job: Job | None = None

    @property
    def kind(self) -> tuple[str, float]:
        """The method and the noise ratio; ("", 0) for a real image."""
        return (self.job.method.value, self.job.r) if self.job else ("", 0.0)

    @property
    def source(self) -> str:
        """The class of its source; of a real image its own, without a source ""."""
        if self.job is None:
            return self.label
        return self.job.source.label if self.job.source else ""


@dataclass(frozen=True)
class Embedded:
    """Images with their features.

    Attributes:
        backbone: its name, without the hash of its weights.
        points: real images first.
        features: L2-normalized, shape (N, D), in the order of the points.
        real, made: how many different real images, and how many generated ones, the manifest has.
        unread: how many of those that were chosen could not be read.
    """

    backbone: str
    points: Sequence[Point]
    features: NDArray[np.float64]
    real: int
    made: int
    unread: int


def backbone_for(contents: Contents, backbone: str | None, checkpoint: Path | None) -> str | None:
    """The backbone that was asked for, or the bundled one for images of the bundled model; None: neither.

    Raises:
        UsageError: a checkpoint without a backbone.
    """
    if checkpoint and not backbone:
        raise UsageError("--checkpoint: used only with --backbone")
    is_bundled = oracle_for([item.row for item in contents.items]) == BUNDLED
    return backbone or (BUNDLED if is_bundled else None)


def candidates(contents: Contents) -> tuple[list[Point], list[Point]]:
    """All real images, the manifest's sources, each content once; and all generated ones."""
    sources: dict[str, tuple[Source, Path]] = {}
    made = []
    for item in contents.items:
        job = item.row.job
        if item.source and job.source:
            known = sources.get(job.source.sha256)
            if known is None or _order(job.source) < _order(known[0]):
                sources[job.source.sha256] = job.source, item.source
        if item.image and item.row.sha256:
            made.append(Point(item.image, item.row.sha256, job.target, job))
    return [Point(path, sha256, source.label) for sha256, (source, path) in sources.items()], made


def choose(real: Sequence[Point], made: Sequence[Point], limit: int = LIMIT) -> list[Point]:
    """At most ``limit`` images: real ones, the same number of each class, then generated ones, of each target, method
    and r. It is chosen by hashes, and such that images that differ only in r are chosen together.
    """
    shown = evenly(real, min(_REAL, limit // 4), lambda point: point.label, lambda point: point.sha256)
    return [*shown, *evenly(made, limit - len(shown), lambda point: (point.label, point.kind), _rank)]


def embed(
    contents: Contents, backbone: str, checkpoint: Path | None, device: str, observer: Observer
) -> Embedded | None:
    """Compute the features of up to `LIMIT` images; those that cannot be read are left out, which is told.

    Args:
        backbone, checkpoint, device: see `backbones.load.load`.

    Returns:
        None if fewer than three images are left: they are no map.

    Raises:
        UsageError, ModelError: see `backbones.load.load`.
    """
    import numpy as np

    from genie_cli.backbones.features import Features, default_folder
    from genie_cli.backbones.load import load

    real, made = candidates(contents)
    chosen = choose(real, made)
    if len(chosen) < 3:
        return None
    with observer.progress("Loading the backbone"):
        network = load(backbone, checkpoint, device, observer)
    known, unread = _features(Features(network, default_folder(observer), observer), chosen, observer)
    points = [point for point in chosen if point.sha256 in known]
    if len(points) < 3:
        return None
    raw = np.stack([known[point.sha256] for point in points]).astype(np.float64)
    unit = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
    return Embedded(network.name.partition("@")[0], points, unit, len(real), len(made), unread)


def _features(
    features: Features, chosen: Sequence[Point], observer: Observer
) -> tuple[dict[str, NDArray[np.float32]], int]:
    """The features by SHA-256, and how many images could not be read."""
    preprocess = features.backbone.preprocess

    def view(point: Point) -> torch.Tensor:
        return preprocess.center_crop(read(point.path, point.sha256, preprocess.resize))

    known: dict[str, NDArray[np.float32]] = {}
    problems: list[str] = []
    with observer.progress("images in the map", len(chosen)) as progress:
        for start in range(0, len(chosen), _READ):
            part = list(chosen[start : start + _READ])
            progress.advance(len(part))
            while part:  # until none of them is broken
                try:
                    known |= features.of({point.sha256: partial(view, point) for point in part})
                    break
                except ImageError as error:
                    problems.append(str(error))
                    part = _without(part, error)
    if problems:
        observer.left_out([f"the map is without {shorten(problems, 3, '; ')}"])
    return known, len(problems)


def _without(points: Sequence[Point], error: ImageError) -> list[Point]:
    """The points but for the one whose image the error is about."""
    left = [point for point in points if point.path != error.path]
    if len(left) == len(points):
        raise error
    return left


def _order(source: Source) -> tuple[str, str]:
    return source.label, source.path


def _rank(point: Point) -> tuple[int, str]:
    return (point.job.noise_seed, point.job.id) if point.job else (0, point.sha256)
