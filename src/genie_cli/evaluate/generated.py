"""Finds generated images in manifests by what they show, not by where they lie or who made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genie_cli.errors import ManifestError, UsageError, shorten
from genie_cli.jobs import Job
from genie_cli.manifest import Document, Row, Status
from genie_cli.oracle.manifests import accepted

_Key = tuple[str | None, str, str, float, int]


@dataclass(frozen=True)
class Generated:
    """A generated image.

    Attributes:
        accepted: False if the oracle's conditions rejected it.
        soft_label: the oracle's distribution over classes, if it was asked for; else None.
    """

    path: Path
    sha256: str
    accepted: bool = True
    soft_label: Mapping[str, float] | None = None

    def label(self, target: str, classes: Sequence[str], *, soft: bool) -> NDArray[np.float64]:
        """What the image counts for, (C,), a share of each class, sums to 1: its target, or the oracle's distribution.

        An image that the oracle takes for none of ``classes`` says nothing about them, and stays its target's.

        Raises:
            UsageError: no oracle was asked for a distribution.
        """
        hard = np.array([name == target for name in classes], dtype=np.float64)
        if not soft:
            return hard
        if self.soft_label is None:
            raise UsageError(f"{self.path} has no soft label", "add them: genie oracle MANIFEST --soft-labels")
        shares = np.array([self.soft_label.get(name, 0.0) for name in classes])
        return np.asarray(shares / shares.sum()) if shares.sum() > 0 else hard


class Images:
    """The images of one or more manifests.

    A job's prompt, model and seed do not matter: an evaluator asks for the image of a source, a target, a method, a
    ratio and a replicate, and takes whatever model's images the manifests hold.
    """

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[Row, Path]] = {}

    def add(self, document: Document, folder: Path) -> None:
        """Take in a manifest.

        Args:
            folder: what its files are relative to if its header does not say; a relative root starts here too.

        Raises:
            UsageError: it holds another image of something than a manifest before, or another oracle's verdict.
            ManifestError: a line is not a row, or an image has no SHA-256.
        """
        root = folder / (document.header.root or "")
        for row in document.rows():
            if row.status is Status.MADE:
                if not row.sha256:  # features are kept under it
                    raise ManifestError(document.name, 0, f"the row of {row.file} has no sha256")
                self._add(row, root)

    def _add(self, row: Row, root: Path) -> None:
        known, its_root = self._found.setdefault(_key(row.job), (row, root))
        if (known.job.id, known.sha256) != (row.job.id, row.sha256):
            raise UsageError(
                f"the manifests hold two images of {describe(row.job)}: {its_root / known.file} by {known.job.model}, "
                f"seed {known.job.seed}, and {root / row.file} by {row.job.model}, seed {row.job.seed}",
                "evaluate one model, prompt, seed and number of steps at a time",
            )
        if known.extra.get("oracle") != row.extra.get("oracle"):
            raise UsageError(
                f"the manifests hold two verdicts of the oracle on {describe(row.job)}, or one and none",
                "give the manifest that genie oracle wrote, and not the one it read",
            )

    def __len__(self) -> int:
        return len(self._found)

    def find(self, job: Job) -> Generated | None:
        """The image that ``job`` asks for, or None."""
        if _key(job) not in self._found:
            return None
        row, root = self._found[_key(job)]
        said = row.extra.get("oracle")
        soft = said.get("soft_label") if isinstance(said, dict) else None
        return Generated(root / row.file, row.sha256, accepted(row), soft if isinstance(soft, dict) else None)

    def require(self, jobs: Iterable[Job]) -> None:
        """Raise UsageError, which names them, if images that ``jobs`` ask for are not there."""
        lacking = {job.id: job for job in jobs if _key(job) not in self._found}
        if not lacking:
            return
        listed = shorten([describe(job) for job in lacking.values()], between="\n  ")
        raise UsageError(
            f"{len(lacking)} generated images that are needed are not in the manifests:\n  {listed}",
            "make them: the same command with --plan-out jobs.jsonl instead of --manifest says how; if genie oracle "
            "--drop left them out, leave out --drop: rejected images are then marked, and counted here",
        )


def _key(job: Job) -> _Key:
    return job.source.sha256 if job.source else None, job.target, job.method.value, job.r, job.replicate


def describe(job: Job) -> str:
    """A job in words: ``genie at r = 0.8, 'lynx' from cats/7.jpg``."""
    origin = f" from {job.source.path}" if job.source else ""
    return f"{job.method.value} at r = {job.r:g}, {job.target!r}{origin}, replicate {job.replicate}"
