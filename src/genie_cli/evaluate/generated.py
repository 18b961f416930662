"""Finds generated images in manifests by what they show, not by where they are or which model made them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.errors import ImageError, ManifestError, UsageError
from genie_cli.generate.command import command_for
from genie_cli.jobs import Job
from genie_cli.judgement import COLUMN
from genie_cli.manifest import Document, Row, Status
from genie_cli.selection import SELECTED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 5  # images that an error names
_MAKE_THEM = (
    "make them: the same command with --plan-out jobs.jsonl instead of --manifest says how; if genie oracle or genie "
    "select left them out by --drop, leave out --drop: these images are then marked, and counted here"
)
_Key = tuple[str | None, str, str, float, int]


@dataclass(frozen=True)
class GeneratedImage:
    """A generated image.

    Attributes:
        accepted: False if the oracle rejected it, or it was not selected.
        soft_label: the oracle's probability of each class, if the manifest has them; else None.
    """

    path: Path
    sha256: str
    accepted: bool = True
    soft_label: Mapping[str, float] | None = None

    def label(self, target: str, classes: Sequence[str], *, soft: bool) -> NDArray[np.float64]:
        """The training label: shape (C,), a share for each of ``classes``, which sum to 1.

        Args:
            target: the class that the image was made for; a hard label is one-hot there.
            soft: use the oracle's probabilities, restricted to ``classes`` and renormalized. If it gives all of them
                zero, the label is the hard one.

        Raises:
            UsageError: ``soft``, and the manifest has no probabilities for this image.
        """
        import numpy as np

        hard = np.array([name == target for name in classes], dtype=np.float64)
        if not soft:
            return hard
        if self.soft_label is None:
            raise UsageError(f"{self.path} has no soft label", "add them: genie oracle MANIFEST --soft-labels")
        shares = np.array([self.soft_label.get(name, 0.0) for name in classes])
        return np.asarray(shares / shares.sum()) if shares.sum() > 0 else hard


class GeneratedImages:
    """The images of one or more manifests.

    Prompt, model and seed of a job are not compared: an evaluator asks for the image of a source, target, method,
    noise ratio and replicate, and uses the images of whichever model the manifests hold.

    Args:
        if_missing: what to do about an image that is not in the manifests.
        probes: the images are probes (`genie generate --probe`), by which GeNIe-Ada chooses a noise ratio. These and
            whole images never get into one collection, since a probe has the job of a whole image.
    """

    def __init__(self, if_missing: str = "", *, probes: bool = False) -> None:
        self._probes = probes
        self._if_missing = if_missing or _MAKE_THEM
        self._found: dict[_Key, tuple[Row, Path]] = {}
        self._images: dict[_Key, GeneratedImage] = {}  # those of `_found` that were asked for
        self._commands: dict[Path, str] = {}  # by folder: what makes its images again
        self._steps: set[int | None] = set()

    def add(self, document: Document) -> None:
        """Add the images of a manifest.

        Raises:
            UsageError: it has another image of something that was added before, or another judgement or selection of
                it; or it has probes where images are expected, or the other way round.
            ManifestError: a line is not a row, or an image has no SHA-256.
        """
        if not self._probes:
            document.require_images()
        elif not document.header.settings.probe:
            raise UsageError(f"{document.name} has no probes", "make them: genie generate --probe, into another --out")
        self._commands[document.root] = command_for(document)
        self._steps.add(document.header.settings.steps)
        for row in document.rows():
            if row.status is Status.MADE:
                if not row.sha256:  # features are cached under it
                    raise ManifestError(document.name, 0, f"the row of {row.file} has no sha256")
                self._add(row, document.root)

    def _add(self, row: Row, root: Path) -> None:
        known, its_root = self._found.setdefault(_key(row.job), (row, root))
        if (known.job.id, known.sha256) != (row.job.id, row.sha256):
            raise UsageError(
                f"the manifests have two images of {describe(row.job)}: {its_root / known.file} by {known.job.model}, "
                f"seed {known.job.seed}, and {root / row.file} by {row.job.model}, seed {row.job.seed}",
                "evaluate one model, prompt, seed and number of steps at a time",
            )
        for column, said, command in (
            (COLUMN, "verdicts of the oracle on", "genie oracle"),
            (SELECTED, "selections of", "genie select"),
        ):
            if known.extra.get(column) != row.extra.get(column):
                raise UsageError(
                    f"the manifests have two {said} {describe(row.job)}, or one and none",
                    f"give the manifest that {command} wrote, and not the one that it read",
                )

    @property
    def steps(self) -> int | None:
        """The solver's steps that the images were made in; None if a manifest does not say, or two differ."""
        return next(iter(self._steps)) if len(self._steps) == 1 else None

    def __len__(self) -> int:
        return len(self._found)

    def find(self, job: Job) -> GeneratedImage | None:
        """The image that ``job`` asks for, or None."""
        key = _key(job)
        if key not in self._images and key in self._found:
            row, root = self._found[key]
            self._images[key] = GeneratedImage(root / row.file, row.sha256, row.is_accepted, _soft_label(row))
        return self._images.get(key)

    def identities(self, jobs: Iterable[Job]) -> Iterator[tuple[object, ...]]:
        """For each different job, in their order, everything of its image that a result depends on.

        Raises:
            UsageError: see `require`.
        """
        wanted = list(jobs)
        self.require(wanted)
        for key in dict.fromkeys(map(_key, wanted)):
            row, _ = self._found[key]
            yield (*key, row.sha256, row.is_accepted, _soft_label(row))

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Adds to the error of an image that has gone, or has changed, the command that makes it again."""
        try:
            yield
        except ImageError as error:
            folders = (root for row, root in self._found.values() if root / row.file == error.path)
            if (root := next(folders, None)) is None:
                raise
            first = "delete it, and make it again" if os.path.lexists(error.path) else "make it again"
            raise ImageError(error.path, error.reason, f"{first}: {self._commands[root]}") from None

    def require(self, jobs: Iterable[Job]) -> None:
        """Raise UsageError if images that ``jobs`` ask for are missing; the first few are named."""
        lacking = {job.id: job for job in jobs if _key(job) not in self._found}
        if not lacking:
            return
        few = [f"  {describe(job)}" for job in list(lacking.values())[:_SHOWN]]
        few += [f"  and {len(lacking) - _SHOWN} more"] if len(lacking) > _SHOWN else []
        raise UsageError(
            [f"{len(lacking)} generated images that are needed are not in the manifests:", *few],
            self._if_missing,
        )


def _soft_label(row: Row) -> Mapping[str, float] | None:
    return row.judgement.soft_label if row.judgement else None


def _key(job: Job) -> _Key:
    return job.source.sha256 if job.source else None, job.target, job.method.value, job.r, job.replicate


def describe(job: Job) -> str:
    """A job in words: ``genie at r = 0.8, 'lynx' from cats/7.jpg, replicate 0``."""
    origin = f" from {job.source.path}" if job.source else ""
    return f"{job.method.value} at r = {job.r:g}, {job.target!r}{origin}, replicate {job.replicate}"
