"""Runs of a small plan in an output folder without a model, whole or cut short, and what they leave."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from genie_cli import manifest
from genie_cli.config import Format
from genie_cli.generate.folder import Output
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Job, Method, Source
from genie_cli.manifest import Row, Status
from genie_cli.recipe import Recipe

SETTINGS = {"steps": 50, "guidance": 7.5, "plans": [{"targets": ["fox"]}]}
HEADER = Header(kind="genie.manifest", settings=RunSettings.model_validate(SETTINGS), versions={"torch": "2.7"})
RECIPE = Recipe(targets=("fox 🦊", "a/b", "test"), method=Method.TXT2IMG, r=(1.0,), per_target=4, model="sd15@abc")
PLAN = tuple(RECIPE.jobs([]))


def a_job(target: str = "fox", **changes: Any) -> Job:
    source = Source(path="cat/1.png", sha256=sha256(b"a cat").hexdigest(), label="cat")
    given_fields = {"source": source, "target": target, "prompt": f"A photo of a {target}", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc", **changes})


def with_settings(**changes: Any) -> Header:
    return Header(
        kind="genie.manifest", settings=RunSettings.model_validate({**SETTINGS, **changes}), versions={"torch": "2.7"}
    )


def image_of(job: Job) -> bytes:
    return f"image of {job.id}".encode()


def save(out: Output, jobs: Iterable[Job]) -> None:
    """Every fourth job fails; which one depends on the job alone."""
    for job in jobs:
        if int(job.id, 16) % 4:
            out.save(job, image_of(job), Format.PNG, 8)
        else:
            out.note(Row(job, Status.FAILED, reason="no luck"))


def run(out: Output, share: Sequence[Job], plan: Sequence[Job] = PLAN) -> list[Row]:
    with out.opened():
        save(out, share)
        out.finish(plan)
    return rows(out)


def known(out: Output) -> set[str]:
    """Ids of the jobs that earlier runs noted."""
    return {row.job.id for row in out.known().in_order([])}


def rows(out: Output) -> list[Row]:
    with out.manifest.open(encoding="utf-8") as stream:
        return list(manifest.read(stream, "manifest", "genie.manifest").rows())


def documents(root: Path) -> tuple[bytes, bytes]:
    return (root / "manifest.jsonl").read_bytes(), (root / "train/metadata.jsonl").read_bytes()


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def killed(out: Output, jobs: Iterable[Job]) -> None:
    """A run that makes ``jobs`` and ends before it could finish."""
    with suppress(KeyboardInterrupt), out.opened():
        save(out, jobs)
        raise KeyboardInterrupt


def refuse(number: int) -> Any:
    def refuses(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuses
