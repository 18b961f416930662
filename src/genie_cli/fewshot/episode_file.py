"""The file of a list of episodes, as it is read: a header and a row per episode, each with a strict model.

Images are numbers here, indices into the header's list of hashes; `fewshot.episodes` finds them in a data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from genie_cli.config import MOST_EPISODES, MOST_PER_EPISODE
from genie_cli.errors import UsageError
from genie_cli.files.reading import blaming, first_problem, open_binary, read_bytes

KIND, SCHEMA = "genie.episodes", 1
_MAX_BYTES = 1 << 28  # 100,000 episodes of 5 ways and 16 images each take a quarter of it
_MAX_HEADER = 1 << 27  # a million images
_STRICT = ConfigDict(frozen=True, strict=True, extra="forbid")
_AGAIN = "copy it again, or draw the episodes again: leave out --episode-list"

_Size = Annotated[int, Field(ge=1, le=MOST_PER_EPISODE)]
_Numbers = Annotated[list[Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]], Field(min_length=2)]


class EpisodeSpec(BaseModel):
    """The size of an episode, and the seed that episodes are drawn with.

    Attributes:
        ways: number of classes.
        shots: support images per class.
        queries: query images per class; 0: all images of the test split, so that the accuracy is that on the test
            split.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    ways: Annotated[int, Field(ge=2, le=MOST_PER_EPISODE)] = 5
    shots: _Size = 1
    queries: Annotated[int, Field(ge=0, le=MOST_PER_EPISODE)] = 15
    seed: Annotated[int, Field(ge=0)] = 0


class Header(EpisodeSpec):
    """The first line.

    Attributes:
        episodes: number of rows that follow.
        images: SHA-256 of every image in the list, each once.
    """

    model_config = _STRICT

    kind: Literal["genie.episodes"]
    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA, le=SCHEMA)]
    dataset: str
    episodes: Annotated[int, Field(ge=0, le=MOST_EPISODES)]
    images: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]

    @property
    def spec(self) -> EpisodeSpec:
        return EpisodeSpec(ways=self.ways, shots=self.shots, queries=self.queries, seed=self.seed)


class Row(BaseModel):
    """An episode; ``support`` and ``query`` have the numbers of each class's images, in the order of ``classes``."""

    model_config = _STRICT

    episode: Annotated[int, Field(ge=0, le=1 << 40)]
    classes: list[str]
    support: _Numbers
    query: _Numbers


def read_header(path: Path) -> Header:
    """Read the first line of a list.

    Raises:
        UsageError: it is not the header of a list of episodes, or the file cannot be read.
    """
    with blaming(path, UsageError, "a list of episodes"), open_binary(path) as file:
        line = file.readline(_MAX_HEADER)
    return _header(path, line, "is not a list of episodes")


def read_file(path: Path) -> tuple[Header, list[Row]]:
    """Read a list, and check it against its header.

    Raises:
        UsageError: the file is not a list of episodes, or is not whole, or cannot be read.
    """
    with blaming(path, UsageError, "a list of episodes"):
        head, *lines = read_bytes(path, _MAX_BYTES).splitlines(keepends=True) or [b""]
    header = _header(path, head, "is not a whole list of episodes: its first line is no header")
    with _not_whole(path):
        if not (lines or [head])[-1].endswith(b"\n"):
            raise ValueError("its last line is incomplete")
        if len(lines) != header.episodes:
            raise ValueError(f"{len(lines)} of {header.episodes} episodes")
        if len(set(header.images)) != len(header.images):
            raise ValueError("its header lists an image twice")
        rows = [_row(number, line, header) for number, line in enumerate(lines, start=2)]
        if len({row.episode for row in rows}) != len(rows):
            raise ValueError("it has two episodes of one number")
    return header, rows


def _header(path: Path, line: bytes, otherwise: str) -> Header:
    try:
        content = _object(line)
    except ValueError:
        content = {}
    if content.get("kind") != KIND:
        raise UsageError(f"{path} {otherwise}")
    found = content.get("schema")
    if type(found) is not int or found != SCHEMA:
        raise UsageError(f"{path} was written by another genie (schema {found!r}, this one reads {SCHEMA})")
    with _not_whole(path):
        return Header.model_validate(content)


def _row(number: int, line: bytes, header: Header) -> Row:
    """The episode in a line; ValueError if it is none, or not of the size that the header says."""
    try:
        row = Row.model_validate(_object(line))
    except ValueError as error:
        raise ValueError(f"line {number}: {_first(error)}") from None
    images = list(chain(*row.support, *row.query))
    queries = [len(part) if header.queries else 0 for part in row.query]
    if not (
        len(set(row.classes)) == len(row.classes) == header.ways
        and [len(part) for part in row.support] == [header.shots] * header.ways
        and queries == [header.queries] * header.ways
        and max(images) < len(header.images)
    ):
        raise ValueError(f"line {number}: episode {row.episode} does not have the images that its header says")
    if len(set(images)) != len(images):
        raise ValueError(f"line {number}: episode {row.episode} has an image twice")
    return row


def _object(line: bytes) -> Mapping[str, Any]:
    content = from_json(line, allow_inf_nan=False)
    if not isinstance(content, dict):
        raise ValueError("it is not an object")
    return content


@contextmanager
def _not_whole(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UsageError(f"{path} is not a whole list of episodes: {_first(error)}", _AGAIN) from None


def _first(error: ValueError) -> str:
    """What is wrong, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    _, place, said = first_problem(error)
    return f"{'.'.join(map(str, place))}: {said}"
