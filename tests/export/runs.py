"""What `genie generate` leaves, made without a model, and photos beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genie_cli import manifest, provenance
from genie_cli.config import Format
from genie_cli.generate.paths import file_of
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Job, Method, Source
from genie_cli.judgement import Judgement
from genie_cli.manifest import Row, Status

TARGETS = ("fox 🦊", "a/b", "test")
PHOTOS = ("cat", "fox 🦊")
SETTINGS = {"model": "sd15@abc", "steps": 50, "guidance": 7.5}
ACCEPTED = Judgement(oracle="eye@1", target_probability=0.75, top="fox 🦊", consistent=True, accepted=True)


def pixels(seed: int, width: int = 48, height: int = 48) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def photo(path: Path, seed: int, kind: str = "JPEG", **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed, 90, 60)).save(path, format=kind, **more)
    return path


def photos(root: Path, count: int = 3) -> Path:
    """A few photos of each class, JPEG and PNG."""
    for number, label in enumerate(PHOTOS):
        for index in range(count):
            kind = ("JPEG", "PNG")[index % 2]
            photo(root / label / f"IMG {index}.{kind.lower()}", 10 * number + index, kind)
    return root


def jobs(root: Path, targets: Sequence[str] = TARGETS, r: float = 0.8) -> list[Job]:
    """A job for each target and photo of another class, and one without a photo for each target."""
    found = []
    for target in targets:
        common: dict[str, Any] = {"target": target, "prompt": f"A photo of a {target}", "model": "sd15@abc"}
        found.append(Job(source=None, method=Method.TXT2IMG, r=1.0, **common))
        for path in sorted(root.rglob("*.*")):
            if path.parent.name != target:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                source = Source(path=path.relative_to(root).as_posix(), sha256=digest, label=path.parent.name)
                found.append(Job(source=source, method=Method.GENIE, r=r, **common))
    return found


def image(job: Job, image_format: Format = Format.JPG) -> bytes:
    return provenance.encode(pixels(int(job.id[:6], 16)), image_format, job, SETTINGS)


def made(root: Path, job: Job, image_format: Format = Format.JPG, judgement: Judgement | None = ACCEPTED) -> Row:
    """The row of a job, and its image on disk."""
    name, data = file_of(job, image_format), image(job, image_format)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)
    row = Row(job, Status.MADE, name, hashlib.sha256(data).hexdigest(), 8)
    return row.judged(judgement) if judgement else row


def write(root: Path, rows: Sequence[Row], source_root: Path | None, **settings: Any) -> Path:
    """The manifest of these rows."""
    header = Header(
        kind="genie.manifest",
        source_root=str(source_root) if source_root else None,
        settings=RunSettings.model_validate({**SETTINGS, **settings}),
    )
    root.mkdir(parents=True, exist_ok=True)
    path = root / "manifest.jsonl"
    lines = manifest.lines_of(header, [row.line() for row in rows], len(rows))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(root: Path, source_root: Path) -> list[Row]:
    """A run of all jobs on some photos."""
    rows = [made(root, job) for job in jobs(source_root)]
    write(root, rows, source_root)
    return rows


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")
