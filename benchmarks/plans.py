"""What a long plan costs before and beside the images: `python -m benchmarks.plans` (seconds and memory).

The command line is run as it is, one process a measurement, on plans of the bundled model. Only `resume` needs
images: a few are made first, then the same command is typed again and finds them made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import print_table

_IMAGES = 8  # made for real, at few steps, so that there is something to resume


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plans", description=__doc__.partition(":")[0])
    parser.add_argument("--jobs", default="1000,100000", help="lengths of plans, such as 100000,1000000")
    parser.add_argument("--sources", type=int, default=1000, help="source images; targets make up the rest of the jobs")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    lines: list[dict[str, Any]] = []
    for jobs in map(int, options.jobs.split(",")):
        with tempfile.TemporaryDirectory(prefix="genie-plans-") as folder:
            for name, seconds, memory in measure(Path(folder), jobs, min(options.sources, jobs)):
                lines.append({"jobs": jobs, "what": name, "seconds": seconds, "memory": memory})
                print(f"{jobs} {name}: {seconds:.1f} s", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps({"command": sys.argv, "lines": lines}, indent=1) + "\n")
    shown = [[f"{x['jobs']:,}", x["what"], f"{x['seconds']:.1f} s", f"{x['memory'] / 2**20:.0f} MiB"] for x in lines]
    print_table(("jobs", "what", "time", "memory"), shown)


def measure(folder: Path, jobs: int, sources: int) -> Iterator[tuple[str, float, int]]:
    """Seconds and most memory in bytes of each command on a plan of ``jobs`` jobs."""
    # Where torch is not needed, its memory would only hide the plan's; and a child's figure includes ours.
    subprocess.run([sys.executable, "-c", _SOURCES, str(folder / "sources"), str(sources)], check=True)
    (folder / "targets").write_text("".join(f"thing {number}\n" for number in range(jobs // sources)))
    model = ["--model", "digits"]
    inputs = ["--src-dir", str(folder / "sources"), "--targets", f"@{folder / 'targets'}"]
    plan, out = (
        folder / "plan.jsonl",
        ["--out", str(folder / "out"), "--limit", str(_IMAGES), "--steps", "2", "--compile", "off"],
    )
    yield "an empty command (--help)", *_genie(["--help"])
    yield "plan: --dry-run > plan.jsonl", *_genie([*model, *inputs, "--dry-run"], plan)
    yield "read: --plan --dry-run", *_genie([*model, "--plan", str(plan), "--dry-run"])
    yield "shard: --plan --shard 3/8 --dry-run", *_genie([*model, "--plan", str(plan), "--shard", "3/8", "--dry-run"])
    yield f"{_IMAGES} images: --plan --limit {_IMAGES}", *_genie([*model, "--plan", str(plan), *out])
    yield "resume: the same again", *_genie([*model, "--plan", str(plan), *out])


_SOURCES = """
import sys; from pathlib import Path
from benchmarks.prepare import write_sources
write_sources(Path(sys.argv[1]), "digits", int(sys.argv[2]))
"""


def _genie(words: list[str], output: Path = Path(os.devnull)) -> tuple[float, int]:
    """Run `genie generate ...`: seconds and the most memory, in bytes; its words are shown if it fails."""
    with output.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "genie_cli", "generate", *words], stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            stderr.seek(0)
            sys.exit(f"genie generate {' '.join(words)} failed:\n{stderr.read().decode(errors='replace')[-3000:]}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
