"""What a plan amounts to, counted in one pass that holds none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from genie_cli.errors import UsageError
from genie_cli.files import seen_set
from genie_cli.jobs import Job


@dataclass
class Tally:
    """Counts of a plan.

    Attributes:
        sources: different ones, by their content.
        steps: of the solver, over all images.
        too_long: prompts that the model cannot read whole, and the reason why the first would fail.
    """

    images: int = 0
    sources: int = 0
    steps: int = 0
    too_long: int = 0
    reason: str = ""

    @classmethod
    def of(cls, jobs: Iterable[Job], steps_for: Callable[[float], int], check: Callable[[str], None]) -> Tally:
        """Count.

        Args:
            steps_for: solver steps at a noise ratio.
            check: raises UsageError for a prompt that is too long.
        """
        tally = cls()
        with seen_set() as new_source, seen_set() as new_prompt:
            for job in jobs:
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
