"""Episodes: small classification tasks drawn from a pool of images (paper, sections 4.1 and 4.3).

An episode is a function of the pool's content, the design and its own number, so that a longer list begins
with the shorter one, and no path or order of files matters. Support and query never share an image, nor two
files with the same content. (In the authors' code they overlap.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genie_cli.errors import FolderError, UsageError
from genie_cli.jobs import Source

_KIND, _SCHEMA = "genie.episodes", 1
_Count = Annotated[int, Field(ge=1)]


class EpisodeSpec(BaseModel):
    """What an episode looks like: ``ways`` classes, ``shots`` support and ``queries`` query images of each.

    With 0 queries all images of a class that may be queries are, as many as there are: where a data set has a test
    split, the accuracy is then that on the test split.
    """

    model_config = ConfigDict(frozen=True)

    ways: Annotated[int, Field(ge=2)] = 5
    shots: _Count = 1
    queries: Annotated[int, Field(ge=0)] = 15
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Pool:
    """Images that episodes are drawn from, by class.

    Attributes:
        root: the images' paths are relative to it.
        support, query: by class, as `by_class` gives them; the same images may be in both, and are then dealt out
            anew in each episode.
        names: what a prompt calls a class, where that is not the label itself.
        superclass: what all classes are a type of, for prompts; may be empty.
    """

    root: Path
    support: Mapping[str, Sequence[Source]]
    query: Mapping[str, Sequence[Source]]
    names: Mapping[str, str]
    superclass: str = ""

    def name_of(self, label: str) -> str:
        return self.names.get(label, label)

    def by_content(self) -> dict[str, Source]:
        """All images by SHA-256."""
        every = [*self.query.values(), *self.support.values()]
        return {source.sha256: source for sources in every for source in sorted(sources, key=lambda s: s.path)}


def by_class(sources: Sequence[Source]) -> dict[str, tuple[Source, ...]]:
    """Sources by class, each content once, in the order of their hashes."""
    unique = {source.sha256: source for source in sorted(sources, key=lambda s: (s.label, s.path), reverse=True)}
    found: dict[str, list[Source]] = {}
    for digest in sorted(unique):
        found.setdefault(unique[digest].label, []).append(unique[digest])
    return {label: tuple(found[label]) for label in sorted(found)}


@dataclass(frozen=True)
class Episode:
    """One task: per class, in the order of ``classes``, its support and its query images."""

    number: int
    classes: tuple[str, ...]
    support: tuple[tuple[Source, ...], ...]
    query: tuple[tuple[Source, ...], ...]


def draw(pool: Pool, spec: EpisodeSpec, count: int) -> list[Episode]:
    """Episodes number 0 .. count - 1.

    Raises:
        FolderError: the pool has too few classes, or a class too few images.
    """
    classes = sorted(set(pool.support) & set(pool.query))
    if len(classes) < spec.ways:
        raise FolderError(
            f"{spec.ways}-way episodes need {spec.ways} classes; {pool.root} has {len(classes)}",
            f"fewer: --ways {len(classes)}" if len(classes) > 1 else "",
        )
    for label in classes:
        _check(pool, label, spec)
    return [_draw(pool, classes, spec, number) for number in range(count)]


def _check(pool: Pool, label: str, spec: EpisodeSpec) -> None:
    support = {source.sha256 for source in pool.support[label]}
    query = {source.sha256 for source in pool.query[label]}
    left = len(query) - min(spec.shots, len(support & query))  # where all the support is taken from both
    if len(support) < spec.shots or left < max(spec.queries, 1):
        raise FolderError(
            f"class {label!r} has {len(support)} different images for {spec.shots} shots, and then {left} for "
            f"{spec.queries or 'its'} queries",
            "lower --shots or --queries, or give more images",
        )


def _draw(pool: Pool, classes: Sequence[str], spec: EpisodeSpec, number: int) -> Episode:
    rng = np.random.default_rng([spec.seed, spec.ways, spec.shots, spec.queries, number])
    chosen = tuple(classes[i] for i in rng.permutation(len(classes))[: spec.ways])
    support, query = [], []
    for label in chosen:
        shown = _take(rng, pool.support[label], spec.shots)
        support.append(shown)
        used = {source.sha256 for source in shown}
        query.append(_take(rng, [s for s in pool.query[label] if s.sha256 not in used], spec.queries or None))
    return Episode(number, chosen, tuple(support), tuple(query))


def _take(rng: np.random.Generator, sources: Sequence[Source], count: int | None) -> tuple[Source, ...]:
    """So many of the sources, or all, each content once, in a random order."""
    ranked = sorted({source.sha256: source for source in sources}.values(), key=lambda source: source.sha256)
    return tuple(ranked[i] for i in rng.permutation(len(ranked))[:count])


def write(episodes: Sequence[Episode], spec: EpisodeSpec, dataset: str) -> tuple[str, str]:
    """The list as JSON Lines and its SHA-256. Images stand for their content: the header lists their hashes."""
    images = sorted({s.sha256 for e in episodes for part in (*e.support, *e.query) for s in part})
    place = {digest: number for number, digest in enumerate(images)}

    def numbers(parts: Sequence[Sequence[Source]]) -> list[list[int]]:
        return [[place[source.sha256] for source in part] for part in parts]

    body = [
        {"episode": e.number, "classes": e.classes, "support": numbers(e.support), "query": numbers(e.query)}
        for e in episodes
    ]
    head = {"kind": _KIND, "schema": _SCHEMA, "dataset": dataset, **spec.model_dump(), "episodes": len(body)}
    lines = [json.dumps({**head, "images": images}), *(json.dumps(row, ensure_ascii=False) for row in body)]
    text = "\n".join(lines) + "\n"
    return text, hashlib.sha256(text.encode()).hexdigest()


def read(path: Path, pool: Pool) -> tuple[EpisodeSpec, list[Episode]]:
    """A list that `write` wrote, with its images found in ``pool`` by their content.

    Raises:
        UsageError: not an episode list, not a whole one, or of a data set that this pool is not.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            head, *rows = map(json.loads, stream)
        if head.get("kind") != _KIND:
            raise UsageError(f"{path} is not a list of episodes")
        if head["schema"] != _SCHEMA:
            raise UsageError(f"{path} was written by another genie (schema {head['schema']}, this one reads {_SCHEMA})")
        if len(rows) != head["episodes"]:
            raise ValueError(f"{len(rows)} of {head['episodes']} episodes")
        spec, known = EpisodeSpec.model_validate(head), pool.by_content()
        if lost := [digest for digest in head["images"] if digest not in known]:
            raise UsageError(
                f"{len(lost)} of the {len(head['images'])} images that {path} names by their SHA-256 are not in "
                f"{pool.root}; the first is {lost[0]}",
                f"the list was drawn from the data set {head['dataset']!r}: is this the same, whole?",
            )
        images = dict(enumerate(known[digest] for digest in head["images"]))
        return spec, [_episode(row, images, spec) for row in rows]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is not a whole list of episodes: {error}") from None


def _episode(row: dict[str, Any], images: Mapping[int, Source], spec: EpisodeSpec) -> Episode:
    """Raises ValueError for a row that is no episode of ``spec``, or calls an image another class than the pool."""
    support, query = (tuple(tuple(images[i] for i in part) for part in row[name]) for name in ("support", "query"))
    parts = list(zip(row["classes"], support, query, strict=True))
    sizes = [(len(shown), len(asked) if spec.queries else min(len(asked), 1)) for _, shown, asked in parts]
    alike = all(source.label == label for label, shown, asked in parts for source in (*shown, *asked))
    if sizes != [(spec.shots, spec.queries or 1)] * spec.ways or not alike:
        raise ValueError(f"episode {row['episode']} does not have the images that its header and classes say")
    return Episode(row["episode"], tuple(row["classes"]), support, query)


def pairs(episode: Episode) -> Iterator[tuple[int, Source]]:
    """The support set as (class index, image)."""
    for number, sources in enumerate(episode.support):
        for source in sources:
            yield number, source
