"""What is to be made: sources, jobs and plans.

A job's id and its noise are hashes of *what* is made, so they do not depend on order, batch, shard or path.
Independent of torch, files and folders.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def inside_root(path: str) -> str:
    """Return ``path`` if it is a plain relative path that stays below its root on any system; else ``ValueError``."""
    if _HARMLESS.fullmatch(path):
        return path
    windows = PureWindowsPath(path)  # takes both / and \ for a separator
    if not windows.parts or windows.anchor or ".." in windows.parts or "\0" in path:
        raise ValueError(f"the path {path!r} leaves its root")
    return path


# Nearly all paths; the others are parsed, which takes ten times as long.
_HARMLESS = re.compile(r"\w(?:[^\\:\0.]|\.(?!\.))*")

PURE_NOISE = 0.999  # above this noise ratio the source is not used
ADA_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)  # the noise ratios that GeNIe-Ada chooses from
ADAPTIVE_R = "adaptive"  # what stands for a noise ratio, if each image is to have its own

RelativePath = Annotated[str, AfterValidator(inside_root)]
Ratio = Annotated[float, Field(gt=0, le=1)]


class Method(StrEnum):
    """How an image is made (paper, section 4, "Baselines")."""

    GENIE = "genie"  # source of another class, target's prompt
    IMG2IMG = "img2img"  # source of the target's own class
    TXT2IMG = "txt2img"  # no source

    @property
    def uses_source(self) -> bool:
        return self is not Method.TXT2IMG

    def accepts(self, source_label: str, target: str) -> bool:
        """Whether an image of class ``source_label`` may be a source for ``target``."""
        return (source_label == target) == (self is Method.IMG2IMG)

    @property
    def default_r(self) -> float:
        """The paper's noise ratio; for img2img that of Img2Img-L (Img2Img-H is 0.7)."""
        return {Method.GENIE: 0.8, Method.IMG2IMG: 0.3, Method.TXT2IMG: 1.0}[self]


class Source(BaseModel):
    """A real image: where it lies below the plan's source root, its content and its class."""

    model_config = ConfigDict(frozen=True, strict=True)

    path: RelativePath
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    label: str


class Job(BaseModel):
    """One image to make.

    Attributes:
        target: the class to make; the label of the new image.
        r: noise ratio, 0 < r <= 1 (paper, section 3); above 0.999 the source is not used.
        model: identity of the snapshot, ``name@revision`` or ``name@content hash``.
        replicate: 0 for the first image of this source, target and r, then 1, 2, ...
        seed: the run's seed.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    source: Source | None
    target: str = Field(min_length=1)
    prompt: str
    method: Annotated[Method, Field(strict=False)]
    r: Ratio
    model: str
    replicate: int = Field(default=0, ge=0)
    seed: int = 0

    @cached_property
    def id(self) -> str:
        """Twenty hexadecimal digits, the start of the SHA-256 of what is made."""
        return self._digest("id", self.r).hex()[:20]

    @cached_property
    def noise_seed(self) -> int:
        """Seed of the generator that draws this job's noise, 0 .. 2**63 - 1.

        It leaves out r: images that differ in nothing else share their noise, so that a sweep of r shows what r
        does and not what the noise did.
        """
        return int.from_bytes(self._digest("noise")[:8], "big") >> 1

    def _digest(self, purpose: str, *more: float) -> bytes:
        content = self.source.sha256 if self.source else None
        what = (purpose, content, self.target, self.prompt, self.method, self.model, self.replicate, self.seed, *more)
        return hashlib.sha256(json.dumps(what).encode()).digest()


@dataclass(frozen=True)
class Plan:
    """Jobs that can be iterated over any number of times and are never held in memory.

    Attributes:
        again: starts an iteration; gives the same jobs in the same order each time, and none twice.
    """

    again: Callable[[], Iterator[Job]]

    def __iter__(self) -> Iterator[Job]:
        return self.again()

    def only(self, wanted: Callable[[Job], bool]) -> Plan:
        """The plan of those jobs for which ``wanted`` is true; it is called anew in each iteration."""
        return Plan(lambda: filter(wanted, self))


def shard(jobs: Iterable[Job], index: int, count: int) -> Iterator[Job]:
    """The jobs of shard ``index`` (1 .. count): every job is in exactly one shard, whatever the plan's order."""
    return (job for job in jobs if int(job.id[:15], 16) % count == index - 1)
