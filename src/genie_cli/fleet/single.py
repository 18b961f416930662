"""A maker with one engine in this process. Sources are read, and files encoded, in threads beside the model."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.fleet import sources
from genie_cli.fleet.maker import Encoded, Encoder, in_order
from genie_cli.jobs import Job, Plan, Source
from genie_cli.observer import Progress

if TYPE_CHECKING:
    from PIL.Image import Image

    from genie_cli.diffusion.engine import Engine

_READ_AHEAD = 16  # sources
_WAITING = 64  # images that are being encoded


@dataclass(frozen=True)
class Single:
    """See `maker.Maker`.

    Attributes:
        source_root: folder that the sources' paths are relative to; it is only read.
    """

    engine: Engine[Job]
    source_root: Path | None
    encoder: Encoder

    @property
    def clock(self) -> Clock:
        return self.engine.clock

    def __enter__(self) -> Single:
        return self

    def __exit__(self, *error: object) -> None: ...

    def steps_for(self, r: float) -> int:
        return self.engine.denoiser.steps_for(r)

    def make(self, jobs: Plan, progress: Progress) -> Generator[Encoded, None, None]:
        with ThreadPoolExecutor(2, "read") as readers, ThreadPoolExecutor(2, "encode") as encoders:
            requests = self._requests(jobs, readers)
            with closing(self.engine.run(requests, progress.advance)) as results:
                futures = (encoders.submit(self.encoder, result) for result in results)
                yield from in_order(futures, _WAITING, self.clock, "write")

    def _requests(self, jobs: Iterable[Job], readers: ThreadPoolExecutor) -> Iterator[Request[Job]]:
        """Requests, with the sources of the next few jobs already being read and cut to size."""
        reading: OrderedDict[str, Future[Image]] = OrderedDict()
        ahead = iter(jobs)
        window: deque[Job] = deque()
        while True:
            while len(window) < _READ_AHEAD and (job := next(ahead, None)):
                window.append(job)
                if source := job.source:
                    if source.sha256 not in reading:
                        reading[source.sha256] = readers.submit(self._fitted, source)
                    reading.move_to_end(source.sha256)
            if not window:
                return
            job = window.popleft()
            image = reading[job.source.sha256] if job.source and job.method.uses_source else None
            yield request(job, image, self.clock)
            while len(reading) > 2 * _READ_AHEAD:
                reading.popitem(last=False)

    def _fitted(self, source: Source) -> Image:
        return sources.read(self.source_root, source).fitted(self.engine.snapshot)


def request(job: Job, image: Future[Image] | None, clock: Clock) -> Request[Job]:
    """A job as the engine takes it.

    Args:
        image: its source, cut to size; the engine waits for it when it starts the job.
        clock: told how long that took.
    """
    picture = None
    if job.source and image:
        picture = SourceImage(job.source.sha256, partial(clock.timed, "read", image.result))
    return Request(job, job.prompt, job.r, job.noise_seed, picture)
