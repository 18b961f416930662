"""Chooses a part of many images so that it does not depend on their order, and no group crowds out the others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from genie_cli.manifest import Row, Status

T = TypeVar("T")
Sweep = tuple[Row, ...]


def evenly(members: Iterable[T], limit: int, group: Callable[[T], Hashable], rank: Callable[[T], Any]) -> list[T]:
    """At most ``limit`` of the members, from each group the same number as far as it has so many, those of lowest rank.

    Args:
        limit: 1 or more. If there are more groups, the groups' first members of lowest rank are taken.
        rank: a total order, such as by a hash; it decides the order of the result, too.
    """
    groups: dict[Hashable, list[T]] = {}
    for member in sorted(members, key=rank):
        groups.setdefault(group(member), []).append(member)
    each = 1
    while each < limit and sum(min(each + 1, len(own)) for own in groups.values()) <= limit:
        each += 1
    return sorted((member for own in groups.values() for member in own[:each]), key=rank)[:limit]


def sweeps(rows: Iterable[Row]) -> list[Sweep]:
    """The images that differ only in r, where there are two or more: each sweep by ascending r, in a fixed order."""
    found: dict[int, dict[float, Row]] = {}
    for row in rows:
        if row.status is Status.MADE:
            found.setdefault(row.job.noise_seed, {})[row.job.r] = row
    return [tuple(own[r] for r in sorted(own)) for _, own in sorted(found.items()) if len(own) > 1]
