"""Reads the sources of the next jobs in threads, and keeps the last few."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from genie_cli.fleet import sources
from genie_cli.fleet.sources import SourceFile
from genie_cli.jobs import Job, Source

_AHEAD = 16  # sources


class Reader:
    """Source files by their content; used from one thread.

    Args:
        root: folder that the sources' paths are relative to; it is only read.
    """

    def __init__(self, root: Path | None) -> None:
        self._read = partial(sources.read, root)
        self._pool = ThreadPoolExecutor(2, "read")
        self._files: OrderedDict[str, Future[SourceFile]] = OrderedDict()

    def expect(self, jobs: Iterable[Job]) -> None:
        """Begin to read the sources of these jobs, the first few of them."""
        wanted = {job.source.sha256: job.source for job in jobs if job.source}
        for source in islice(wanted.values(), _AHEAD):
            self._begin(source)

    def get(self, source: Source) -> SourceFile:
        """A source's file; raises ImageError as `sources.read` does."""
        return self._begin(source).result()

    def _begin(self, source: Source) -> Future[SourceFile]:
        if source.sha256 not in self._files:
            self._files[source.sha256] = self._pool.submit(self._read, source)
        self._files.move_to_end(source.sha256)
        while len(self._files) > 2 * _AHEAD:
            self._files.popitem(last=False)
        return self._files[source.sha256]

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
