"""What a run on episodes leaves: its results on stdout and in files, and the lists of episodes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genie_cli.cli._console import wants_lines, words
from genie_cli.evaluate import saving
from genie_cli.fewshot.options import FewShotOptions, Listed
from genie_cli.files import require_own, write_atomically

if TYPE_CHECKING:
    from genie_cli.fewshot.records import Record
    from genie_cli.fewshot.study import Outcome


def records_of(asked: FewShotOptions, backbone: str, listed: Listed, outcomes: Sequence[Outcome]) -> Iterator[Record]:
    """What came of each augmentation on one list of episodes, and what the paper says of it.

    Args:
        backbone: its identity.
    """
    from genie_cli.evaluate.statistics import estimate, paired_difference
    from genie_cli.fewshot.records import Record

    spec, dataset, task = listed.spec, asked.dataset.value, asked.task
    # Of the paper's table only what was measured as in the paper.
    known = "" if asked.partial or asked.wanted.classifier != task.classifier else asked.network
    wanted = asked.baseline or "weak"
    baseline = next((outcome for outcome in outcomes if outcome.augmentation.label == wanted), None)
    for outcome in outcomes:
        name = outcome.augmentation.label
        accuracy = estimate(100 * outcome.accuracies)
        gain = paired_difference(100 * outcome.accuracies, 100 * baseline.accuracies) if baseline else None
        yield Record(
            dataset=dataset,
            backbone=backbone,
            classifier=asked.wanted.classifier,
            ways=spec.ways,
            shots=spec.shots,
            queries=spec.queries,
            episodes=accuracy.count,
            episode_list=listed.sha256,
            augmentation=name,
            accuracy=round(accuracy.mean, 4),
            interval=round(accuracy.half_width, 4),
            baseline=wanted if gain else None,
            difference=round(gain.mean, 4) + 0.0 if gain else None,  # -0.0 becomes 0.0
            difference_interval=round(gain.half_width, 4) if gain else None,
            added=round(outcome.added, 3),
            rejected=round(outcome.rejected, 4),
            paper=task.paper(dataset, known, spec.ways, spec.shots, name),
        )


def prepare(out: Path, lists: Sequence[Listed]) -> None:
    """As `saving.prepare`, for the lists of episodes, too."""
    from genie_cli.fewshot.records import Record

    saving.prepare(out, Record)
    for listed in lists:
        require_own(_list_file(out, listed), '{"kind": "genie.episodes"')


def save(out: Path, lists: Sequence[Listed], records: Sequence[Record]) -> None:
    """Write the results and the lists of episodes, each whole or not at all."""
    from genie_cli.fewshot.records import Record

    for listed in lists:
        write_atomically(_list_file(out, listed), listed.text.encode())
    saving.save(out, Record, records)


def _list_file(out: Path, listed: Listed) -> Path:
    return out / f"episodes-{listed.spec.ways}-way-{listed.spec.shots}-shot.jsonl"


def show(asked: FewShotOptions, records: Sequence[Record], as_json: bool) -> None:
    """The results on stdout; in words what the oracle rejected, what else the paper says, and where everything is."""
    from genie_cli.evaluate.results import lines
    from genie_cli.fewshot.records import table

    if wants_lines(as_json):
        sys.stdout.write(lines(records))
    else:
        Console().print(table(records))
    for record in (record for record in records if record.rejected):
        share = f"{record.rejected:.1%}"
        words().print(f"{record.augmentation}, {record.shots}-shot: the oracle rejected {share} of the images")
    remark = asked.task.remark(asked.dataset.value)
    if remark and any(record.paper is not None for record in records):
        words().print(remark, soft_wrap=True)
    words().print(f"results.jsonl, results.csv and the lists of episodes are in {asked.out}", soft_wrap=True)
