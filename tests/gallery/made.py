"""A run whose names, failures and judgements are of every kind, made without a model."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genie_cli.jobs import Job, Method, Source
from genie_cli.judgement import Judgement
from genie_cli.manifest import Row, Status
from genie_cli.oracle.verdict import Verdict
from genie_cli.selection import Selection
from tests.export import runs

HOSTILE = (
    "<img src=x onerror=\"document.title='ran'\">",
    "</script><script>document.title='ran'</script>",
    'it\'s "quoted" \\ `x` ${y} %41 #&+?;',
    "שלום \u202e cba",
    "fox 🦊",
    "line\u2028separator",
    "constructor",
    "__proto__",
)
RATIOS = (0.5, 0.8, 1.0)


def photos(root: Path) -> Path:
    for number, label in enumerate(("cat", "<b>dog</b>", HOSTILE[2])):
        for index in range(2):
            runs.photo(root / label.replace("/", "∕") / f"IMG #{index} 50%.jpg", 10 * number + index)
    return root


def jobs(photos: Path, targets: Sequence[str] = HOSTILE, ratios: Sequence[float] = RATIOS) -> list[Job]:
    """A job for each photo, target and ratio, and one without a photo for each target."""
    found = []
    for target in targets:
        common: dict[str, Any] = {"target": target, "prompt": f"A photo of a {target}", "model": "sd15@abc"}
        found.append(Job(source=None, method=Method.TXT2IMG, r=1.0, **common))
        for path in sorted(photos.rglob("*.jpg")):
            label = path.parent.name.replace("∕", "/")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            source = Source(path=path.relative_to(photos).as_posix(), sha256=digest, label=label)
            if label != target:
                found += [Job(source=source, method=Method.GENIE, r=r, **common) for r in ratios]
    return found


def judgement(dice: random.Random, job: Job) -> Judgement:
    consistent = dice.random() < 0.7
    similarity = None if job.source is None else round(dice.random(), 6)
    return Judgement(
        oracle="eye@1",
        target_probability=round(dice.random(), 6),
        top=job.target if consistent else "cat",
        consistent=consistent,
        verdict=Verdict.of(consistent, similarity).value,
        source_similarity=similarity,
        accepted=consistent,
    )


def run(root: Path, photos: Path) -> list[Row]:
    """Images on disk and their manifest: judged, selected or not, failed, skipped, missing, broken and changed."""
    dice = random.Random(0)
    rows = []
    for number, job in enumerate(jobs(photos)):
        kind = number % 12
        if kind == 1:
            rows.append(Row(job, Status.FAILED, reason="is truncated <b>really</b>"))
            continue
        if kind == 2:
            rows.append(Row(job, Status.SKIPPED, reason="a source of its own class"))
            continue
        row = replace(runs.made(root, job, judgement=None), slots=0)  # which their images do not state, either
        if kind != 3:
            row = row.judged(judgement(dice, job))
        if kind in (4, 5):
            row = row.marked(Selection(selected=kind == 4, reason="" if kind == 4 else "--balanced"))
        rows.append(row)
    runs.write(root, rows, photos)
    return rows
