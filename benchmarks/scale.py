"""How long commands take on a run of 100,000 images: `python -m benchmarks.scale`. Seconds, processors and memory.

The run is what `genie generate` leaves: its own writers make folder, journal, manifest, metadata, card, and a file with
its record for each job of a real plan. What is synthetic: the pictures. A few hundred are made by the bundled model for
real; each job has one of its own target and noise ratio, shifted by some pixels, so that no two files are the same. And
while the run is made, nothing waits for the disk. The photos are of the bundled data set. Each command is a process of
its own, and the cache of features is the benchmark's own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report import print_table
from genie_cli import api
from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.requests import Result
from genie_cli.fleet.maker import Encoded, Encoder, Maker
from genie_cli.generate.run import Run
from genie_cli.jobs import ADA_RATIOS, Plan
from genie_cli.observer import Progress

STEPS = 4
REAL = 10  # pictures of each target and noise ratio
PER_SOURCE = 40  # images, of the 45 that nine other classes and five noise ratios allow
_SIDE = 32  # pixels of the bundled model's images

Pictures = Mapping[tuple[str, float], Sequence[NDArray[np.uint8]]]


@dataclass(frozen=True)
class Measured:
    """What a command took: seconds by the clock and of all processors, and its most memory, in bytes."""

    command: str
    seconds: float
    processors: float
    memory: int


@dataclass(frozen=True)
class Repeated:
    """A `fleet.maker.Maker` that gives each job one of a few pictures, encoded as any other."""

    pictures: Pictures
    encoder: Encoder
    slots: int
    clock: Clock

    def __enter__(self) -> Repeated:
        return self

    def __exit__(self, *error: object) -> None: ...

    def steps_for(self, r: float) -> int:  # noqa: ARG002 - no step is taken
        return 1

    def make(self, jobs: Plan, progress: Progress) -> Generator[Encoded, None, None]:
        for job in jobs:
            found = self.pictures[job.target, job.r]
            number, down, right = int(job.id, 16) % len(found), int(job.id[:5], 16), int(job.id[5:10], 16)
            shifted = np.roll(found[number], (down % _SIDE, right % _SIDE), (0, 1))
            progress.advance()
            yield self.encoder(Result(job, self.slots, shifted))


class RunOfRepeated(Run):
    """A run whose model is not loaded."""

    pictures: Pictures

    def _maker(self, watches: list[Any]) -> Maker:  # noqa: ARG002
        settings = self._header().settings
        encoder = Encoder(self.settings.output.format, settings.made_with())
        return Repeated(self.pictures, encoder, settings.slots or 1, Clock())


def options_of(folder: Path, images: int) -> dict[str, Any]:
    """The options of `genie generate`, as `api.generate` takes them."""
    return {
        "src_dir": folder / "photos",
        "targets": "all",
        "per_target": images // (len(CLASSES) * len(ADA_RATIOS)),
        "r": list(ADA_RATIOS),
        "model": "digits",
        "steps": STEPS,
        "compile": "off",
        "out": str(folder / "run"),
    }


def build(folder: Path, images: int) -> None:
    """Make photos, pictures and the run, unless they are there."""
    if (folder / "run" / "manifest.jsonl").exists():
        return
    DigitsInTheWild().save(folder / "photos", -(-images // (PER_SOURCE * len(CLASSES))))
    own = {**options_of(folder, REAL * len(CLASSES) * len(ADA_RATIOS)), "out": str(folder / "real"), "format": "png"}
    pictures: dict[tuple[str, float], list[NDArray[np.uint8]]] = {}
    for row in (made := api.generate(**own)).rows():
        pictures.setdefault((row.job.target, row.job.r), []).append(np.asarray(Image.open(made.root / row.file)))
    with api.planned(**options_of(folder, images)) as run:
        repeated = RunOfRepeated(run.settings, run.located, run.plan, run.observer)
        object.__setattr__(repeated, "pictures", pictures)
        repeated.make()


def commands(folder: Path, images: int) -> Iterator[tuple[str, str, list[str]]]:
    """Part, what it is called, and its words; in an order in which each finds what it needs."""
    run, judged, out = str(folder / "run"), str(folder / "judged.jsonl"), folder / "out"
    hard = ("--verdict", "hard")
    given = {name: value for name, value in options_of(folder, images).items() if name != "r"}
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words += ["--r", ",".join(map(str, ADA_RATIOS))]
    yield "resume", "generate: resume, nothing left", ["generate", *words]
    yield "resume", "generate --json", ["generate", *words, "--json"]
    yield "status", "status", ["status", run]
    yield "status", "status --check", ["status", run, "--check"]
    yield "oracle", "oracle --out", ["oracle", run, "--out", judged]
    yield (
        "select",
        "select --verdict hard --per-target 500",
        _select(judged, "--verdict", "hard", "--per-target", "500"),
    )
    yield "select", "select --json", ["select", judged, *hard, "--json"]
    yield "features", "select --distinct, no features known", _select(judged, "--distinct")
    yield "features", "select --distinct, all known", _select(judged, "--distinct")
    for form in ("imagefolder", "webdataset", "parquet"):
        for again in ("", ", again"):
            name = f"export --format {form}"
            yield "export", f"{name}{again}", ["export", judged, "--format", form, "--out", str(out / form)]
    yield "gallery", "gallery", ["gallery", judged, "--out", str(out / "gallery")]
    yield "gallery", "gallery, again", ["gallery", judged, "--out", str(out / "gallery")]


PARTS = ("resume", "status", "oracle", "select", "features", "export", "gallery")


def _select(judged: str, *words: str) -> list[str]:
    return ["select", judged, *words, "--out", f"{judged.removesuffix('judged.jsonl')}selected.jsonl"]


def measure(folder: Path, images: int, parts: Sequence[str]) -> Iterator[Measured]:
    """Run the commands of these parts; what they wrote before is deleted first."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    (folder / "out").mkdir()
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    if not (folder / "judged.jsonl").exists() and "oracle" not in parts:
        timed("", ["oracle", str(folder / "run"), "--out", str(folder / "judged.jsonl")], environment)
    for part, name, words in commands(folder, images):
        if part in parts:
            yield timed(name, words, environment)


def timed(name: str, words: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command of genie's, on a terminal unless it is to give JSON; its words are shown if it fails."""
    with tempfile.TemporaryFile() as stderr, shown(on_terminal="--json" not in words) as stdout:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "genie_cli", *words], stdout=stdout, stderr=stderr, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            stderr.seek(0)
            sys.exit(f"genie {' '.join(words)} failed:\n{stderr.read().decode(errors='replace')[-3000:]}")
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measured(name, seconds, used.ru_utime + used.ru_stime, memory)


@contextmanager
def shown(*, on_terminal: bool) -> Iterator[int]:
    """A descriptor to write to, whose content goes nowhere; a terminal's is read meanwhile, so that nothing waits."""
    if not on_terminal:
        with open(os.devnull, "wb") as nowhere:
            yield nowhere.fileno()
        return
    ours, theirs = os.openpty()
    reader = Thread(target=_read_all, args=(ours,))
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def _read_all(terminal: int) -> None:
    with suppress(OSError):  # so ends a terminal that nobody has open any more
        while os.read(terminal, 1 << 16):
            pass


def line_of(each: Measured) -> list[str]:
    """A line of the table."""
    return [each.command, f"{each.seconds:.1f}", f"{each.processors:.1f}", f"{each.memory / 2**30:.2f}"]


def main() -> None:
    """Build the run, and print a line per command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition(":")[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--folder", type=Path, help="where the run is made and kept, or was; default: a temporary one")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genie-scale-") as temporary:
        folder = options.folder or Path(temporary)
        # In a process of its own: the figure of a child's memory includes what ours had when it began.
        arguments = [sys.executable, "-c", _BUILD, str(folder), str(options.images)]
        subprocess.run(arguments, check=True)
        found = []
        for each in measure(folder, options.images, options.parts.split(",")):
            found.append(each)
            print(*line_of(each), sep=", ", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps([vars(each) for each in found], indent=1) + "\n", encoding="utf-8")
    print(f"{options.images:,} images on {os.cpu_count()} cores\n")
    print_table(("command", "seconds", "of processors", "memory, GiB"), list(map(line_of, found)))


_BUILD = """
import os, sys; from pathlib import Path
from benchmarks.scale import build
os.fsync = lambda descriptor: None
build(Path(sys.argv[1]), int(sys.argv[2]))
"""

if __name__ == "__main__":
    main()
