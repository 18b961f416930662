"""What a fleet costs besides its images, how much memory it takes, and what it gains: `python -m benchmarks.fleet`.

Overhead and memory are measured with jobs that cost nothing, throughput with the bundled model's. Each measurement is a
process of its own; rounds are interleaved. With --ray, Ray is measured, too, by a cluster on this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fleet import overhead, throughput
from benchmarks.fleet.overhead import Trial
from benchmarks.prepare import machine, write_sources
from benchmarks.report import print_table

_SOURCES = 100
_MIB = 2**20
PARTS = ("overhead", "memory", "throughput")


def main() -> None:
    options = parsed(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="genie-fleet-", dir=options.folder) as folder:
        sources = Path(folder) / "sources"
        write_sources(sources, "digits", _SOURCES)
        found = {part: list(_said(_PARTS[part](options, sources))) for part in options.parts.split(",")}
    if options.json:
        report = {"command": sys.argv, "machine": machine("cpu"), **found}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    for part, lines in found.items():
        print()
        _TABLES[part](lines)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__.partition(":")[0])
    add = parser.add_argument
    add("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    add("--ray", action="store_true", help="measure Ray, too; needs genie's extra ray")
    add("--workers", type=int, default=2, help="workers of processes and of Ray")
    add("--sides", default="32,512", help="pixels of the images of jobs that cost nothing, for the overhead")
    add("--jobs", type=int, default=1000, help="jobs that cost nothing, for the overhead")
    add("--lengths", default="1000,10000,100000", help="jobs, for the memory; the last one is not kept in a folder")
    add("--ray-lengths", default="1000,4000", help="jobs, for the memory of Ray's object store")
    add("--images", type=int, default=256, help="images of the bundled model, for the throughput")
    add("--steps", type=int, default=50, help="solver steps of these")
    add("--rounds", type=int, default=3)
    add("--folder", type=Path, help="where images are written meanwhile, on the disk to be measured")
    add("--json", type=Path, help="write every figure to this file")
    return parser.parse_args(words)


def _said(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines, each also told as soon as it is there."""
    for line in lines:
        print(
            ", ".join(f"{name} {_short(value)}" for name, value in line.items() if name != "sources"), file=sys.stderr
        )
        yield line


def _short(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _arms(options: argparse.Namespace) -> list[tuple[str, int]]:
    """The arms of jobs that cost nothing, with their workers."""
    return [("one process", 1), ("processes", options.workers), *([("ray", options.workers)] if options.ray else [])]


def _overhead(options: argparse.Namespace, sources: Path) -> Iterator[dict[str, Any]]:
    for _ in range(options.rounds):
        for side in map(int, options.sides.split(",")):
            for keeps in (False, True):
                for arm, workers in _arms(options):
                    yield overhead.measured(Trial(arm, workers, side, options.jobs, keeps, str(sources)))


def _memory(options: argparse.Namespace, sources: Path) -> Iterator[dict[str, Any]]:
    lengths = sorted(map(int, options.lengths.split(",")))
    for jobs in lengths:
        yield overhead.measured(Trial("processes", options.workers, 32, jobs, False, str(sources)))
        if jobs < lengths[-1] or len(lengths) == 1:
            yield overhead.measured(Trial("processes", options.workers, 32, jobs, True, str(sources)))
    # Above about 100 KB an image goes by way of Ray's object store, so these are as large as real ones.
    for jobs in map(int, options.ray_lengths.split(",")) if options.ray else []:
        yield overhead.measured(Trial("ray", options.workers, 512, jobs, False, str(sources)))


def _throughput(options: argparse.Namespace, sources: Path) -> Iterator[dict[str, Any]]:
    arms = [arm for arm in throughput.ARMS if options.ray or "--ray" not in arm]
    for _ in range(options.rounds):
        for arm in arms:
            yield throughput.measured(arm, sources, options.images, {"steps": options.steps})


def _show_overhead(lines: Sequence[Mapping[str, Any]]) -> None:
    """Per 1,000 jobs; compared are the fastest rounds, since others are slow for other reasons."""
    print("per 1,000 jobs that cost nothing\n")
    rows = []
    for (side, keeps), some in _grouped(lines, "side", "keeps").items():
        of_arm = {arm: _per_thousand(of) for (arm,), of in _grouped(some, "arm").items()}
        alone = of_arm["one process"]["fastest"]
        rows += [
            [
                f"{side} px, {'folder, journal, fsync' if keeps else 'dropped'}",
                arm if arm == "one process" else f"{some[-1]['workers']} workers, {arm}",
                f"{figures['seconds']:.2f} s",
                f"{figures['fastest']:.2f} s",
                f"{figures['fastest'] - alone:+.2f} s" if arm != "one process" else "",
                f"{figures['cpu']:.2f} s",
                f"{figures['bridge']:.2f} s" if figures["bridge"] else "",
            ]
            for arm, figures in of_arm.items()
        ]
    print_table(
        ("images", "made by", "median", "fastest", "more than one process", "driver CPU", "bridge to Ray CPU"), rows
    )


def _per_thousand(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    seconds, cpu = ([1000 * line[name] / line["jobs"] for line in lines] for name in ("seconds", "cpu"))
    bridge = statistics.median(1000 * line["bridge"] / line["jobs"] for line in lines)
    return {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "cpu": statistics.median(cpu),
        "bridge": bridge,
    }


def _grouped(lines: Sequence[Mapping[str, Any]], *names: str) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    """The lines by what these columns have, in the order of the first of each."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for line in lines:
        groups.setdefault(tuple(line[name] for name in names), []).append(line)
    return groups


def _show_memory(lines: Sequence[Mapping[str, Any]]) -> None:
    print("memory of the driver\n")
    rows = [
        [
            f"{line['jobs']:,}",
            f"{line['workers']} workers, {line['arm']}, {line['side']} px, {'folder' if line['keeps'] else 'dropped'}",
            f"{line['memory before'] / _MIB:.0f} MiB",
            f"{line['memory'] / _MIB:.0f} MiB",
            f"{line['shared memory'] / _MIB:.0f} MiB",
        ]
        for line in lines
    ]
    print_table(("jobs", "", "at the first job", "at the end", "shared memory, at most"), rows)


def _show_throughput(lines: Sequence[Mapping[str, Any]]) -> None:
    print("images of the bundled model, medians\n")
    rows = []
    groups = _grouped(lines, "arm")
    alone = next(iter(groups.values()))
    for (arm,), some in groups.items():
        speeds = [line["images/s"] for line in some]
        ratio = statistics.median(b["images/s"] / a["images/s"] for a, b in zip(alone, some, strict=True))
        rows.append(
            [
                arm,
                f"{statistics.median(speeds):.2f}",
                f"{min(speeds):.2f} to {max(speeds):.2f}",
                f"{ratio:.2f}",
                f"{statistics.median(line['seconds'] for line in some):.1f} s",
            ]
        )
    print_table(("", "images/s", "slowest to fastest", "vs. one process", "whole command"), rows)


_PARTS = {"overhead": _overhead, "memory": _memory, "throughput": _throughput}
_TABLES = {"overhead": _show_overhead, "memory": _show_memory, "throughput": _show_throughput}

if __name__ == "__main__":
    main()
