"""Runs the campaign and prints its table; see the package."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import inputs, process
from tests.faults.commands import COMMANDS
from tests.faults.injection import ERRORS, Fault, Kind
from tests.faults.trial import Bench, broken_promises

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
_PER_CALL = 2  # errors tried at every file call
_OTHERS = 60  # signals, sizes and damages of each kind and file


@dataclass
class Table:
    """How many trials there were of each command and fault, and what was broken."""

    trials: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    broken: Counter[tuple[str, Kind]] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """The table in Markdown."""
        kinds = [kind for kind in Kind if any(key[1] is kind for key in self.trials)]
        yield "| command | " + " | ".join(kinds) + " |"
        yield "|---|" + "---|" * len(kinds)
        for name in dict.fromkeys(name for name, _ in self.trials):
            cells = [self._cell((name, kind)) for kind in kinds]
            yield f"| `{name}` | " + " | ".join(cells) + " |"
        yield f"\n{self.trials.total()} trials, {self.broken.total()} broke a promise"

    def _cell(self, key: tuple[str, Kind]) -> str:
        if not self.trials[key]:
            return ""
        return str(self.trials[key]) + (f", **{self.broken[key]} broken**" if self.broken[key] else "")


def every_fault(bench: Bench) -> Iterator[tuple[Fault, str]]:
    """All trials of a command, each with the file that is damaged."""
    usual, _, calls, changes = bench.usual
    yield from ((Fault(Kind.KILL, at), "") for at in range(changes))
    for at in range(calls):
        yield from ((Fault(Kind.FAIL, at, ERRORS[(at + more) % len(ERRORS)]), "") for more in range(_PER_CALL))
    for step in range(_OTHERS):
        yield Fault(Kind.FULL, int(1.25**step)), ""
        moment = int(1000 * usual.seconds * step / _OTHERS)
        yield Fault(Kind.SIGNAL, moment, _SIGNALS[step % 3]), ""
        yield Fault(Kind.TWICE, moment, _SIGNALS[step % 2]), ""
    for kind, patterns in ((Kind.CUT, bench.command.cut), (Kind.FLIP, bench.command.flipped)):
        for pattern in patterns:
            path = sorted(bench.template.glob(pattern))[0]
            size, name = path.stat().st_size, path.relative_to(bench.template).as_posix()
            yield from ((Fault(kind, step * size // _OTHERS, step), name) for step in range(_OTHERS))
    if bench.command.images:
        yield from ((Fault(Kind.TOGETHER, step), "") for step in range(_OTHERS))


def chosen(bench: Bench, most: int) -> Sequence[tuple[Fault, str]]:
    """At most so many of a command's trials: as many of each kind, spread evenly, and always the same."""
    everything = list(every_fault(bench))
    if len(everything) <= most:
        return everything
    random.Random(bench.command.name).shuffle(everything)
    seen: Counter[Kind] = Counter()
    ranked = []
    for fault, damaged in everything:
        ranked.append((seen[fault.kind], fault, damaged))
        seen[fault.kind] += 1
    return [(fault, damaged) for _, fault, damaged in sorted(ranked, key=lambda each: each[0])[:most]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--command", action="append", help="only this command; may be repeated")
    parser.add_argument("--trials", type=int, default=10**9, help="at most so many of each command")
    wanted = parser.parse_args()
    process.load()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="genie-faults-") as place:
        inputs.make(Path(place) / "inputs")
        for command in COMMANDS:
            if not wanted.command or command.name in wanted.command:
                bench = Bench(command, Path(place) / "trial", Path(place) / "inputs")
                _try_out(bench, wanted.trials, table)
    sys.stdout.write("\n".join(table.lines()) + "\n")
    return 1 if table.broken else 0


def _try_out(bench: Bench, most: int, table: Table) -> None:
    begun = time.monotonic()
    for fault, damaged in chosen(bench, most):
        key = bench.command.name, fault.kind
        table.trials[key] += 1
        if broken := list(broken_promises(bench, fault, damaged)):
            table.broken[key] += 1
            sys.stderr.write("\n  ".join([f"genie {bench.command.name}: {fault} {damaged}", *broken]) + "\n")
    sys.stderr.write(f"{bench.command.name}: {time.monotonic() - begun:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
