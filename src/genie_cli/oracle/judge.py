"""What a classifier says of generated images: does each show its label, and is it a hard negative?

Paper, section 4.4 and Table 5. The images stay where they are; a manifest's rows gain one column, ``oracle``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING

from genie_cli.backbones.backbone import Backbone
from genie_cli.backbones.read_ahead import read_ahead
from genie_cli.config import BUNDLED
from genie_cli.errors import ModelError, UsageError, shorten
from genie_cli.files.reading import State
from genie_cli.judgement import Judgement
from genie_cli.manifest import Row
from genie_cli.observer import Observer, Progress
from genie_cli.oracle import class_map as class_maps
from genie_cli.oracle.candidates import CandidateClasses, Candidates
from genie_cli.oracle.class_map import ClassMap
from genie_cli.oracle.manifests import ManifestImages, read_images, tell_unfinished, write
from genie_cli.oracle.summary import Summary, summarize
from genie_cli.oracle.verdict import SourceSimilarity, Verdict, can_measure
from genie_cli.oracle.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

PAPERS_ORACLE = "deit_base_patch16_224.fb_in1k"
MIN_SHARE = 0.001  # a class with a lower probability is left out of soft labels
_BATCH = 64  # images in memory
_DECIMALS = 6  # fewer than a float32 of the network has right


@dataclass(frozen=True)
class AcceptanceRule:
    """How the oracle is asked, and which images are accepted.

    Attributes:
        candidates: which classes share the probability of 1.
        min_confidence: lowest accepted probability of the target, 0..1.
        consistent_only: whether the target must be the top class.
        soft_labels: whether the probabilities of all classes go into the row.

    Raises:
        UsageError: the lowest probability is none.
    """

    candidates: Candidates = Candidates.ALL
    min_confidence: float = 0.0
    consistent_only: bool = False
    soft_labels: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.min_confidence, int | float) or not 0 <= self.min_confidence <= 1:  # nor is NaN in it
            raise UsageError(f"min_confidence must be a number from 0 to 1, not {self.min_confidence!r}")


@dataclass(frozen=True)
class Judged:
    """A manifest with an oracle's judgement of each image.

    Attributes:
        images: the manifest that was judged.
        oracle: the classifier's identity.
        table: one row per job; those that were made have the column ``oracle``.
        summary: the judgements in a few numbers.
    """

    images: ManifestImages
    oracle: str
    table: tuple[Row, ...]
    summary: Summary

    def rows(self, accepted_only: bool = False) -> Iterable[Row]:
        """One row per job, or per accepted image."""
        return (row for row in self.table if not accepted_only or not row.is_rejected)

    def write(self, path: str | Path, accepted_only: bool = False, before: State | EllipsisType | None = ...) -> None:
        """Write the manifest with its new column, atomically; it may replace the one that was judged.

        Args:
            before: what `manifests.require_writable` found at ``path``; by default it is asked now.

        Raises:
            OutputError: there is another file, the manifest there has changed since, or the disk refuses.
        """
        write(self.images, self.rows(accepted_only), path, before)

    def __repr__(self) -> str:
        whole = self.summary.whole
        return (
            f"<Judged: {whole.images} images, {whole.consistent:.1%} consistent, {self.summary.accepted} accepted; "
            f"oracle {self.oracle}>"
        )


def prepare(
    manifest: str | Path,
    oracle: str | None,
    checkpoint: Path | None,
    device: str,
    class_map: Path | None,
    observer: Observer,
) -> tuple[ManifestImages, Backbone, ClassMap]:
    """The manifest's images, the classifier, and which of its classes the manifest's labels mean.

    Args:
        manifest: a manifest, the folder of a run, or ``"-"`` for standard input.
        oracle: the classifier's name; None: see `oracle_for`.
        class_map: a file that says which class a label means, where the names do not.

    Raises:
        ManifestError, UsageError, ModelError: see `judge`.
    """
    from genie_cli.backbones.load import load_classifier

    own = class_maps.read(class_map) if class_map else None
    images = read_images(manifest)
    tell_unfinished(images.root, observer)
    with observer.progress("Loading the oracle"):
        backbone = load_classifier(oracle or oracle_for(images.rows), checkpoint, device, observer)
    observer.found(f"oracle: {backbone.name}, {len(backbone.classes)} classes")
    jobs = [row.job for row in images.rows]
    labels = {job.target for job in jobs} | {job.source.label for job in jobs if job.source}
    return images, backbone, class_maps.resolve(labels, Vocabulary(backbone.classes), own)


def judge(
    images: ManifestImages, backbone: Backbone, classes: ClassMap, rule: AcceptanceRule, observer: Observer
) -> Judged:
    """Ask a classifier about every image of a manifest.

    Raises:
        UsageError: the classifier does not know a label, or has no choice.
        ImageError: an image or a source is missing or has changed.
        ModelError: the classifier's output is not finite.
    """
    oracle = Oracle(backbone, classes, images, rule)
    _tell_unknown(images, classes, oracle, observer)
    with observer.progress("images", len(images.made)) as progress:
        rows = oracle.annotate(progress)
    return Judged(images, backbone.name, tuple(rows), summarize(rows))


def oracle_for(rows: Sequence[Row]) -> str:
    """The default oracle: the bundled one for images of the bundled model, else the paper's."""
    names = {row.job.model.partition("@")[0] for row in rows}
    return BUNDLED if names == {BUNDLED} else PAPERS_ORACLE


def _tell_unknown(images: ManifestImages, classes: ClassMap, oracle: Oracle, observer: Observer) -> None:
    """Tell what will be missing in the columns, or not to be seen there, and why; once, not for each row."""
    sources = {row.job.source.label for row in images.rows if row.job.source}
    if unknown := sorted(sources - set(classes.known)):
        reasons = [f"{label!r}: {classes.unknown[label]}" for label in unknown]
        observer.warning(f"source classes without a probability: {shorten(reasons, between='; ')}")
    if left_out := sum(bool(row.selection and not row.selection.selected) for row in images.made):
        observer.warning(f"an earlier genie select left out {left_out} images, and they stay left out: select again")
    if oracle.unmeasured:
        observer.warning(f"source similarity is not measured: {oracle.unmeasured}")
    elif lost := oracle.lost:
        observer.warning(
            f"source similarity is not measured of {len(lost)} images: photos that they were made from are no longer "
            f"in {images.source_root}, such as {lost[0]}"
        )


class Oracle:
    """A classifier put to one manifest.

    Raises:
        UsageError: the classifier does not know a class that it must, or has no choice; see `CandidateClasses`.
        ImageError: a source is missing or has changed.
    """

    def __init__(self, backbone: Backbone, classes: ClassMap, images: ManifestImages, rule: AcceptanceRule) -> None:
        self._backbone, self._classes, self._images, self._rule = backbone, classes, images, rule
        self._candidates = CandidateClasses(rule.candidates, classes, [row.job for row in images.rows])
        self._there = images.sources_there()
        self._similarity = SourceSimilarity(
            backbone, partial(images.source, shorter=backbone.preprocess.resize), self._there.values()
        )

    @property
    def unmeasured(self) -> str:
        """Why source similarity cannot be measured; empty if it can, or there are no sources."""
        if not any(row.job.source for row in self._images.made) or self._similarity.measured:
            return ""
        if self._images.source_root is None:
            return f"the folder of the sources, {self._images.header.source_root}, is not there"
        if not can_measure(self._backbone):
            return "the oracle gives no access to its early features"
        if lost := self.lost:
            return f"photos that images were made from are no longer in {self._images.source_root}, such as {lost[0]}"
        return "there are fewer than three sources"

    @property
    def lost(self) -> list[str]:
        """Of each made image whose source is not there, the source's path; sorted."""
        sources = [row.job.source for row in self._images.made if row.job.source]
        return sorted(source.path for source in sources if source.sha256 not in self._there)

    def annotate(self, progress: Progress | None = None) -> list[Row]:
        """The manifest's rows in their order; those that were made with their judgement.

        Raises:
            ImageError: an image or a source is missing or has changed.
            ModelError: the classifier's output is not finite.
        """
        # In an order of the rows' own, so that a permuted manifest makes the same batches: sums of floating-point
        # numbers depend on the batch. By source, so that each is read for one batch or two.
        order = sorted(self._images.made, key=_rank)
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        said: dict[tuple[str, str], Judgement] = {}
        with closing(read_ahead([self._readers(batch) for batch in batches])) as read:
            for batch, pictures in zip(batches, read, strict=True):
                for row, judgement in zip(batch, self._judge(batch, pictures), strict=True):
                    said[row.job.id, row.file] = judgement
                if progress:
                    progress.advance(len(batch))
        return [row.judged(found) if (found := said.get((row.job.id, row.file))) else row for row in self._images.rows]

    def _readers(self, rows: Sequence[Row]) -> list[Callable[[], torch.Tensor]]:
        """What reads the rows' images, then the sources that they are compared with."""

        def read_image(row: Row) -> torch.Tensor:
            return self._backbone.preprocess.center_crop(self._images.image(row))

        images = [partial(read_image, row) for row in rows]
        return images + self._similarity.readers([row.job for row in rows])

    def _judge(self, rows: Sequence[Row], pictures: Sequence[torch.Tensor]) -> list[Judgement]:
        import numpy as np
        import torch

        images = torch.stack([*pictures[: len(rows)]])
        logits = self._backbone.run(images).astype(np.float64)
        if not np.isfinite(logits).all():
            raise ModelError(
                f"the output of the oracle {self._backbone.name} is not finite", "its weights may be damaged"
            )
        similarity = self._similarity.of([row.job for row in rows], images, pictures[len(rows) :])
        return [self._judgement(*one) for one in zip(rows, logits, similarity, strict=True)]

    def _judgement(self, row: Row, logits: NDArray[np.float64], similarity: float | None) -> Judgement:
        import numpy as np

        job, known = row.job, self._classes.known
        candidates = self._candidates.of(job)
        powers = np.exp(logits[candidates] - logits[candidates].max())
        shares: dict[int, float] = dict(zip(candidates, (powers / powers.sum()).tolist(), strict=True))
        target = known[job.target]
        top = max(shares, key=lambda index: shares[index])
        source = known.get(job.source.label) if job.source else None
        prefer = (job.target, job.source.label) if job.source else (job.target,)
        # A source of the target's own class (Img2Img) makes no hard negative, however similar the image is to it.
        hardness = similarity if job.source and job.source.label != job.target else None
        confident = _rounded(shares[target]) >= self._rule.min_confidence
        return Judgement(
            oracle=self._backbone.name,
            candidates=self._rule.candidates.value,
            target_probability=_rounded(shares[target]),
            source_probability=None if source is None or source not in shares else _rounded(shares[source]),
            top=self._classes.name(top, prefer),
            margin=_rounded(shares[target] - max(share for index, share in shares.items() if index != target)),
            consistent=top == target,
            verdict=Verdict.of(top == target, hardness).value,
            source_similarity=None if similarity is None else _rounded(similarity),
            accepted=confident and (top == target or not self._rule.consistent_only),
            soft_label=self._soft_label(shares, prefer) if self._rule.soft_labels else None,
        )

    def _soft_label(self, shares: dict[int, float], prefer: Sequence[str]) -> dict[str, float]:
        kept = {index: share for index, share in shares.items() if share >= MIN_SHARE}
        total = sum(kept.values())
        return {self._classes.name(index, prefer): _rounded(share / total) for index, share in kept.items()}


def _rank(row: Row) -> tuple[str, str, str]:
    return (row.job.source.sha256 if row.job.source else "", row.job.id, row.file)


def _rounded(value: float) -> float:
    return round(value, _DECIMALS) + 0.0  # no -0.0
