"""Jobs whose images cost next to nothing, so that what is left is what a fleet costs.

A worker's engine takes no step and loads no model: the image of every job is the same picture. All else is genie's own:
the workers' processes or Ray's actors, leases with the sources' files, the encoder, which writes a JPEG with the record
of its job, what is said by pipe or by Ray, and the driver with its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.work import SOURCE_CLASS
from genie_cli.config import Format
from genie_cli.data.folder import scan
from genie_cli.diffusion.choices import Choices
from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import Located, locate
from genie_cli.diffusion.requests import Feed, Result
from genie_cli.fleet.maker import Encoder, Maker
from genie_cli.fleet.messages import Setup
from genie_cli.header import Header, RunSettings, versions
from genie_cli.jobs import Job, Method, Plan
from genie_cli.observer import Observer

SLOTS = 4
_CLOUD = 16  # pixels
ARMS = ("one process", "processes", "ray")


def picture(side: int) -> NDArray[np.uint8]:
    """Coloured clouds: as a JPEG of 512 pixels, as large as genie's images of this size are."""
    noise = np.random.default_rng(0).integers(0, 256, (side // _CLOUD, side // _CLOUD, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC))


class NoOpEngine(Engine[Job]):
    """Gives the same picture for every request, at once."""

    def __init__(self, side: int, slots: int = SLOTS) -> None:
        import torch

        self.slots, self.clock = slots, Clock()
        self.snapshot: Any = SimpleNamespace(  # sources are decoded, and that is all
            device=torch.device("cpu"), image_size=side, resize_and_crop=lambda image: image
        )
        self.denoiser: Any = SimpleNamespace(steps_for=lambda _: 1)
        self._pixels = picture(side)

    def serve(
        self, feed: Feed[Job], on_steps: Callable[[int], None] = lambda _: None
    ) -> Generator[Result[Job], None, None]:
        while (request := feed.take(True)) is not None:
            on_steps(1)
            yield Result(request.key, self.slots, self._pixels)


@dataclass(frozen=True)
class NoOpSetup(Setup):
    """What a worker with such an engine begins with.

    Attributes:
        side: of the images, in pixels.
    """

    side: int = 32

    def engine(self, located: Located) -> NoOpEngine:  # noqa: ARG002 - nothing is loaded
        return NoOpEngine(self.side, self.choices.slots)


def setup(side: int) -> NoOpSetup:
    """A setup for images of this size."""
    import torch

    choices = Choices(torch.device("cpu"), "float32", SLOTS, "sdpa", "off")
    return NoOpSetup(
        locate("digits"), choices, 1, 7.5, True, Encoder(Format.JPG, header().settings.made_with()), side=side
    )


def header() -> Header:
    """Of a folder of such images."""
    settings = RunSettings(model=locate("digits").identity, probe=True, slots=SLOTS, format="jpg")
    return Header(kind="genie.manifest", settings=settings, versions=versions())


def maker(arm: str, workers: int, side: int, sources: Path) -> Maker:
    """What makes the images: genie's own for one process, for several, and for a local Ray cluster."""
    given = setup(side)
    if arm == "one process":
        from genie_cli.fleet.single import Single

        return Single(NoOpEngine(side), sources, given.encoder)
    from genie_cli.fleet.fleet import Fleet
    from genie_cli.fleet.processes import Processes
    from genie_cli.fleet.ray_cluster import RayCluster

    transport = RayCluster(given, "local", workers) if arm == "ray" else Processes(given, ("cpu",) * workers)
    return Fleet(transport, sources, versions(), Observer())


def plan(sources: Path, count: int) -> Plan:
    """``count`` jobs in genie's order: each photo for many targets, then the next."""
    found = scan(sources, label=SOURCE_CLASS).sources

    def jobs() -> Iterator[Job]:
        for number in range(count):
            target = f"class {number % -(-count // len(found)):06}"
            yield Job(
                source=found[number * len(found) // count],
                target=target,
                prompt=f"A photo of a {target}",
                method=Method.GENIE,
                r=0.8,
                model="noop@1",
                replicate=0,
                seed=number,
            )

    return Plan(jobs)
