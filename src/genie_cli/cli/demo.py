"""`genie demo`: the whole chain on real pictures, with the bundled models, and nothing to download."""

from __future__ import annotations

import shlex
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genie_cli import manifest
from genie_cli.cli._console import ConsoleObserver, only_words, stdout
from genie_cli.cli._options import OUTPUT, RUN, option
from genie_cli.config import BUNDLED
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import OutputError
from genie_cli.files.reading import is_folder, look
from genie_cli.files.writing import (
    clear_unfinished,
    create,
    require_own,
    reraise_as_output_error,
    write_atomically,
)
from genie_cli.manifest import Status

if TYPE_CHECKING:
    from PIL import Image

RATIOS = ("0.5", "0.6", "0.7", "0.8", "0.9", "1.0")
PHOTOS_PER_CLASS = 20
EPISODES = 15
# Fewer solver steps than the usual 50: a little sharpness for a lot of time.
_SETTINGS = """# The settings of genie demo.
[generate]
steps = 20
per_target = 1
top_k = 2

[model]
name = "digits"

[output]
format = "png"

[fewshot]
shots = [1]
episodes = {episodes}

[finegrained]
episodes = {episodes}

[longtail]
seeds = [0]
"""
_AUGMENT = "none,weak,img2img-h,txt2img,genie"
_RESULTS = ("fewshot", "fewshot-lite0", "longtail", "finegrained")  # folders
_TAIL, _KINDS = "none,txt2img,genie", "weak,txt2img,genie"


def demo(
    ctx: typer.Context,
    out: Annotated[Path, option(help="Folder for the demo.", panel=OUTPUT, metavar="DIR", default="genie-demo")] = Path(
        "genie-demo"
    ),
    all_: Annotated[
        bool, option("--all", help="Show the long-tailed and fine-grained benchmarks, too.", panel=RUN)
    ] = False,
) -> None:
    """Run the whole chain on bundled photographs with the bundled models, without a download.

    Which classes are confused with each other, hard negatives from those, an oracle's judgement of them, and what they
    do for few-shot classification; at the end a page that shows all of it. A demo that was stopped resumes when the
    same command is run again.

    Example: genie demo
    """
    with only_words():
        _demo(ctx, out, all_)


def _demo(ctx: typer.Context, out: Path, all_: bool) -> None:
    photos, negatives = out / "photos", out / "negatives"
    confusion, config = out / "confusion.json", out / "genie.toml"
    _require_own(out, config)
    _write_settings(config)  # first: it marks the folder as the demo's
    with ConsoleObserver().progress("Painting photographs"):
        _paint(photos)
    stdout().print(f"photos: {PHOTOS_PER_CLASS} of each class, in {photos}")

    _say("1. Which classes does a classifier confuse with each other?")
    _run(ctx, "confuse", "--src-dir", photos, "--backbone", BUNDLED, "--out", confusion, "--pairs", 5)

    measured = Confusion.read(confusion)
    targets = ",".join(label for label in measured.labels if label not in measured.never_confused())
    _say("2. Hard negatives: photos of the classes most confused with each target, under the target's prompt")
    what = ["--src-dir", photos, "--targets", targets, "--confusion", confusion, "--r", ",".join(RATIOS)]
    _run(ctx, "generate", *what, "--out", negatives, "--config", config)
    _draw(photos, negatives, out / "contact-sheet.png")

    _say("3. Does each image show what its label says, and is it still similar to its source?")
    _run(ctx, "oracle", negatives / "manifest.jsonl", "--out", negatives / "judged.jsonl")

    _say("4. What do such images do for a classifier that has one real image per class?")
    _compare(ctx, out, config)
    if all_:
        _other_benchmarks(ctx, out, config)

    _say(f"{7 if all_ else 5}. All of it in a page")
    shown = [out / name for name in _RESULTS if is_folder(out / name)]
    what = ["--confusion", confusion, *(word for folder in shown for word in ("--results", folder))]
    _run(ctx, "gallery", negatives / "judged.jsonl", *what, "--out", out / "gallery")
    _point_on(out, all_)


def _compare(ctx: typer.Context, out: Path, config: Path) -> None:
    """The same images for two backbones: the bundled encoder, and one that sees more than the digit."""
    from genie_cli.backbones import lite0

    _run(ctx, "fewshot", "--augment", _AUGMENT, "--out", out / "fewshot", "--config", config)
    if lite0.is_installed():
        same = ["--manifest", out / "fewshot" / "images", "--backbone", lite0.SMALL, "--out", out / "fewshot-lite0"]
        _run(ctx, "fewshot", "--augment", _AUGMENT, *same, "--config", config)
    else:
        stdout().print(f"With a backbone that sees backgrounds, too: {lite0.INSTALL}", soft_wrap=True)
    stdout().print(f"{EPISODES} episodes only, so the intervals are wide; genie fewshot takes 600 by default.")


def _require_own(out: Path, config: Path) -> None:
    """Raise OutputError if the folder has files, and not those of a demo."""
    require_own(config, _SETTINGS.partition("\n")[0])
    if not look(config) and is_folder(out) and any(out.iterdir()):
        raise OutputError(f"{out} has files that are not genie demo's", "name a new folder: --out genie-demo-2")


def _write_settings(path: Path) -> None:
    """Fewer seeds and episodes than the defaults, so that the demo is short."""
    with reraise_as_output_error(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    settings = _SETTINGS.format(episodes=EPISODES)
    require_own(path, settings)
    write_atomically(path, settings.encode())


def _other_benchmarks(ctx: typer.Context, out: Path, config: Path) -> None:
    _say("5. And for the rare classes of a long-tailed data set?")
    _run(ctx, "longtail", "--augment", _TAIL, "--out", out / "longtail", "--config", config)

    _say("6. And for fine-grained classes, tested on a whole test split?")
    _run(ctx, "finegrained", "--augment", _KINDS, "--out", out / "finegrained", "--config", config)


def _point_on(out: Path, all_: bool) -> None:
    """What to look at, and what to do next."""
    stdout().print()
    if not all_:
        stdout().print("The two other benchmarks, long-tailed and fine-grained: genie demo --all", soft_wrap=True)
    for line in (
        f"Open {out / 'gallery/index.html'} in a browser: every image, its source, the oracle's verdict, and figures.",
        f"Or look at {out / 'contact-sheet.png'}: each row is a photo, and what it becomes as the noise r rises.",
        "Next, your own photos: genie generate --src-dir photos --targets lynx,leopard --r 0.8",
        "That downloads Stable Diffusion 1.5 once; genie doctor says whether this machine is ready.",
    ):
        stdout().print(line, soft_wrap=True)


def _paint(photos: Path) -> None:
    """Write the photographs that are not there yet, each completely or not at all."""
    from PIL import Image

    from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild

    digits = DigitsInTheWild("test")
    with reraise_as_output_error(photos.parent):
        for index in range(PHOTOS_PER_CLASS * len(CLASSES)):
            path = photos / CLASSES[index % len(CLASSES)] / f"test-{index:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_unfinished(path)
            if not look(path):
                drawn = BytesIO()
                Image.fromarray(digits[index].image).save(drawn, "PNG")
                create(path, drawn.getvalue())


def _say(heading: str) -> None:
    stdout().print()
    stdout().print(heading, style="bold", soft_wrap=True)


def _run(ctx: typer.Context, *command: object) -> None:
    """Print a command as a person would type it, and run it in this process."""
    words = [str(word) for word in command]
    stdout().print(shlex.join(["genie", *words]), style="cyan", soft_wrap=True)
    code = ctx.find_root().command.main(words, prog_name="genie", standalone_mode=False)
    if code:
        raise typer.Exit(code)


def _draw(photos: Path, negatives: Path, sheet: Path) -> None:
    """The contact sheet: a row per target, its source first, then r rising."""
    from genie_cli.data.images import read
    from genie_cli.generate.contact_sheet import contact_sheet

    with manifest.opened(negatives) as document:
        made = [row for row in document.rows() if row.status is Status.MADE]
    pictures: list[list[Image.Image]] = []
    captions = []
    for target, group in groupby(sorted(made, key=lambda row: (row.job.target, row.job.r)), lambda row: row.job.target):
        rows = list(group)
        assert rows[0].job.source is not None  # noqa: S101 - the method is genie
        source = rows[0].job.source
        paths = [photos / source.path, *(negatives / row.file for row in rows)]
        pictures.append([read(path) for path in paths])
        captions.append(f"{source.label} to {target}")
    drawn = BytesIO()
    contact_sheet(pictures, ["source", *(f"r = {r}" for r in RATIOS)], captions).save(drawn, "PNG")
    write_atomically(sheet, drawn.getvalue())
