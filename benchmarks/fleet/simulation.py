"""How busy a fleet keeps its workers, and how many one driver can keep busy: `python -m benchmarks.fleet.simulation`.

The real `Fleet` leases the jobs of a plan to workers in simulated time (`simulated.py`). What the driver's processor
takes for that is measured meanwhile; what it takes for messages and files is measured before, with jobs that cost
nothing (`noop.py`), whose images of 512 pixels come by pipe and go into a folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fleet import noop, overhead
from benchmarks.fleet.overhead import Trial
from benchmarks.fleet.simulated import Machine, Simulated
from benchmarks.prepare import write_sources
from benchmarks.report import print_table
from genie_cli.data.images import read_file
from genie_cli.fleet.fleet import Fleet
from genie_cli.jobs import Job, Method, Plan, Source
from genie_cli.observer import Observer, Progress

# Times of Stable Diffusion 1.5. None was measured with genie, for lack of a GPU.
MACHINES: Mapping[str, Machine] = {
    # The paper's: 4.12 s for an image of 50 steps and 2.17 s for one of 25, one at a time.
    "paper": Machine(slots=1, step=0.078, image=0.22),
    # No H100 can be faster: 2 x 803 GFLOP a step, 2,515 to decode, at the 798 TFLOP/s of a large matrix product.
    "ceiling": Machine(slots=16, step=16 * 2 * 803.3e9 / 798e12, image=2515e9 / 798e12),
}
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PLANS = ("same", "sweep", "sorted")  # by the noise ratios of its jobs; see `ratio`
_PHOTOS, _PER_PHOTO = 64, 60  # files, and images in a row that are made from one
_PHOTO_BYTES = 100_000
_COLUMNS = (
    "worker",
    "plan",
    "workers",
    "images/s",
    "slots in use",
    "last images",
    "in use then",
    "failed",
    "leasing",
    "driver CPU",
    "one core for",
)


def main() -> None:
    options = parsed(sys.argv[1:])
    lines = []
    with tempfile.TemporaryDirectory(prefix="genie-fleet-", dir=options.folder) as folder:
        driver = driver_seconds(Path(folder)) if options.driver_ms is None else options.driver_ms / 1000
        photos = write_photos(Path(folder) / "photos")
        for line in simulated(options, photos, Path(folder) / "photos", driver):
            print(json.dumps(line), file=sys.stderr, flush=True)
            lines.append(line)
    if options.json:
        report = {"command": sys.argv, "messages and files": driver, "lines": lines}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"messages and files: {1000 * driver:.2f} ms of the driver's processor for each image\n")
    print_table(_COLUMNS, [_shown(line) for line in lines])


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet.simulation", description=__doc__.partition(":")[0]
    )
    add = parser.add_argument
    add("--workers", default="1,8,64,512", help="numbers of workers")
    add("--images", type=int, default=500, help="images for each worker")
    add("--machines", default=",".join(MACHINES), help=f"some of {','.join(MACHINES)}")
    add(
        "--plans",
        default=",".join(PLANS),
        help="same: r = .8; sweep: .5 to 1 for each photo; sorted: first .5, then .6",
    )
    add("--load", type=float, default=30.0, help="seconds until a worker has loaded the model")
    add("--life", type=float, default=3600.0, help="seconds after which a worker fails, on average; 0: never")
    add("--driver-ms", type=float, help="of the driver's processor for an image's messages and files; else measured")
    add("--folder", type=Path, help="where images are written to measure that")
    add("--json", type=Path, help="write every figure to this file")
    return parser.parse_args(words)


def driver_seconds(folder: Path, jobs: int = 1000) -> float:
    """Seconds of the driver's processor for each image that goes by pipe into a folder."""
    write_sources(folder / "sources", "digits", 100)
    return float(overhead.measured(Trial("processes", 2, 512, jobs, True, str(folder / "sources")))["cpu"]) / jobs


def write_photos(folder: Path) -> list[Source]:
    """Files as long as photos; nobody decodes them."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    found = []
    for number in range(_PHOTOS):
        path = folder / f"{number}.jpg"
        path.write_bytes(noise.bytes(_PHOTO_BYTES))
        found.append(Source(path=path.name, sha256=sha256(read_file(path)).hexdigest(), label="photo"))
    return found


def simulated(
    options: argparse.Namespace, photos: Sequence[Source], root: Path, driver: float
) -> Iterator[dict[str, Any]]:
    """A line for each kind of worker, plan and number of workers."""
    for name in options.machines.split(","):
        machine = replace(MACHINES[name], load=options.load, life=options.life)
        for plan in options.plans.split(","):
            for workers in map(int, options.workers.split(",")):
                jobs = plan_of(plan, workers * options.images, photos)
                yield {"worker": name, "plan": plan, **simulate(machine, workers, jobs, root, driver)}


def ratio(plan: str, number: int, count: int) -> float:
    """The noise ratio of a job, of ``count``: .8; one after the other for each photo; or first all of the smallest."""
    return {"same": 0.8, "sweep": RATIOS[number % len(RATIOS)], "sorted": RATIOS[number * len(RATIOS) // count]}[plan]


def plan_of(name: str, count: int, photos: Sequence[Source]) -> Plan:
    """``count`` jobs in genie's order: some from a photo, then some from the next."""

    def jobs() -> Iterator[Job]:
        what: dict[str, Any] = {"prompt": "A photo of a class", "method": Method.GENIE, "model": "simulated@1"}
        for number in range(count):
            photo = photos[number // _PER_PHOTO % len(photos)]
            yield Job(source=photo, target=f"class {number}", r=ratio(name, number, count), **what)

    return Plan(jobs)


def simulate(
    machine: Machine, workers: int, jobs: Plan, root: Path, driver: float, *, counts_cpu: bool = True
) -> dict[str, float]:
    """Make a plan.

    Args:
        root: the photos' folder.
        driver: seconds of the driver's processor per image, for messages and files.
        counts_cpu: what leasing takes is simulated time, too.

    Returns:
        ``workers``, ``images``, ``images/s``; the share of all slots that was ``in use`` once the model was loaded; how
        long the ``last`` seconds are, in which no job is left to start, and the share ``in use then``; workers that
        ``failed``; seconds of the processor per image for ``leasing``, and of the ``driver`` in all; ``up to`` how many
        workers one core can do that; bytes of photos ``sent`` per image.
    """
    transport = Simulated(replace(noop.setup(512), steps=50, probe=False), workers, machine, driver, counts_cpu)
    with Fleet(transport, root, {}, Observer()) as fleet:
        count = sum(1 for _ in fleet.make(jobs, Progress()))
    made = transport.made
    seconds, last = transport.now - machine.load, max(started for started, _, _ in made)
    end = max(done for _, done, _ in made)
    slots = workers * machine.slots
    busy = sum(steps * machine.step + machine.slots * machine.image for _, _, steps in made)
    busy_then = sum(done - max(started, last) for started, done, _ in made if done > last)
    alone = count / busy * machine.slots  # images a second of a worker that is never idle
    cpu = transport.cpu / count + driver
    return {
        "workers": workers,
        "images": count,
        "images/s": count / seconds,
        "in use": busy / slots / seconds,
        "last": end - last,
        "in use then": busy_then / slots / (end - last),
        "failed": transport.failed,
        "leasing": transport.cpu / count,
        "driver": cpu,
        "up to": 1 / cpu / alone,
        "sent": transport.sent / count,
    }


def _shown(line: Mapping[str, Any]) -> list[str]:
    return [
        line["worker"],
        line["plan"],
        f"{line['workers']}",
        f"{line['images/s']:.3g}",
        f"{line['in use']:.1%}",
        f"{line['last']:.1f} s",
        f"{line['in use then']:.0%}",
        f"{line['failed']}",
        f"{1e6 * line['leasing']:.0f} us",
        f"{1e3 * line['driver']:.2f} ms",
        f"{line['up to']:.0f} workers",
    ]


if __name__ == "__main__":
    main()
