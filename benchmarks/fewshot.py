"""How long `genie fewshot` takes beside making images: `python -m benchmarks.fewshot`. Wanted: 200 s on two cores.

Every augmentation of the paper and the controls, 5-way, 1-shot and 5-shot, on the bundled data set with the bundled
encoder. The images are made first, in a few steps, since what they show makes no difference to the time. Each command
is timed as a whole, start included, once with no features known and once with all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import print_table

AUGMENT = "none,weak,strong,cutmix,mixup,repeat,paste,img2img-l,img2img-h,img2img,txt2img,txt2img-paste,genie,genie-ada"
FEATURES = "genie/features"


@dataclass(frozen=True)
class Timed:
    """A command's seconds, by the clock and of all processors."""

    seconds: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fewshot")
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--pool", type=int, default=1)
    parser.add_argument("--jobs", default="1,0", help="numbers of processes, as --jobs takes them")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON file of the measurements")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), options)
    if options.out:
        options.out.write_text(json.dumps(measured, indent=1), encoding="utf-8")


def measure(folder: Path, options: argparse.Namespace) -> list[Mapping[str, object]]:
    """Time each number of processes, and print a table."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = ["fewshot", "--dataset", "digits", "--pool", str(options.pool), "--augment", AUGMENT, "--shots", "1,5"]
    command += ["--backbone", "digits", "--episodes", str(options.episodes)]
    timed([*command, "--model", "digits", "--steps", "4", "--jobs", "0", "--out", str(folder / "made")], environment)
    command += ["--manifest", str(folder / "made/images")]
    tables, rows = set(), []
    measured: list[Mapping[str, object]] = []
    for jobs in options.jobs.split(","):
        found: dict[str, list[Timed]] = {"none known": [], "all known": []}
        for _ in range(options.rounds):
            shutil.rmtree(folder / "cache" / FEATURES)
            for rounds in found.values():
                rounds.append(timed([*command, "--jobs", jobs, "--out", str(folder / "out")], environment))
                tables.add((folder / "out/results.jsonl").read_text(encoding="utf-8"))
                shutil.rmtree(folder / "out")
        for name, rounds in found.items():
            seconds, processor = (statistics.median(values) for values in zip(*map(values_of, rounds), strict=True))
            rows.append([jobs, name, f"{seconds:.0f}", f"{processor:.0f}"])
            measured.append({"jobs": jobs, "features": name, "seconds": seconds, "processor seconds": processor})
    print(
        f"{options.episodes} episodes, {AUGMENT.count(',') + 1} augmentations, 1-shot and 5-shot, pool {options.pool}"
    )
    print(f"on {os.cpu_count()} cores, {platform.machine()}\n")
    print_table(("--jobs", "features", "seconds", "of processors"), rows)
    print("\nall tables are alike" if len(tables) == 1 else f"\nTHERE ARE {len(tables)} DIFFERENT TABLES")
    return measured


def values_of(each: Timed) -> tuple[float, float]:
    """The two measurements."""
    return each.seconds, each.processor


def timed(words: Sequence[str], environment: Mapping[str, str]) -> Timed:
    """Run a command of genie's; raises CalledProcessError if it fails."""
    before, started = processor_seconds(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "genie_cli", *words], env=environment, check=True, capture_output=True, text=True
    )
    return Timed(time.perf_counter() - started, processor_seconds() - before)


def processor_seconds() -> float:
    """Of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
