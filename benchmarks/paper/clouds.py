"""Where generated images lie in a backbone's features, between their source's class and their target's (Figure 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.paper.plan import PLAIN, folder
from genie_cli import manifest
from genie_cli.backbones.digits import classify
from genie_cli.backbones.features import Features, default_folder, normalised
from genie_cli.backbones.load import load
from genie_cli.data import catalog
from genie_cli.data.digits import CLASSES
from genie_cli.data.images import read
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.views import View, Views
from genie_cli.gallery.figures.clouds import Cloud
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

REAL = "real"
METHODS = ("img2img r=0.3", "img2img r=0.7", "img2img r=0.8", "txt2img", "genie r=0.8")  # of the figure
RATIOS = tuple(f"genie r={r:g}" for r in (0.5, 0.6, 0.7, 0.8, 0.9))


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
