"""`genie demo`: the main job on real pictures, with a model that works, and nothing to download."""

from __future__ import annotations

import os
import shlex
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from genie_cli import manifest
from genie_cli.cli.console import words
from genie_cli.cli.inputs import Inputs
from genie_cli.cli.running import run
from genie_cli.config import Format, Generate, Model, Output, Settings
from genie_cli.manifest import Status

if TYPE_CHECKING:
    from PIL import Image

RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PHOTOS_PER_CLASS = 6


def demo(
    out: Annotated[Path, Option(help="Folder for the demo.")] = Path("genie-demo"),
) -> None:
    """Make hard negatives from bundled photographs with the bundled model, without a download.

    Example: genie demo
    """
    from genie_cli.data.digits import CLASSES, DigitsInTheWild
    from genie_cli.output import explained

    console = words()
    photos, negatives = out / "photos", out / "negatives"
    if not os.path.exists(photos):  # Path.exists raises where a parent may not be searched
        # Whole or not at all, so that a demo killed here can be typed again.
        partial = out / "photos.partial"
        with explained(out):
            DigitsInTheWild("test").save(partial, PHOTOS_PER_CLASS)
            partial.rename(photos)
    console.print(f"photos: {PHOTOS_PER_CLASS} of each class, {CLASSES[0]} to {CLASSES[-1]}, in {photos}")
    settings = Settings(
        generate=Generate(r=RATIOS, per_target=1),
        model=Model(name="digits"),
        output=Output(dir=str(negatives), format=Format.PNG),
    )
    command = ["genie", "generate", "--model", "digits", "--src-dir", str(photos), "--targets", ",".join(CLASSES)]
    command += ["--per-target", "1", *(word for r in RATIOS for word in ("--r", str(r)))]
    command += ["--format", "png", "--out", str(negatives)]
    console.print(f"now running: {shlex.join(command)}", soft_wrap=True)
    run(settings, Inputs(photos, targets=",".join(CLASSES)), given=set())
    sheet = out / "contact-sheet.png"
    with explained(out):
        _draw(photos, negatives).save(sheet)
    for line in (
        f"\nLook at {sheet}: each row is a photo, and what it becomes as the noise r rises.",
        "Next, your own photos: genie generate --src-dir photos --targets lynx,ocelot --r 0.8",
        "That downloads Stable Diffusion 1.5 once; genie doctor says whether this machine is ready.",
    ):
        console.print(line, soft_wrap=True)


def _draw(photos: Path, negatives: Path) -> Image.Image:
    """The contact sheet: a row per target, its source first, then r rising."""
    from genie_cli.data.images import decode
    from genie_cli.report.contact_sheet import contact_sheet

    with (negatives / "manifest.jsonl").open(encoding="utf-8") as stream:
        made = [row for row in manifest.read(stream, "manifest").rows() if row.status is Status.MADE]
    pictures, captions = [], []
    for target, group in groupby(sorted(made, key=lambda row: (row.job.target, row.job.r)), lambda row: row.job.target):
        rows = list(group)
        assert rows[0].job.source is not None  # noqa: S101 - the method is genie
        source = rows[0].job.source
        paths = [photos / source.path, *(negatives / row.file for row in rows)]
        pictures.append([decode(path.read_bytes(), path) for path in paths])
        captions.append(f"{source.label} to {target}")
    return contact_sheet(pictures, ["source", *(f"r = {r}" for r in RATIOS)], captions)
