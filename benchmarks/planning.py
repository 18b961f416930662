"""How long it takes to plan: from sources and targets to the first job, and per 100,000 jobs; and the memory.

    python -m benchmarks.planning --sources 1000000 --targets 1000 --jobs 1000000

Four plans: every source for each target, 20 per target, and both with sources of the four most confused classes only.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import time
from itertools import islice
from typing import Any

from genie_cli.jobs import Source
from genie_cli.recipe import Recipe

_CLASSES = 1000


def sources(count: int) -> list[Source]:
    """Sources of a thousand classes, without files."""
    return [
        Source(
            path=f"c{number % _CLASSES}/{number}.jpg",
            sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            label=f"c{number % _CLASSES}",
        )
        for number in range(count)
    ]


def memory() -> int:
    """The most that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    """Print one line per plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=int, default=100_000)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100_000, help="of each plan, at most")
    options = parser.parse_args()
    every = sources(options.sources)
    targets = tuple(f"c{number}" for number in range(options.targets))
    confused = {name: [f"c{(number + step) % _CLASSES}" for step in range(1, 5)] for number, name in enumerate(targets)}
    plans: dict[str, dict[str, Any]] = {
        "every source": {},
        "20 per target": {"per_target": 20},
        "every source of the most confused classes": {"sources_for": confused},
        "20 per target of the most confused classes": {"per_target": 20, "sources_for": confused},
    }
    print(f"{options.sources:,} sources in {memory()} MiB, {options.targets} targets")
    for name, choice in plans.items():
        started = time.perf_counter()
        jobs = iter(Recipe(targets=targets, model="model@1", **choice).jobs(every))
        next(jobs)
        first = time.perf_counter() - started
        count = sum(1 for _ in islice(jobs, options.jobs - 1))
        each = (time.perf_counter() - started - first) / count
        print(
            f"{name}: first job {first:.2f} s, {100_000 * each:.2f} s per 100,000 of {count + 1:,} jobs, {memory()} MiB"
        )


if __name__ == "__main__":
    main()
