"""What an image is good for (hard negative, easy, or mislabelled), and how similar it still is to its source.

A hard negative keeps its source's colors, layout and background (paper, section 1). Whether it does is measured
in the oracle's early features, which still represent these; a classifier's last layers are trained to discard them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from genie_cli.backbones.backbone import Backbone
from genie_cli.backbones.read_ahead import read_ahead
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.jobs import Job, Method, Source

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

KEPT = 0.9  # an image that owes nothing to its source reaches this by chance in one case out of ten
POOL = 200  # sources to compare with: enough to know the share to a few hundredths
_BATCH = 64
_GRID = 4  # features are averaged over a grid of 4 x 4, which keeps the rough layout


class Verdict(StrEnum):
    """In a row's ``oracle.verdict``."""

    HARD = "hard negative"  # shows its label, and keeps its source's look
    EASY = "easy (source lost)"  # shows its label, but nothing of the source is left
    MISLABELLED = "mislabelled"  # another class is the top one
    CORRECT = "correctly labelled"  # and whether it is hard cannot be measured

    @classmethod
    def of(cls, consistent: bool, similarity: float | None) -> Verdict:
        """From whether the label is the oracle's top class, and the similarity to the source, 0..1 or None."""
        if not consistent:
            return cls.MISLABELLED
        if similarity is None:
            return cls.CORRECT
        return cls.HARD if similarity >= KEPT else cls.EASY

    @classmethod
    def parse(cls, text: str) -> Verdict:
        """The verdict whose name is, or begins with, ``text``: "hard", "easy"; UsageError if there is none."""
        found = [verdict for verdict in cls if text and verdict.value.startswith(text)]
        if not found:
            known = [verdict.value for verdict in cls]
            near = did_you_mean(text, [name.partition(" ")[0] for name in known])
            raise UsageError(f"--verdict: {text!r} is not one of {' | '.join(known)}{near}", "see genie select --help")
        return found[0]


class SourceSimilarity:
    """How similar an image still is to its source: the share of other sources that are less similar to it, 0..1.

    Only sources that the job might have had instead are compared, so that an image that owes nothing to its own
    source has any share with the same probability, 0.5 on average; one that keeps its background has 1. Similarity
    is the cosine of early features, averaged over a grid, after subtracting the mean of all sources.

    Args:
        read: opens a source.
        sources: of all jobs, as far as they are there; at most `POOL` are compared with, those whose SHA-256 come
            first.

    Attributes:
        measured: whether there are enough sources, and the network gives access to its early features.
    """

    def __init__(self, backbone: Backbone, read: Callable[[Source], Image], sources: Iterable[Source]) -> None:
        import numpy as np

        self._backbone, self._read = backbone, read
        ranked = sorted(sources, key=lambda source: (source.sha256, source.label, source.path), reverse=True)
        self._there = {source.sha256: source for source in ranked}
        self._pool = [self._there[sha256] for sha256 in sorted(self._there)[:POOL]]
        # With two sources there is at most one other.
        self.measured = len(self._pool) > 2 and can_measure(backbone)
        self._comparable: dict[tuple[Method, str], NDArray[np.bool_]] = {}
        if self.measured:
            self._hashes = np.array([source.sha256 for source in self._pool])
            [pictures] = read_ahead([[partial(self._picture, source) for source in self._pool]])
            raw = self._raw(pictures)
            self._mean = raw.mean(axis=0)
            self._features = self._unit(raw)

    def readers(self, jobs: Sequence[Job]) -> list[Callable[[], torch.Tensor]]:
        """What reads the sources that images are compared with: each (3, S, S), uint8; or ImageError."""
        return [partial(self._picture, self._there[sha256]) for sha256 in self._own(jobs)]

    def of(self, jobs: Sequence[Job], images: torch.Tensor, sources: Sequence[torch.Tensor]) -> list[float | None]:
        """The similarity of images.

        None without a source, with one that is not there, or with fewer than two others to compare with.

        Args:
            jobs: of the images.
            images: (N, 3, S, S), uint8.
            sources: what `readers` return for these jobs.
        """
        own = self._own(jobs)
        if not own:
            return [None] * len(jobs)
        of_own = dict(zip(own, self._unit(self._raw(sources)), strict=True))
        found = self._unit(early_features(self._backbone, images))
        return [
            self._share(job, features, of_own[job.source.sha256]) if job.source and job.source.sha256 in own else None
            for job, features in zip(jobs, found, strict=True)
        ]

    def _own(self, jobs: Sequence[Job]) -> list[str]:
        """The hashes of the jobs' sources that images can be compared with, sorted."""
        named = {job.source.sha256 for job in jobs if job.source}
        return sorted(named & self._there.keys()) if self.measured else []

    def _share(self, job: Job, features: NDArray[np.float64], own: NDArray[np.float64]) -> float | None:
        others = self._others(job)
        if others.sum() < 2:
            return None
        return float((self._features @ features < own @ features)[others].mean())

    def _others(self, job: Job) -> NDArray[np.bool_]:
        """Which sources of the pool the job might have had instead of its own."""
        import numpy as np

        kind = (job.method, job.target)
        if kind not in self._comparable:
            self._comparable[kind] = np.array([job.method.accepts(each.label, job.target) for each in self._pool])
        own = job.source.sha256 if job.source else ""
        return cast("NDArray[np.bool_]", self._comparable[kind] & (self._hashes != own))

    def _picture(self, source: Source) -> torch.Tensor:
        return self._backbone.preprocess.center_crop(self._read(source))

    def _raw(self, pictures: Sequence[torch.Tensor]) -> NDArray[np.float64]:
        import numpy as np
        import torch

        batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
        return np.concatenate([early_features(self._backbone, torch.stack([*batch])) for batch in batches])

    def _unit(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        centred = raw - self._mean
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        return cast("NDArray[np.float64]", centred / np.maximum(lengths, 1e-12))


def can_measure(backbone: Backbone) -> bool:
    """Whether the network gives access to its early features."""
    from torch import nn

    return isinstance(backbone.network, nn.Sequential) or hasattr(backbone.network, "forward_intermediates")


def early_features(backbone: Backbone, images: torch.Tensor) -> NDArray[np.float64]:
    """Early features of images (N, 3, S, S), uint8, averaged over a grid of 4 x 4: (N, 16 C), float64.

    For an `nn.Sequential` those after the second ReLU, for timm's models those at a quarter of the depth.
    """
    import numpy as np
    import torch
    from torch.nn import functional

    with torch.inference_mode():
        features = _early(backbone.network, backbone.normalize(images)).float()
        pooled = functional.adaptive_avg_pool2d(features, _GRID).flatten(1)
    return cast("NDArray[np.float64]", pooled.cpu().numpy().astype(np.float64))


def _early(network: Any, inputs: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W)."""
    from torch import nn

    if not isinstance(network, nn.Sequential):
        depth = len(network.feature_info) // 4
        found: list[torch.Tensor] = network.forward_intermediates(
            inputs, indices=[depth], stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        return found[0]
    seen = 0
    for layer in network:
        inputs = layer(inputs)
        seen += isinstance(layer, nn.ReLU)
        if seen == 2:
            break
    return inputs
