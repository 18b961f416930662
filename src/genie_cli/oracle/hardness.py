"""How hard images are, in quantiles of the images of one target.

Hardness is the similarity to the source, by which a verdict, too, tells hard negatives from easy ones. Many images
reach its highest value, 1; of images that are equally similar the harder one is that to which the oracle gives its
source's class a higher probability. Where similarity was not measured, that probability is all there is.

Independent of torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genie_cli.manifest import Row

Key = tuple[str, str]  # of a row: its job's id, and its file


def key(row: Row) -> Key:
    """What identifies an image of a manifest."""
    return row.job.id, row.file


def uses_similarity(rows: Iterable[Row]) -> bool:
    """Whether the similarity to the source is known of any of these images, so that it is their hardness."""
    return any(
        row.judgement and row.judgement.source_similarity is not None for row in map(_of_other_class, rows) if row
    )


def quantiles(rows: Sequence[Row], similarity: bool) -> dict[Key, float]:
    """For each image the share of its target's images that are less hard, and half of its own place: 0 < q < 1.

    The images of ranks 0 to n - 1 have (rank + 0.5) / n, so that bands that adjoin share no image and leave out none.

    Args:
        rows: images with a judgement.
        similarity: see `uses_similarity`; the two measures cannot be compared with each other.

    Returns:
        Those whose hardness is known. It is not known of images without a source, or with one of the target's own
        class, which are no hard negatives, however similar they are to it.
    """
    by_target: dict[str, list[tuple[tuple[float, float], Key]]] = {}
    for row in rows:
        if (hardness := _hardness(row, similarity)) is not None:
            by_target.setdefault(row.job.target, []).append((hardness, key(row)))
    found: dict[Key, float] = {}
    for images in by_target.values():
        for rank, (_, own) in enumerate(sorted(images)):
            found[own] = (rank + 0.5) / len(images)
    return found


def _hardness(row: Row, similarity: bool) -> tuple[float, float] | None:
    """What images are sorted by; None if it is not known."""
    if not _of_other_class(row) or (judgement := row.judgement) is None:
        return None
    first = judgement.source_similarity if similarity else judgement.source_probability
    return None if first is None else (first, judgement.source_probability or 0.0)


def _of_other_class(row: Row) -> Row | None:
    return row if row.job.source and row.job.source.label != row.job.target else None
