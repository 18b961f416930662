"""Which part of a plan a process makes: ``i/n``, or the task of a Slurm job array. Independent of torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from genie_cli.errors import UsageError
from genie_cli.files.folders import entries
from genie_cli.jobs import Plan, shard

SLURM = "slurm"
_PART = re.compile(r"run-[1-9][0-9]*-of-([1-9][0-9]*)\.lock")
_TASK = "SLURM_ARRAY_TASK_"


@dataclass(frozen=True)
class Share:
    """The part of a plan that one process makes: shard ``index`` of ``count``, and of that the first ``limit`` jobs."""

    index: int = 1
    count: int = 1
    limit: int | None = None

    def of(self, plan: Plan) -> Plan:
        """The jobs of this share."""
        return Plan(lambda: islice(shard(plan, self.index, self.count), self.limit))

    @property
    def name(self) -> str:
        """The shard's name in the output folder; empty for a whole run."""
        return f"-{self.index}-of-{self.count}" if self.count > 1 else ""

    @property
    def most(self) -> int | None:
        """How many jobs all shards make together at most; None: all."""
        return None if self.limit is None else self.limit * self.count


def parse(text: str, environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """The part and the number of parts.

    Args:
        text: ``i/n``, or ``slurm``: as the variables say that Slurm sets for a task of an array (``sbatch
            --array=1-8``; any consecutive numbers).

    Raises:
        UsageError: it is neither, or this is not such a task.
    """
    if text == SLURM:
        return _of_array(environment)
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        index, count = 0, 0
    return checked(index, count, text)


def checked(index: int, count: int, text: str = "") -> tuple[int, int]:
    """The same pair; raises UsageError unless 1 <= index <= count."""
    if not 1 <= index <= count:
        raise UsageError(f"--shard {text or f'{index}/{count}'}: expected i/n with 1 <= i <= n, such as 2/8, or slurm")
    return index, count


def _of_array(environment: Mapping[str, str]) -> tuple[int, int]:
    try:
        number, count = (int(environment[_TASK + name]) for name in ("ID", "COUNT"))
        first, step = int(environment.get(f"{_TASK}MIN", "0")), int(environment.get(f"{_TASK}STEP", "1"))
    except (KeyError, ValueError):
        raise UsageError(
            f"--shard slurm: this is not a task of a Slurm array: {_TASK}ID and {_TASK}COUNT are not set to numbers",
            "submit it with sbatch --array=1-8, or give the part: --shard 2/8",
        ) from None
    index, rest = divmod(number - first, step) if step > 0 else (0, 1)
    if rest or not 0 <= index < count:
        raise UsageError(
            f"--shard slurm: task {number} of {count} from {first}: the numbers of the array are not consecutive",
            "submit it with sbatch --array=1-8; parts that are done end at once",
        )
    return index + 1, count


def seen(private: Path) -> int:
    """The largest number of parts that runs in an output folder had; 0 if all were whole.

    Args:
        private: the folder of the locks, which stay.
    """
    found = (_PART.fullmatch(path.name) for path in entries(private, "run-*.lock"))
    return max((int(match[1]) for match in found if match), default=0)


def parts_of(ids: Iterable[bytes], count: int) -> tuple[int, ...]:
    """The parts that jobs with these ids belong to, of ``count``, ascending; see `jobs.shard`."""
    return tuple(sorted({int(each.hex()[:15], 16) % count + 1 for each in ids}))
