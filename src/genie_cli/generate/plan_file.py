"""A plan in a file or from a pipe: checked once, then read as often as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from genie_cli import manifest
from genie_cli.errors import ManifestError
from genie_cli.files.json_lines import is_pipe, open_lines
from genie_cli.files.reading import state_of
from genie_cli.files.temporary import copied, seen_set
from genie_cli.jobs import Job, Plan
from genie_cli.manifest import path_of


class PlanFile:
    """A plan whose every line is a job. Of it only the numbers of repeated lines are held in memory.

    Args:
        path: the file; it must stay as it is.
        name: what errors call it.

    Attributes:
        models: that its jobs are for.
        uses_sources: whether any of its jobs has a source.

    Raises:
        ManifestError: it cannot be read, is no plan, has no jobs, or has a line that is no job; when its jobs are gone
            through again, also that it has been changed.
    """

    def __init__(self, path: str, name: str) -> None:
        self.name, self._path = name, path
        with open_lines(path) as stream:
            self.header = manifest.read(stream, name).header
            self._before = state_of(stream.fileno())
        self.models: set[str] = set()
        self.uses_sources = False
        self._repeats: set[int] = set()
        self._look_through()

    @property
    def jobs(self) -> Plan:
        """The plan; of two lines for one job the first counts."""
        return Plan(lambda: (job for place, job in enumerate(self._lines()) if place not in self._repeats))

    def _look_through(self) -> None:
        with seen_set() as is_new:
            for place, job in enumerate(self._lines()):
                self.models.add(job.model)
                self.uses_sources |= job.source is not None
                if not is_new(bytes.fromhex(job.id)):
                    self._repeats.add(place)
        if not self.models:
            raise ManifestError(self.name, 0, "has no jobs")

    def _lines(self) -> Iterator[Job]:
        with open_lines(self._path) as stream:
            if state_of(stream.fileno()) != self._before:
                raise ManifestError(self.name, 0, "has changed meanwhile", "type the same command again")
            yield from manifest.read(stream, self.name, whole=True).jobs()


@contextmanager
def opened(plan: str) -> Iterator[PlanFile]:
    """The plan at a path or on standard input ("-"); what can be read only once is copied to a file first."""
    if not is_pipe(plan):
        yield PlanFile(str(path_of(plan)), plan)
        return
    with ExitStack() as held:
        with open_lines(plan) as stream:
            path = held.enter_context(copied(stream.buffer))
        yield PlanFile(str(path), "standard input" if plan == "-" else plan)
