"""The authors' way, diffusers' pipeline and `genie generate` on the same work: `python -m benchmarks.arms`.

Rounds are interleaved and their order is rotated, so that a machine whose speed drifts slows all arms alike. Ratios
are taken within a round. Ends with 1 if in float32 genie's images are not the authors'.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.agreement import LIMIT, agreement
from benchmarks.figures import figures, ratio
from benchmarks.options import add_work, work_from
from benchmarks.report import print_agreement, print_arms
from benchmarks.work import Work
from benchmarks.worker import ARMS, Worker, ask

REFERENCE, OURS = "authors", "genie"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arms", description=__doc__.partition(":")[0])
    add_work(parser, sources=4, targets=5)
    parser.add_argument("--arms", default=",".join(ARMS), help="some of authors,pipeline,genie")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--batch", type=int, help="images per call of the pipeline; default: the fastest, which is searched for"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genie-arms-") as folder:
        result = measure(work_from(options, Path(folder)), options.arms.split(","), options.rounds, options.batch)
    if options.json:
        options.json.write_text(json.dumps({"command": sys.argv, **result}, indent=1, default=str) + "\n")
    print_arms(result)
    differences = result["agreement"]
    if differences:
        print_agreement(differences, f"{OURS} and {REFERENCE}")
        if options.dtype == "float32" and differences["exact"]["most"] >= LIMIT:
            sys.exit(f"genie's images are not the authors': they differ by more than {LIMIT}")


def measure(work: Work, arms: list[str], rounds: int, batch: int | None = None) -> dict[str, Any]:
    """Every figure of one run, as JSON has it."""
    prepared = ask("prepare", work)
    work = replace(work, model=prepared["model"])
    if "pipeline" in arms:
        work = replace(work, batch=batch or ask("tune", work)["batch"])
    workers, first = {}, {}
    for arm in arms:  # one after the other, so that none waits for another's first image
        workers[arm] = Worker(arm, work)
        first[arm] = workers[arm].answer()["first image"]
    measured: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for turn in range(rounds):
        for arm in arms[turn % len(arms) :] + arms[: turn % len(arms)]:
            measured[arm].append(workers[arm].round())
    for worker in workers.values():
        worker.end()
    images, rows, flop = len(work.jobs), work.rows(), prepared["flop"]
    table = {arm: {**figures(measured[arm], images, rows, flop), "first image": first[arm]} for arm in arms}
    if REFERENCE in arms:
        table = {arm: {**row, "ratio": ratio(measured[arm], measured[REFERENCE])} for arm, row in table.items()}
    return {
        "work": {**asdict(work), "images": images, "unet rows": rows},
        **prepared,
        "arms": {arm: {**table[arm], "rounds": measured[arm]} for arm in arms},
        "agreement": agreement(work, OURS, REFERENCE) if {OURS, REFERENCE} <= set(arms) else None,
    }


if __name__ == "__main__":
    main()
