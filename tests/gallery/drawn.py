"""A manifest of digits that no model made: other digits stand for what was made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from genie_cli import manifest
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.gallery.items import Contents, Item
from genie_cli.header import Header
from genie_cli.jobs import Job, Method, Source
from genie_cli.judgement import Judgement
from genie_cli.manifest import Row, Status
from genie_cli.oracle.verdict import Verdict
from tests.manifests import HEADER

MODEL = "digits@0123456789ab"
RATIOS = (0.6, 0.8)


def digit(place: int) -> bytes:
    data = BytesIO()
    Image.fromarray(DigitsInTheWild("test")[place].image).save(data, "PNG")
    return data.getvalue()


def sources(root: Path, names: Sequence[str] = CLASSES[:3], each: int = 2) -> list[Source]:
    """Digits as photos of these classes."""
    found = []
    for place, name in enumerate(names):
        for number in range(each):
            path, data = root / f"class-{place}" / f"{number}.png", digit(10 * number + place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            found.append(Source(path=path.relative_to(root).as_posix(), sha256=digest, label=name))
    return found


def run(root: Path, targets: Sequence[str], names: Sequence[str] = CLASSES[:3], model: str = MODEL) -> Path:
    """Every source under every target at two noise ratios, judged; the manifest of the run."""
    rows: list[Row] = []
    for source in sources(root / "photos", names):
        for target in targets:
            for r in RATIOS if source.label != target else ():
                job = Job(source=source, target=target, prompt=target, method=Method.GENIE, r=r, model=model)
                name, data = f"train/{job.id}.png", digit(100 + len(rows))
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_bytes(data)
                made = Row(job, Status.MADE, name, hashlib.sha256(data).hexdigest(), 8)
                rows.append(made.judged(judgement(r, r > 0.7)))
    header = Header(kind="genie.manifest", source_root=str(root / "photos"))
    path = root / "manifest.jsonl"
    path.write_text("".join(manifest.lines_of(header, [row.line() for row in rows], len(rows))), encoding="utf-8")
    return path


def judgement(target: float = 0.75, consistent: bool = True, **more: object) -> Judgement:
    verdict = Verdict.HARD if consistent else Verdict.MISLABELLED
    said = {"target_probability": target, "source_probability": 1 - target, "consistent": consistent}
    return Judgement.model_validate({**said, "verdict": verdict.value, **more})


def contents(rows: Sequence[Row]) -> Contents:
    """Rows without files."""
    return Contents("m.jsonl", HEADER, [Item(row, Path(row.file) if row.file else None, None) for row in rows])
