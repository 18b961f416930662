"""Candidate labels: the classes among which an oracle chooses. They decide what it says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from genie_cli.errors import UsageError, did_you_mean
from genie_cli.jobs import Job
from genie_cli.oracle.class_map import ClassMap


class Candidates(StrEnum):
    """The classes that share the probability of 1.

    With all classes the test is stricter: an image of a third class is inconsistent. The paper's authors took
    the arg-max over an episode's five classes.
    """

    ALL = "all"
    PAIR = "target,source"
    EPISODE = "episode"  # all targets of the manifest

    @classmethod
    def parse(cls, text: str) -> Candidates:
        """The candidates of that name; UsageError if there are none."""
        if text not in list(cls):
            known = tuple(member.value for member in cls)
            raise UsageError(
                f"--candidates: {text!r} is not one of {' | '.join(known)}{did_you_mean(text, known)}",
                "see genie oracle --help",
            )
        return cls(text)


class CandidateClasses:
    """For each job, the oracle's classes to choose from.

    Args:
        jobs: of the manifest, made or not, so that an image that failed does not change the others' columns.

    Raises:
        UsageError: the oracle does not know a target, or some job has fewer than two candidates.
    """

    def __init__(self, candidates: Candidates, classes: ClassMap, jobs: Sequence[Job]) -> None:
        self._candidates, self._classes = candidates, classes
        self._all = list(range(len(classes.vocabulary)))
        targets = {job.target for job in jobs}
        classes.require(targets)
        if candidates is Candidates.PAIR:
            if any(job.source is None for job in jobs):
                raise UsageError(
                    "--candidates target,source: there are images without a source", "use --candidates all"
                )
            sources = {job.source.label for job in jobs if job.source}
            classes.require(sources, "or use --candidates all, for which sources need none")
        self._episode = sorted({classes.known[target] for target in targets})
        if alone := next((job for job in jobs if len(self.of(job)) < 2), None):
            raise UsageError(
                f"--candidates {candidates.value}: for {alone.target!r} there is only one class to choose from",
                "use --candidates all",
            )

    def of(self, job: Job) -> list[int]:
        """Indices of the oracle's classes, ascending; the target's is always one of them."""
        if self._candidates is Candidates.ALL:
            return self._all
        if self._candidates is Candidates.EPISODE:
            return self._episode
        labels = {job.target} | ({job.source.label} if job.source else set())
        return sorted({self._classes.known[label] for label in labels})
