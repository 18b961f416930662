"""Plans and manifests for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from genie_cli import manifest
from genie_cli.header import Header, Kind, RunSettings
from genie_cli.jobs import Job, Method, Source
from genie_cli.manifest import Row, Status

HEADER = Header(kind="genie.manifest", source_root="/photos", settings=RunSettings(steps=50), versions={"torch": "2.7"})
PLAN = Header(kind="genie.plan")


def a_job(target: str = "fox", **changes: Any) -> Job:
    source = Source(path="cat/Köter 🐈.png", sha256=sha256(b"a cat").hexdigest(), label="cat")
    given_fields = {"source": source, "target": target, "prompt": f"A photo of a {target}", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc123", **changes})


def a_row(job: Job | None = None, status: Status = Status.MADE, **changes: Any) -> Row:
    job = job or a_job()
    if status is Status.MADE:
        changes = {"file": f"train/{job.id}.jpg", "sha256": "0" * 64, "slots": 8, **changes}
    return Row(job, status, **changes)


def document(text: str, kind: Kind | None = None) -> manifest.Document:
    return manifest.read(StringIO(text), "m.jsonl", kind)


def on_disk(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as stream:
        return list(manifest.read(stream, str(path)).rows())


def excerpt(header: str, rows: Iterable[str]) -> str:
    """A manifest of some of its rows, by its lines without line breaks."""
    said = json.loads(header)
    said.pop("rows", None)
    return "\n".join([json.dumps(said), *rows]) + "\n"


def edited(row: Row, **changes: Any) -> str:
    return json.dumps({**json.loads(row.line()), **changes}) + "\n"
