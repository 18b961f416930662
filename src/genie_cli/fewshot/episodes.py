"""Episodes: small classification tasks drawn from a data set (paper, sections 4.1 and 4.3).

An episode is a function of the images' contents, the spec and its own number. So a longer list begins with the
shorter one, and neither paths nor the order of files matter. Support and query sets share no image, nor two files with
the same content. (In the authors' code they overlap.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie_cli.data.dataset import Dataset
from genie_cli.errors import FolderError, UsageError
from genie_cli.fewshot.episode_file import KIND, SCHEMA, EpisodeSpec, Header, Row, read_file, read_header
from genie_cli.files.reading import is_open_pipe
from genie_cli.jobs import Source

__all__ = [
    "Episode",
    "EpisodeList",
    "EpisodeSpec",
    "draw",
    "draw_lists",
    "read",
    "read_lists",
    "require_list",
    "write",
]


@dataclass(frozen=True)
class Episode:
    """One classification task; ``support`` and ``query`` have the images of each class, in the order of ``classes``."""

    number: int
    classes: tuple[str, ...]
    support: tuple[tuple[Source, ...], ...]
    query: tuple[tuple[Source, ...], ...]

    def labelled_support(self) -> Iterator[tuple[int, Source]]:
        """The support images, each with the index of its class."""
        for number, sources in enumerate(self.support):
            for source in sources:
                yield number, source


@dataclass(frozen=True)
class EpisodeList:
    """Episodes of one spec.

    Attributes:
        text: the list as a file has it; see `write`.
        sha256: of the text; results name the list by it.
    """

    spec: EpisodeSpec
    episodes: tuple[Episode, ...]
    text: str
    sha256: str

    @classmethod
    def of(cls, spec: EpisodeSpec, episodes: Sequence[Episode], dataset: str) -> EpisodeList:
        """A list of episodes of the data set with that name."""
        return cls(spec, tuple(episodes), *write(episodes, spec, dataset))

    @property
    def file_name(self) -> str:
        """The name of its file in a folder of results."""
        return f"episodes-{self.spec.ways}-way-{self.spec.shots}-shot.jsonl"


def draw(dataset: Dataset, spec: EpisodeSpec, count: int) -> list[Episode]:
    """Draw episodes number 0 .. count - 1: support from the training images, queries from the test images.

    Raises:
        FolderError: there are too few classes, or too few images of a class.
    """
    classes = sorted(set(dataset.train_by_class) & set(dataset.test_by_class))
    if len(classes) < spec.ways:
        raise FolderError(
            f"{spec.ways}-way episodes need {spec.ways} classes; {dataset.root} has {len(classes)}",
            f"fewer: --ways {len(classes)}" if len(classes) > 1 else "",
        )
    for label in classes:
        _check(dataset, label, spec)
    return [_draw(dataset, classes, spec, number) for number in range(count)]


def _check(dataset: Dataset, label: str, spec: EpisodeSpec) -> None:
    support = {source.sha256 for source in dataset.train_by_class[label]}
    query = {source.sha256 for source in dataset.test_by_class[label]}
    left = len(query) - min(spec.shots, len(support & query))  # if all support images are query candidates, too
    if len(support) < spec.shots or left < max(spec.queries, 1):
        raise FolderError(
            f"class {label!r} has too few images: {len(support)} to draw {spec.shots} support images from, and "
            f"{left} others to draw {spec.queries or 'its'} query images from",
            "lower --shots or --queries, or give more images",
        )


def _draw(dataset: Dataset, classes: Sequence[str], spec: EpisodeSpec, number: int) -> Episode:
    rng = np.random.default_rng([spec.seed, spec.ways, spec.shots, spec.queries, number])
    chosen = tuple(classes[i] for i in rng.permutation(len(classes))[: spec.ways])
    support, query = [], []
    for label in chosen:
        shown = _sample(rng, dataset.train_by_class[label], spec.shots)
        support.append(shown)
        used = {source.sha256 for source in shown}
        candidates = [source for source in dataset.test_by_class[label] if source.sha256 not in used]
        query.append(_sample(rng, candidates, spec.queries or None))
    return Episode(number, chosen, tuple(support), tuple(query))


def _sample(rng: np.random.Generator, sources: Sequence[Source], count: int | None) -> tuple[Source, ...]:
    """``count`` of the sources (None: all) in random order; they are in the order of their hashes."""
    return tuple(sources[i] for i in rng.permutation(len(sources))[:count])


def write(episodes: Sequence[Episode], spec: EpisodeSpec, dataset: str) -> tuple[str, str]:
    """A list of episodes as JSON Lines, and the SHA-256 of the text.

    The header lists the SHA-256 of all images; the episodes refer to them by number. Paths are not written.

    Args:
        dataset: name of the data set.
    """
    images = sorted({s.sha256 for e in episodes for part in (*e.support, *e.query) for s in part})
    place = {digest: number for number, digest in enumerate(images)}

    def numbers(parts: Sequence[Sequence[Source]]) -> list[list[int]]:
        return [[place[source.sha256] for source in part] for part in parts]

    body = [
        {"episode": e.number, "classes": e.classes, "support": numbers(e.support), "query": numbers(e.query)}
        for e in episodes
    ]
    head = {"kind": KIND, "schema": SCHEMA, "dataset": dataset, **spec.model_dump(), "episodes": len(body)}
    lines = [json.dumps({**head, "images": images}), *(json.dumps(row, ensure_ascii=False) for row in body)]
    text = "\n".join(lines) + "\n"
    return text, hashlib.sha256(text.encode()).hexdigest()


def read(path: Path, dataset: Dataset) -> tuple[EpisodeSpec, list[Episode]]:
    """Read a list that `write` wrote; its images are found in ``dataset`` by their content.

    Raises:
        UsageError: the file is not a list of episodes, is incomplete, or belongs to another data set.
    """
    header, rows = read_file(path)
    images = _images_of(path, header, dataset)
    return header.spec, [_episode(path, row, images) for row in rows]


def require_list(path: Path) -> None:
    """Raise UsageError if ``path`` is not a list of episodes, by its header; neither images nor pipes are checked."""
    if not is_open_pipe(path):  # it can be read only once
        read_header(path)


def _images_of(path: Path, header: Header, dataset: Dataset) -> Sequence[Source]:
    """The images of a list in their order; UsageError if the data set lacks some."""
    known = dataset.by_content()
    if lost := [digest for digest in header.images if digest not in known]:
        raise UsageError(
            f"{len(lost)} of the {len(header.images)} images that {path} names by their SHA-256 are not in "
            f"{dataset.root}; the first is {lost[0]}",
            f"the list was drawn from the data set {header.dataset!r}: is this the same, and complete?",
        )
    return [known[digest] for digest in header.images]


def _episode(path: Path, row: Row, images: Sequence[Source]) -> Episode:
    """Raises UsageError for a row that gives an image another class than its own."""
    support, query = (tuple(tuple(images[i] for i in part) for part in parts) for parts in (row.support, row.query))
    for label, *parts in zip(row.classes, support, query, strict=True):
        if other := next((source for part in parts for source in part if source.label != label), None):
            raise UsageError(
                f"episode {row.episode} of {path} does not have the images that its header and classes say: "
                f"{other.path} is of {other.label!r}, and not of {label!r}",
                "was the list drawn from this data set?",
            )
    return Episode(row.episode, tuple(row.classes), support, query)


def draw_lists(dataset: Dataset, name: str, specs: Sequence[EpisodeSpec], count: int) -> tuple[EpisodeList, ...]:
    """Draw a list of ``count`` episodes for each spec from the data set called ``name``; FolderError as `draw`."""
    return tuple(EpisodeList.of(spec, draw(dataset, spec, count), name) for spec in specs)


def read_lists(paths: Sequence[Path], dataset: Dataset, name: str) -> tuple[EpisodeList, ...]:
    """Read lists of episodes of the data set called ``name``.

    Raises:
        UsageError: see `read`; two have the same ways and shots; or they differ in more than their shots, and so do not
            fit into one table.
    """
    found: dict[tuple[int, int], tuple[Path, EpisodeList]] = {}
    for path in dict.fromkeys(paths):
        spec, episodes = read(path, dataset)
        key = spec.ways, spec.shots
        if key in found:
            raise UsageError(f"{found[key][0]} and {path} are both {spec.ways}-way {spec.shots}-shot: run them apart")
        found[key] = path, EpisodeList.of(spec, episodes, name)
    lists = tuple(each for _, each in found.values())
    if len({(each.spec.ways, each.spec.queries, len(each.episodes)) for each in lists}) > 1:
        raise UsageError(
            "the lists differ in their ways, queries or number of episodes: they do not fit into one table",
            "run them apart, each with an --out of its own",
        )
    return lists
