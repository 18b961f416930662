"""Selects the images of a manifest that meet conditions.

The images stay where they are; the manifest's rows gain one column, ``select``. Conditions are applied in a fixed
order, each to the images that are left. The result does not depend on the order of rows, nor on an earlier selection,
which it replaces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from genie_cli.data.listing import counted
from genie_cli.errors import UsageError, shorten
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from genie_cli.oracle.conditions import Band, Condition, Conditions, best_first
from genie_cli.oracle.hardness import Key, key, quantiles, uses_similarity
from genie_cli.oracle.manifests import ManifestImages
from genie_cli.oracle.near_duplicates import Near, NearDuplicates
from genie_cli.oracle.selected import Leak, Selected
from genie_cli.oracle.verdict import Verdict
from genie_cli.selection import Selection


def select(images: ManifestImages, conditions: Conditions, near: NearDuplicates | None, observer: Observer) -> Selected:
    """Mark each image of a manifest as selected, or as dropped with the first condition that it does not meet.

    Args:
        near: finds near-duplicates; None if no condition asks for them.
        observer: is told what is likely a mistake.

    Raises:
        UsageError, ManifestError: see `Conditions.require_met_by`.
        ImageError: an image is missing, has changed or is broken; only where features are needed.
    """
    conditions.require_met_by(images)
    if not conditions.given:
        observer.warning("no condition was given: nothing was filtered")
        return Selected(images, (), images.rows, {})
    sieve = Sieve(images.made)
    sieve.judge(conditions, observer)
    leaks = sieve.compare(conditions, near)
    sieve.count(conditions)
    _warn(images, sieve, conditions, observer)
    table = tuple(row.marked(sieve.selection(row)) if row.status is Status.MADE else row for row in images.rows)
    dropped = {own: condition for own, (condition, _) in sieve.dropped.items()}
    return Selected(images, conditions.given, table, dropped, leaks, near.threshold if near else None)


class Sieve:
    """Images of which fewer are left with each condition.

    Attributes:
        left: those that have met all conditions so far, the best first.
        dropped: for each of the others the condition, and in words what it has instead.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.left = sorted({key(row): row for row in rows}.values(), key=best_first)  # each once
        self.dropped: dict[Key, tuple[Condition, str]] = {}
        self._drop(Condition.ORACLE, lambda row: "rejected" if row.is_rejected else "")

    def selection(self, row: Row) -> Selection:
        """What is written into an image's row."""
        if (found := self.dropped.get(key(row))) is None:
            return Selection(selected=True)
        return Selection(selected=False, reason=f"{found[0]}: {found[1]}")

    def judge(self, conditions: Conditions, observer: Observer) -> None:
        """Apply what is said of each image by itself, and hardness."""
        if (ids := conditions.keep) is not None:
            self._drop(Condition.KEEP, lambda row: "" if row.job.id in ids else "not in the list")
        if wanted := {verdict.value for verdict in conditions.verdict}:
            self._drop(Condition.VERDICT, lambda row: "" if _verdict(row) in wanted else _verdict(row) or "not known")
        if (least := conditions.min_confidence) is not None:
            self._drop(Condition.MIN_CONFIDENCE, lambda row: _outside(_confidence(row), Band(least, 1)))
        if (band := conditions.source_similarity) is not None:
            self._drop(Condition.SOURCE_SIMILARITY, lambda row: _outside(_similarity(row), band))
        if conditions.hardness is not None:
            self._harden(conditions.hardness, observer)

    def _harden(self, band: Band, observer: Observer) -> None:
        similarity = uses_similarity(self.left)
        known = quantiles(self.left, similarity)
        if self.left and not known:
            raise UsageError(
                "--hardness is known of no image that is left: neither its similarity to a source of another class, "
                "nor the probability of that class",
                "genie oracle says why it does not measure them",
            )
        if known and not similarity:
            observer.found("hardness: the probability of the source's class, since source similarity is not known")
        if known and (rest := len(self.left) - len(known)):
            observer.warning(f"hardness is not known of {rest} of {len(self.left)} images, which are left out")

        def why(row: Row) -> str:
            if (quantile := known.get(key(row))) is None:
                return "not known"
            return "" if band.low <= quantile < band.high else f"quantile {quantile:.4g}"

        self._drop(Condition.HARDNESS, why)

    def compare(self, conditions: Conditions, near: NearDuplicates | None) -> tuple[Leak, ...]:
        """Drop near-duplicates, of held-out images first, so that the best of a group is not one of those."""
        leaks: list[Leak] = []
        if near and conditions.held_out and self.left:
            found = _found(self.left, near.of_held_out(self.left))
            leaks = [Leak(file, each.name, each.distance) for (_, file), each in found.items()]
            self._drop(Condition.HELD_OUT, lambda row: str(found.get(key(row), "")))
        if near and conditions.distinct and self.left:
            twins = _found(self.left, near.of_each_other(self.left))
            self._drop(Condition.DISTINCT, lambda row: str(twins.get(key(row), "")))
        return tuple(sorted(leaks, key=lambda leak: (leak.distance is None, leak.distance or 0, leak.file)))

    def count(self, conditions: Conditions) -> None:
        """Leave the best of each target."""
        if conditions.per_target is not None:
            self._keep_best(Condition.PER_TARGET, conditions.per_target)
        if conditions.balanced and self.left:
            self._keep_best(Condition.BALANCED, min(Counter(row.job.target for row in self.left).values()))

    def _keep_best(self, condition: Condition, number: int) -> None:
        seen: Counter[str] = Counter()
        kept: set[Key] = set()
        for row in self.left:
            if seen[row.job.target] < number:
                kept.add(key(row))
            seen[row.job.target] += 1
        self._drop(condition, lambda row: "" if key(row) in kept else f"not among the best {number}")

    def _drop(self, condition: Condition, why: Callable[[Row], str]) -> None:
        """Drop the images for which there is a reason."""
        reasons = {key(row): reason for row in self.left if (reason := why(row))}
        self.dropped |= {own: (condition, reason) for own, reason in reasons.items()}
        self.left = [row for row in self.left if key(row) not in reasons]


def _found(rows: Sequence[Row], found: Sequence[Near | None]) -> dict[Key, Near]:
    return {key(row): near for row, near in zip(rows, found, strict=True) if near}


def _warn(images: ManifestImages, sieve: Sieve, conditions: Conditions, observer: Observer) -> None:
    known = {row.job.id for row in images.made}
    if unknown := sorted((conditions.keep or frozenset()) - known):
        observer.warning(f"not among the images, and so not kept: {shorten(unknown)}")
    before = {key(row) for row in images.made if row.selection and not row.selection.selected}
    if again := sum(key(row) in before for row in sieve.left):
        observer.warning(
            f"selected again, though an earlier genie select left them out: {counted(again, 'image')}. A selection "
            "replaces the one before; to narrow that, give all conditions at once, or --drop in the first"
        )
    left = Counter(row.job.target for row in sieve.left)
    if lost := sorted({row.job.target for row in images.made} - set(left)):
        observer.warning(f"no image is left of {shorten(lost)}")
    wrong = sum(_verdict(row) == Verdict.MISLABELLED for row in sieve.left)
    if wrong and conditions.hardness:
        observer.warning(
            f"{wrong} of the {len(sieve.left)} selected images are mislabelled, which is no hardness: "
            "--verdict hard,easy leaves them out"
        )


def _verdict(row: Row) -> str:
    return row.judgement.verdict if row.judgement else ""


def _confidence(row: Row) -> float | None:
    return row.judgement.target_probability if row.judgement else None


def _similarity(row: Row) -> float | None:
    return row.judgement.source_similarity if row.judgement else None


def _outside(value: float | None, band: Band) -> str:
    """The value as a reason, if it is outside the band, whose ends belong to it, or not known."""
    if value is None:
        return "not known"
    return "" if band.low <= value <= band.high else f"{value:g}"
