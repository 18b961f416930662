"""What a fleet and its workers say to each other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.fleet.maker import Encoded, Encoder
from genie_cli.fleet.sources import SourceFile
from genie_cli.jobs import Job

if TYPE_CHECKING:
    from genie_cli.diffusion.choices import Choices
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located

_KNOWN_SOURCES = 32


@dataclass(frozen=True)
class Setup:
    """What a worker needs to begin: the first message that it gets.

    Attributes:
        choices: with the worker's own device.
        elsewhere: the worker may be on another machine, where the model's path is another one.
    """

    located: Located
    choices: Choices
    steps: int
    guidance: float
    probe: bool
    encoder: Encoder
    negative_prompt: str = ""
    elsewhere: bool = False

    def engine(self, located: Located) -> Engine[Job]:
        """Load the model, where the worker has found it.

        Raises:
            ModelError: it cannot be loaded.
        """
        from genie_cli.diffusion.engine import Engine
        from genie_cli.diffusion.snapshot import load

        chosen = self.choices
        snapshot = load(located, str(chosen.device), chosen.dtype, chosen.attention, chosen.compile)
        negative = self.negative_prompt
        return Engine(snapshot, chosen.slots, self.steps, self.guidance, negative_prompt=negative, probe=self.probe)


@dataclass(frozen=True)
class Began:
    """A worker is there, and loads the model."""


@dataclass(frozen=True)
class Ready:
    """A worker has loaded the model.

    Attributes:
        slots: its batch size.
        hardware: the name of its device's model.
        model: the identity of the weights.
        versions: of the packages that an image's bytes depend on.
    """

    slots: int
    hardware: str
    model: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Lease:
    """A job that a worker is to make.

    Attributes:
        source: its source's file; None if it has none, or the worker has had it not long ago.
    """

    job: Job
    source: SourceFile | None


@dataclass(frozen=True)
class Steps:
    """Solver steps that a worker has taken since it last said so."""

    count: int


@dataclass(frozen=True)
class Failed:
    """Why a worker cannot go on; the last message that it sends.

    Attributes:
        lines, hints: of an error that a person can fix; else one line, and the traceback.
        traceback: empty if it is such an error.
    """

    lines: tuple[str, ...]
    hints: tuple[str, ...] = ()
    traceback: str = ""


@dataclass(frozen=True)
class Gone:
    """A worker has ended; said by what had started it.

    Attributes:
        how: in words, such as "exit code 1".
    """

    how: str


Said = Began | Ready | Encoded | Steps | Failed | Gone


class Known:
    """The last few sources that a worker was sent: kept alike at both ends, so that each is sent once."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()

    def has(self, key: str) -> bool:
        """Whether a source need not be sent."""
        return key in self._keys

    def add(self, key: str) -> tuple[bool, list[str]]:
        """Use a source; returns whether it is new, and those that are forgotten for it."""
        is_new = key not in self._keys
        self._keys[key] = None
        self._keys.move_to_end(key)
        forgotten = [self._keys.popitem(last=False)[0]] if len(self._keys) > _KNOWN_SOURCES else []
        return is_new, forgotten
