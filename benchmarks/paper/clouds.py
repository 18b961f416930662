"""Where generated images lie in a backbone's features, between their source's class and their target's (Figure 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.paper.plan import PLAIN, folder
from genie_cli import manifest
from genie_cli.backbones.digits import classify
from genie_cli.backbones.features import Features, default_folder
from genie_cli.backbones.load import load
from genie_cli.data import catalog
from genie_cli.data.digits import CLASSES
from genie_cli.data.images import read
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.classifiers import normalised
from genie_cli.fewshot.views import View, Views
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

REAL = "real"
METHODS = ("img2img r=0.3", "img2img r=0.7", "img2img r=0.8", "txt2img", "genie r=0.8")  # of the figure
RATIOS = tuple(f"genie r={r:g}" for r in (0.5, 0.6, 0.7, 0.8, 0.9))


@dataclass(frozen=True)
class Cloud:
    """Images of one kind in the features of a backbone.

    Attributes:
        kind: `REAL`, or the method with its noise ratio.
        features: L2-normalized, shape (N, D).
        targets: the class of each image, (N,).
        sources: the class of each image's source, (N,); that of the image itself for real images; "" for Txt2Img.
    """

    kind: str
    features: NDArray[np.float32]
    targets: NDArray[np.str_]
    sources: NDArray[np.str_]


@dataclass(frozen=True)
class Place:
    """Where the images of one kind lie.

    Attributes:
        to_source, to_target: mean distance to the mean of the real images of the source's and of the target's class;
            where the source's class is the target's, as with Img2Img, or there is no source, it is the mean over all
            other classes.
        nearer_source: share of the images that lie nearer to the source's class than to the target's; in the same
            cases, nearer to any other class.
    """

    backbone: str
    kind: str
    images: int
    to_source: float
    to_target: float
    nearer_source: float


def kind_of(job: Job) -> str:
    """The method of a job with its noise ratio."""
    return "txt2img" if job.source is None else f"{job.method.value} r={job.r:g}"


def clouds(root: Path, pool: int, backbone: str) -> dict[str, Cloud]:
    """The real support images of a pool, and everything that was generated from them, by kind."""
    dataset = catalog.load("fewshot", PLAIN, pool=pool)
    features = Features(load(backbone), default_folder())
    views = Views(dataset.root, RandomAugment(features.backbone.preprocess))
    out = root / folder(PLAIN, pool)
    seen: dict[str, list[tuple[View, str, str]]] = {
        REAL: [(views.center_crop(source), source.label, source.label) for source in dataset.train]
    }
    for row, path in _made(out / "images"):
        view = views.generated(path, row.sha256)
        source = row.job.source.label if row.job.source else ""
        seen.setdefault(kind_of(row.job), []).append((view, row.job.target, source))
    known = features.of(dict(view for found in seen.values() for view, _, _ in found))
    return {kind: _cloud(kind, known, found) for kind, found in seen.items()}


def places(found: dict[str, Cloud], backbone: str, kinds: Sequence[str] = (*METHODS, *RATIOS)) -> Iterator[Place]:
    """Where each kind lies, among the means of the real images' classes."""
    real = found[REAL]
    classes = sorted(set(real.targets))
    means = np.stack([real.features[real.targets == label].mean(axis=0) for label in classes])
    for cloud in (found[kind] for kind in dict.fromkeys(kinds) if kind in found):
        distances = np.linalg.norm(cloud.features[:, None] - means[None], axis=2)
        target = np.array([classes.index(label) for label in cloud.targets])
        pairs = list(zip(cloud.targets, cloud.sources, strict=True))
        others = np.array([[_is_other(name, *pair) for name in classes] for pair in pairs])
        own = distances[np.arange(len(target)), target]
        away = np.where(others, distances, np.nan)
        yield Place(
            backbone=backbone,
            kind=cloud.kind,
            images=len(target),
            to_source=round(float(np.nanmean(away)), 4),
            to_target=round(float(own.mean()), 4),
            nearer_source=round(float((np.nanmin(away, axis=1) < own).mean()), 4),
        )


def _is_other(name: str, target: str, source: str) -> bool:
    """Whether a class counts as the source's: the source's own, or any but the target if that is none of its own."""
    return name == source if source not in ("", target) else name != target


def probabilities(root: Path, pool: int) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For GeNIe's images at each r: the oracle's probabilities of the source's and of the target's class, each (N,)."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    rows = [(row, path) for row, path in _made(root / folder(PLAIN, pool) / "images") if kind_of(row.job) in RATIOS]
    for start in range(0, len(rows), 500):
        batch = rows[start : start + 500]
        pixels = np.stack([np.asarray(read(path, row.sha256)) for row, path in batch])
        given = classify(torch.from_numpy(pixels).permute(0, 3, 1, 2)).numpy()
        for (row, _), each in zip(batch, given, strict=True):
            assert row.job.source
            source, target = found.setdefault(kind_of(row.job), ([], []))
            source.append(float(each[CLASSES.index(row.job.source.label)]))
            target.append(float(each[CLASSES.index(row.job.target)]))
    return {kind: (np.array(found[kind][0]), np.array(found[kind][1])) for kind in RATIOS if kind in found}


def _made(folder: Path) -> Iterator[tuple[Row, Path]]:
    with manifest.opened(str(folder), "genie.manifest") as document:
        yield from ((row, document.root / row.file) for row in document.rows() if row.status is Status.MADE)


def _cloud(kind: str, known: dict[str, NDArray[np.float32]], found: Sequence[tuple[View, str, str]]) -> Cloud:
    features = normalised(np.stack([known[key] for (key, _), _, _ in found]))
    targets, sources = (np.array([each[place] for each in found]) for place in (1, 2))
    return Cloud(kind, features, targets, sources)
