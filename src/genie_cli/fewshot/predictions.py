"""The file of predictions: what every query image was taken for with every augmentation.

    out/predictions-5-way-1-shot.jsonl      beside the list of episodes that it belongs to

With the list of episodes it has everything that differences and intervals are computed from. It is also what lets a
run that was stopped resume: an augmentation whose predictions are there, made of the same images, is not run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genie_cli.errors import OutputError
from genie_cli.evaluate import results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.fewshot.episodes import EpisodeList
from genie_cli.fewshot.evaluator import Outcome, accuracies, truth
from genie_cli.files.reading import read_text

_STRICT = ConfigDict(frozen=True, strict=True, extra="forbid")
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Header(BaseModel):
    model_config = _STRICT

    kind: Literal["genie.predictions"] = "genie.predictions"
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    episode_list: _Hash


class _Row(BaseModel):
    """One augmentation.

    Attributes:
        made_of: hash of everything that decides the predictions.
        chosen: number of images that were used of each noise ratio, as [r, number].
        predicted: for each episode the index of the class that each query image was taken for.
    """

    model_config = _STRICT

    augmentation: str
    made_of: _Hash
    added: Annotated[float, Field(ge=0)]
    rejected: Annotated[float, Field(ge=0, le=1)]
    chosen: list[tuple[float, int]]
    predicted: list[list[Annotated[int, Field(ge=0)]]]


@dataclass
class Predictions:
    """The predictions on one list of episodes, read from a folder of results and written there."""

    out: Path
    episodes: EpisodeList
    _rows: dict[str, _Row] = field(default_factory=dict)

    @classmethod
    def read(cls, out: Path, episodes: EpisodeList) -> Predictions:
        """What a folder has of these episodes; nothing if its file is of other episodes.

        Raises:
            OutputError: the file was not written by genie, or has been edited since.
        """
        name = file_name(episodes)
        results.require_own(out, {name: None})
        found = cls(out, episodes)
        if (out / name).exists():
            try:
                found._rows = _rows_of(read_text(out / name), episodes)
            except (OSError, ValueError) as error:
                reason = "it is damaged" if isinstance(error, ValidationError) else str(error)
                raise OutputError(f"{out / name} cannot be read: {reason}", "delete it, and run again") from None
        return found

    def find(self, augmentation: Augmentation, made_of: str) -> Outcome | None:
        """The outcome of an augmentation, if it was made of the same."""
        row = self._rows.get(augmentation.label)
        return self._outcome(row, augmentation) if row and row.made_of == made_of else None

    @property
    def labels(self) -> list[str]:
        """The labels of the augmentations that there are predictions of."""
        return list(self._rows)

    def predicted(self, label: str) -> list[NDArray[np.int64]] | None:
        """What the query images of each episode were taken for with an augmentation, whatever it was made of."""
        row = self._rows.get(label)
        return [np.array(each, dtype=np.int64) for each in row.predicted] if row else None

    def add(self, outcome: Outcome, made_of: str) -> None:
        """Keep an outcome, and write the file.

        Raises:
            OutputError: see `results.write`.
        """
        row = _Row(
            augmentation=outcome.augmentation.label,
            made_of=made_of,
            added=outcome.added,
            rejected=outcome.rejected,
            chosen=list(outcome.chosen.items()),
            predicted=[predicted.tolist() for predicted in outcome.predicted],
        )
        self._rows[row.augmentation] = row
        results.write(self.out, {file_name(self.episodes): self._text()})

    def _text(self) -> str:
        header = _Header(schema=1, episode_list=self.episodes.sha256)
        lines = [header.model_dump_json(by_alias=True), *(row.model_dump_json() for row in self._rows.values())]
        return "".join(f"{line}\n" for line in lines)

    def _outcome(self, row: _Row, augmentation: Augmentation) -> Outcome:
        predicted = [np.array(each, dtype=np.int64) for each in row.predicted]
        known = accuracies(self.episodes.episodes, predicted)
        return Outcome(augmentation, predicted, known, row.added, row.rejected, dict(row.chosen))


def file_name(episodes: EpisodeList) -> str:
    """The name of the file in a folder of results."""
    return episodes.file_name.replace("episodes-", "predictions-")


def hash_of(conditions: Mapping[str, Any], images: Iterable[Any]) -> str:
    """The SHA-256 of everything that decides predictions.

    Args:
        conditions: what all augmentations of a run have in common, and the augmentation.
        images: the generated images with everything that matters of them, in their order.
    """
    digest = hashlib.sha256(json.dumps(conditions, sort_keys=True, default=str).encode())
    for image in images:
        digest.update(json.dumps(image).encode())
    return digest.hexdigest()


def _rows_of(text: str, episodes: EpisodeList) -> dict[str, _Row]:
    head, *lines = text.splitlines() or [""]
    if _Header.model_validate_json(head).episode_list != episodes.sha256:
        return {}
    rows = [_Row.model_validate_json(line) for line in lines]
    for row in rows:
        _check(row, [len(truth(episode)) for episode in episodes.episodes])
    return {row.augmentation: row for row in rows}


def _check(row: _Row, queries: Sequence[int]) -> None:
    if [len(each) for each in row.predicted] != queries:
        raise ValueError(f"{row.augmentation} lacks predictions of some episodes")
