"""Every figure of docs/results.md, by one command that can be stopped and resumed: `python -m benchmarks.paper`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.paper.plan import stages
from benchmarks.paper.steps import Runner, StepError
from benchmarks.paper.tables import write_all
from genie_cli.errors import GenieError


def main() -> None:
    every = stages()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/paper"), help="folder of everything that is made")
    parser.add_argument("--tables", type=Path, default=Path("docs/results"), help="folder of the CSV files")
    parser.add_argument("--stages", nargs="+", choices=every, default=list(every), help="default: all, in this order")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="commands that run at a time")
    parser.add_argument("--commands", action="store_true", help="print the commands, and run none")
    options = parser.parse_args()
    steps = [step for stage in options.stages for step in every[stage]]
    if options.commands:
        print("\n".join(step.command for step in steps))
        return
    runner = Runner(options.out, options.workers)
    try:
        runner.run(steps)
        for stage in options.stages:
            minutes, processor = (runner.seconds(every[stage], f"{kind}seconds") / 60 for kind in ("", "processor_"))
            print(f"{stage}: {minutes:.1f} minutes of one process, {processor:.1f} of one processor")
        write_all(options.out, options.tables)
    except (StepError, GenieError) as failed:
        sys.exit(str(failed))


if __name__ == "__main__":
    main()
