"""From sources and targets to a plan: which sources each target class is made from.

Sources are indexed by class once, not once for each target, and jobs are never held. So the first job of a plan of
100,000 sources and 1,000 targets is there within seconds.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genie_cli.errors import UsageError
from genie_cli.jobs import Job, Method, Plan, Ratio, Source
from genie_cli.prompts import chosen_prompt, prompts_of

_Templates = Annotated[tuple[str, ...], Field(min_length=1)]
_BITS = 64  # of a SHA-256, in which sources are compared


class SourceIndex:
    """Sources by class and by content.

    Args:
        sources: in the order of the plan. Of two files with one content the first that suits a target is its source.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(dict.fromkeys(sources))
        self.by_label: dict[str, list[Source]] = {}
        self.by_content: dict[str, list[Source]] = {}
        for source in self.sources:
            self.by_label.setdefault(source.label, []).append(source)
            self.by_content.setdefault(source.sha256, []).append(source)

    @cached_property
    def place(self) -> dict[Source, int]:
        """Where each source stands in the plan."""
        return {source: number for number, source in enumerate(self.sources)}

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted(self.by_label))

    @cached_property
    def _contents(self) -> list[str]:
        """The contents by their hash, for `nearest`."""
        return sorted(self.by_content)

    @cached_property
    def _hashes(self) -> list[int]:
        return [_number(content) for content in self._contents]

    @cached_property
    def _exclusive(self) -> Counter[str]:
        """How many contents each class has that no other class has."""
        owners = ({source.label for source in group} for group in self.by_content.values())
        return Counter(next(iter(labels)) for labels in owners if len(labels) == 1)

    def contents_outside(self, label: str) -> int:
        """How many different images there are outside a class."""
        return len(self.by_content) - self._exclusive[label]

    def nearest_outside(self, label: str, key: int) -> Iterator[Source]:
        """Sources outside a class, each content once, by the distance of their hashes to ``key``."""
        for place in _by_distance(self._hashes, key):
            for source in self.by_content[self._contents[place]]:
                if source.label != label:
                    yield source
                    break


@dataclass(frozen=True)
class _Eligible:
    """The sources that a target may be made from: of some classes, or (None) of every class but its own."""

    target: str
    labels: tuple[str, ...] | None
    index: SourceIndex

    @cached_property
    def sources(self) -> dict[str, Source]:
        """By content, for a target with ``labels``; of one content the first in the plan."""
        found = [source for label in self.labels or () for source in self.index.by_label.get(label, ())]
        if len(self.index.by_content) < len(self.index.sources):
            found.sort(key=self.index.place.__getitem__, reverse=True)
        return {source.sha256: source for source in found}

    def __bool__(self) -> bool:
        if self.labels is None:
            return self.index.contents_outside(self.target) > 0
        return any(label in self.index.by_label for label in self.labels)

    def __len__(self) -> int:
        return len(self.sources) if self.labels is not None else self.index.contents_outside(self.target)

    def nearest(self, key: int) -> Iterator[Source]:
        """By the distance of their hashes to ``key``."""
        if self.labels is None:
            return self.index.nearest_outside(self.target, key)
        return iter(sorted(self.sources.values(), key=lambda source: _number(source.sha256) ^ key))

    def suits(self, label: str) -> bool:
        """Whether sources of this class are eligible."""
        return label != self.target if self.labels is None else label in self.labels

    def is_first(self, source: Source) -> bool:
        """Whether no other eligible source before this one has the same content."""
        twins = self.index.by_content[source.sha256]
        return len(twins) == 1 or next(twin for twin in twins if self.suits(twin.label)) == source


class Recipe(BaseModel):
    """How jobs are built from sources and targets.

    Attributes:
        r: noise ratios, 0 < r <= 1 (paper, section 3).
        prompt: template with ``{target}`` (paper, section 4: "A photo of a {target}"), or several, of which each job
            has one; see `prompts.chosen_prompt`.
        superclass, articles: see `prompts.prompts_of`. A plan of an earlier genie does not state ``articles``.
        words: from a target to its words in prompts; one that is missing is its own.
        prompts: from a target to templates of its own.
        per_target: images per target and r; 0 means one from every eligible source.
        model: identity of the model.
        sources_for: for a target, the only source classes that may be used (the most confused ones).
        chosen_by: identity of the backbone that chooses one of ``r`` for each image; empty: there is an image at each.
    """

    model_config = ConfigDict(frozen=True)

    targets: tuple[str, ...]
    method: Method = Method.GENIE
    r: tuple[Ratio, ...] = (0.8,)
    prompt: str | _Templates = "A photo of a {target}"
    superclass: str = ""
    articles: bool = False
    words: Mapping[str, str] = {}
    prompts: Mapping[str, _Templates] = {}
    per_target: int = Field(default=0, ge=0)
    seed: int = 0
    model: str
    sources_for: Mapping[str, Sequence[str]] = {}
    chosen_by: str = ""

    @property
    def templates(self) -> tuple[str, ...]:
        """The templates of all targets that have none of their own."""
        return (self.prompt,) if isinstance(self.prompt, str) else self.prompt

    def prompts_for(self, target: str) -> tuple[str, ...]:
        """The prompts for a class, of which each job has one."""
        templates = self.prompts.get(target, self.templates)
        return prompts_of(templates, self.words.get(target, target), self.superclass, articles=self.articles)

    def jobs(self, sources: Sequence[Source] | SourceIndex) -> Plan:
        """The plan, source by source so that each source is read and encoded once; no job twice.

        Raises:
            UsageError: a target has no eligible source, or txt2img was not told how many images to make.
        """
        index = sources if isinstance(sources, SourceIndex) else SourceIndex(sources)
        for target in self._targets:
            self.check(target, index)
        if not self.method.uses_source:
            return Plan(self._from_noise)
        if not self.per_target:
            return Plan(lambda: self._from_every_source(index))
        chosen = self._choose(index)
        return Plan(lambda: self._from_chosen(index, chosen))

    def check(self, target: str, sources: Sequence[Source] | SourceIndex) -> None:
        """Raise UsageError if ``target`` has no eligible source, or txt2img was not told how many images to make."""
        if not self.method.uses_source:
            if not self.per_target:
                raise UsageError("txt2img has no sources to count by", "say how many images: --per-target 20")
            return
        index = sources if isinstance(sources, SourceIndex) else SourceIndex(sources)
        if not self._eligible(target, index):
            whose = "its own class" if self.method is Method.IMG2IMG else "another class"
            only = self.sources_for.get(target)
            wanted = f"{whose}, and only {', '.join(only)} are to be used" if only else whose
            raise UsageError(
                f"no source for target {target!r}: {self.method.value} needs images of {wanted}",
                f"classes found: {', '.join(index.labels) or 'none'}",
            )

    def covers(self, other: Recipe) -> bool:
        """Whether this makes every job that the other makes, whatever the sources are."""
        alike = ("method", "seed", "model", "chosen_by")
        return (
            all(getattr(self, name) == getattr(other, name) for name in alike)
            and all({*self.prompts_for(name)} == {*other.prompts_for(name)} for name in other.targets)
            and {*self.targets} >= {*other.targets}
            and ({*self.r} == {*other.r} if self.chosen_by else {*self.r} >= {*other.r})
            and self.per_target >= other.per_target
            and bool(self.per_target) == bool(other.per_target)  # one of each source may be fewer, or more
            and all(self._draws_from(self.sources_for.get(name), other.sources_for.get(name)) for name in other.targets)
        )

    def _draws_from(self, own: Sequence[str] | None, others: Sequence[str] | None) -> bool:
        """Whether these classes, or (None) all, give every source that the others give."""
        if own is None or others is None:
            return own is others or (own is None and not self.per_target)
        return {*own} == {*others} or (not self.per_target and {*own} > {*others})

    @property
    def _targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.targets))

    def _eligible(self, target: str, index: SourceIndex) -> _Eligible:
        only = self.sources_for.get(target)
        if self.method is Method.IMG2IMG:
            return _Eligible(target, (target,) if only is None or target in only else (), index)
        if only is None:
            return _Eligible(target, None, index)
        return _Eligible(target, tuple(label for label in dict.fromkeys(only) if label != target), index)

    def _from_noise(self) -> Iterator[Job]:
        for target in self._targets:
            yield from self._jobs(None, target, self.per_target)

    def _from_every_source(self, index: SourceIndex) -> Iterator[Job]:
        eligible = {target: self._eligible(target, index) for target in self._targets}
        targets_of = {label: [its for its in eligible.values() if its.suits(label)] for label in index.by_label}
        for source in index.sources:
            for its in targets_of[source.label]:
                if its.is_first(source):
                    yield from self._jobs(source, its.target, 1)

    def _from_chosen(self, index: SourceIndex, chosen: Mapping[Source, Sequence[tuple[str, int]]]) -> Iterator[Job]:
        for source in index.sources:
            for target, count in chosen.get(source, ()):
                yield from self._jobs(source, target, count)

    def _choose(self, index: SourceIndex) -> dict[Source, list[tuple[str, int]]]:
        """For each source its targets and how many images of each: the nearest sources once, then again."""
        chosen: dict[Source, list[tuple[str, int]]] = {}
        for target in self._targets:
            eligible = self._eligible(target, index)
            turns, rest = divmod(self.per_target, len(eligible))
            for place, source in enumerate(eligible.nearest(_key(target, self.seed))):
                count = turns + (place < rest)
                if not count:
                    break
                chosen.setdefault(source, []).append((target, count))
        return chosen

    def _jobs(self, source: Source | None, target: str, count: int) -> Iterator[Job]:
        prompts, content = self.prompts_for(target), source.sha256 if source else None
        for replicate in range(count):
            prompt = chosen_prompt(prompts, content, target, replicate, self.seed)
            for r in sorted(set(self.r)):
                yield Job(
                    source=source,
                    target=target,
                    prompt=prompt,
                    method=self.method,
                    r=r,
                    model=self.model,
                    replicate=replicate,
                    seed=self.seed,
                )


def _key(target: str, seed: int) -> int:
    """Where among the hashes of all images a target starts to look for its sources.

    A source is near or far by its own content alone, so that adding another moves no other source.
    """
    return _number(hashlib.sha256(json.dumps((target, seed)).encode()).hexdigest())


def _number(digest: str) -> int:
    return int(digest[: _BITS // 4], 16)


def _by_distance(hashes: Sequence[int], key: int) -> Iterator[int]:
    """Places in the sorted ``hashes``, by the exclusive or of the hash and ``key``, smallest first.

    Each range of hashes with a common beginning is cut in two at the next bit. The half that agrees with the key in
    this bit is nearer as a whole, so the nearest few are found without looking at the others.
    """
    waiting = [(0, len(hashes), _BITS - 1)]
    while waiting:
        low, high, bit = waiting.pop()
        if high - low < 2 or bit < 0:
            yield from range(low, high)
            continue
        middle = bisect_left(hashes, (hashes[low] >> bit | 1) << bit, low, high)
        halves = [(low, middle, bit - 1), (middle, high, bit - 1)]
        waiting += halves if key >> bit & 1 else halves[::-1]
