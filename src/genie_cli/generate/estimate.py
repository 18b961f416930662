"""What a plan amounts to: counted in one pass that holds none of it, and timed by a step of the real model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genie_cli.config import Format
from genie_cli.errors import UsageError
from genie_cli.files.temporary import seen_set
from genie_cli.generate.published import SIDE, seconds_elsewhere
from genie_cli.generate.workers import Workers
from genie_cli.jobs import Job

if TYPE_CHECKING:
    from genie_cli.diffusion.choices import Choices
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located

# Rough bytes per pixel at our qualities, and bytes of provenance per image.
_BYTES_PER_PIXEL = {Format.JPG: 0.45, Format.PNG: 1.6, Format.WEBP: 0.3}
_PROVENANCE_BYTES = 2500
PROBE_FORMAT = Format.PNG  # of probes that an r is chosen by: the choice must not depend on the images' format


@dataclass
class Tally:
    """Counts of a plan.

    Attributes:
        there: jobs that were made before; nothing else counts these.
        sources: different ones, by their content.
        steps: of the solver, over all images.
        most_steps: that it can be at most, if that is not known; else 0.
        probes: that are made besides.
        too_long: prompts that the model cannot read whole, and the reason why the first would fail.
    """

    images: int = 0
    there: int = 0
    sources: int = 0
    steps: int = 0
    most_steps: int = 0
    probes: int = 0
    too_long: int = 0
    reason: str = ""

    @classmethod
    def of(
        cls,
        jobs: Iterable[Job],
        is_there: Callable[[Job], bool],
        steps_for: Callable[[float], int],
        check: Callable[[str], None],
    ) -> Tally:
        """Count.

        Args:
            is_there: whether a job was made before.
            steps_for: solver steps at a noise ratio.
            check: raises UsageError for a prompt that is too long.
        """
        tally = cls()
        with seen_set() as new_source, seen_set() as new_prompt:
            for job in jobs:
                if is_there(job):
                    tally.there += 1
                    continue
                tally.images += 1
                tally.steps += steps_for(job.r)
                if job.source:
                    tally.sources += new_source(bytes.fromhex(job.source.sha256))
                if new_prompt(job.prompt.encode()):
                    tally._try(job.prompt, check)
        return tally

    def _try(self, prompt: str, check: Callable[[str], None]) -> None:
        try:
            check(prompt)
        except UsageError as error:
            self.too_long += 1
            self.reason = self.reason or str(error)


@dataclass(frozen=True)
class Estimate:
    """What a run would make, and what it would take.

    Attributes:
        size: side of the images in pixels.
        model: its identity.
        batch: slots, device and precision, in words.
        workers: what makes the images.
        seconds: of all solver steps, by one that was timed; None: this machine has no such device to time one on.
        disk: bytes that the images take.
        elsewhere: seconds by the model of a GPU, where they follow from published step times.
    """

    tally: Tally
    size: int
    model: str
    batch: str
    workers: Workers
    seconds: float | None
    disk: float
    elsewhere: Mapping[str, float] = field(default_factory=dict)

    @property
    def steps_each(self) -> int:
        """Solver steps of one worker, about."""
        return -(-self.tally.steps // max(1, self.workers.count))

    @classmethod
    def of(
        cls,
        tally: Tally,
        located: Located,
        chosen: Choices,
        engine: Engine[Job] | None,
        image_format: Format,
        workers: Workers,
        rows: int,
    ) -> Estimate:
        """Time a step of the engine and put it all together.

        Args:
            located, chosen: the model, and how it is run.
            engine: one of the workers', loaded here; None: it cannot be.
            workers: those that make the images.
            rows: UNet rows of a step.
        """
        from genie_cli.diffusion import configuration
        from genie_cli.diffusion.stable_diffusion import StableDiffusion

        found = configuration.read(located.path)
        size, is_published = found.image_side, isinstance(found.family, StableDiffusion)
        step = _time_step(engine, workers.threads) if engine else None
        slots = engine.slots if engine else chosen.slots  # fewer than chosen, if memory ran out
        return cls(
            tally=tally,
            size=size,
            model=located.identity,
            batch=f"{slots} slots on {chosen.device}, {chosen.dtype}",
            workers=workers,
            seconds=None if step is None else workers.seconds(tally.steps, tally.images, slots, step),
            disk=tally.images * _bytes(size, image_format) + tally.probes * _bytes(size, PROBE_FORMAT),
            elsewhere=seconds_elsewhere(tally.steps, rows)
            if is_published and size == SIDE and chosen.device.type != "cuda"
            else {},
        )


def _bytes(size: int, image_format: Format) -> float:
    """Of a file, about."""
    return size**2 * _BYTES_PER_PIXEL[image_format] + _PROVENANCE_BYTES


def _time_step(engine: Engine[Job], threads: int) -> float:
    """Seconds that a step takes with so many threads; 0: with those that this process has."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        return engine.seconds_per_step()
    finally:
        torch.set_num_threads(before)
