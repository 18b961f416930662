"""`genie generate` at every combination of slots, precision, compilation and attention: `python -m benchmarks.sweep`.

One process a combination, one after the other. A combination that does not run (no kernels, no such option) is a line
with its reason. Slots that a device has no memory for are halved by genie, and the table says how many were left.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.figures import figures
from benchmarks.options import DTYPES, add_work, work_from
from benchmarks.report import ARM_COLUMNS, arm_line, print_table
from benchmarks.work import Work
from benchmarks.worker import Worker, WorkerError, ask

_GENIES_CHOICE = "auto"  # the option is not given


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__.partition(":")[0])
    add_work(parser, sources=4, targets=8)
    parser.add_argument("--slots", default="1,2,4,8,16", help="values of genie generate --slots")
    parser.add_argument("--dtypes", default="", help=f"some of {','.join(DTYPES)}; none: that of --dtype")
    parser.add_argument("--compile", default=_GENIES_CHOICE, help="values of genie generate --compile")
    parser.add_argument("--attention", default=_GENIES_CHOICE, help="values of genie generate --attention")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="genie-sweep-") as folder:
        for dtype in (options.dtypes or options.dtype).split(","):
            work = replace(work_from(options, Path(folder) / dtype), dtype=dtype)
            work.folder.mkdir()
            prepared = ask("prepare", work)
            tried = {name: getattr(options, name).split(",") for name in ("slots", "compile", "attention")}
            for line in measure(replace(work, model=prepared["model"]), tried, options.rounds, prepared["flop"]):
                print(f"{line['what']}:", line.get("failed") or f"{line['images/s']:.3g} images/s", file=sys.stderr)
                lines.append(line)
    if options.json:
        report = {"command": sys.argv, "machine": prepared["machine"], "lines": lines}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print_table(
        (*ARM_COLUMNS, "slots"),
        [[*arm_line(line["what"], line), f"{line['slots']}"] for line in lines if "failed" not in line],
    )


def measure(
    work: Work, tried: Mapping[str, list[str]], rounds: int, flop: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """A line for every combination of the options' values, as soon as it is measured."""
    for values in itertools.product(*tried.values()):
        given = [(name, value) for name, value in zip(tried, values, strict=True) if value != _GENIES_CHOICE]
        words = [word for name, value in given for word in (f"--{name}", value)]
        what = " ".join([work.dtype, *words])
        try:
            yield {"what": what, **_line(replace(work, genie_args=(*work.genie_args, *words)), rounds, flop)}
        except WorkerError as error:
            yield {"what": what, "failed": error.reason}


def _line(work: Work, rounds: int, flop: Mapping[str, int]) -> dict[str, Any]:
    worker = Worker("genie", work)
    first = worker.answer()["first image"]
    measured = [worker.round() for _ in range(rounds)]
    worker.end()
    _, *rows = (work.folder / "genie-images" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    slots = min(json.loads(row)["slots"] for row in rows)
    line = figures(measured, len(work.jobs), work.rows(), flop)
    return {**line, "first image": first, "slots": slots, "rounds": measured}


if __name__ == "__main__":
    main()
