"""`genie confuse`: which classes a classifier confuses with each other, for `genie generate --confusion`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich import box
from rich.table import Table

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, point_on, show, stderr
from genie_cli.cli._options import INPUT, MODEL, OUTPUT, Json, option, whole_number, with_settings
from genie_cli.cli._printable import text
from genie_cli.cli._settings import Chosen
from genie_cli.config import BUNDLED, LITE0
from genie_cli.confuse.confusion import Confusion, require_writable
from genie_cli.confuse.inputs import BACKBONE, FOLDS
from genie_cli.errors import OutputError, shorten
from genie_cli.generate.request import ALL


@with_settings(["model.device"])
def confuse(
    chosen: Chosen,
    src_dir: Annotated[
        Path | None, option(help="Folder of training images, one subfolder per class.", panel=INPUT, metavar="DIR")
    ] = None,
    from_predictions: Annotated[
        Path | None,
        option(help="Or predictions: a CSV file with the columns true and predicted.", panel=INPUT, metavar="FILE"),
    ] = None,
    from_logits: Annotated[
        Path | None, option(help="Or logits: a .npy file, (images, classes).", panel=INPUT, metavar="FILE")
    ] = None,
    true: Annotated[
        Path | None,
        option(
            help="With --from-logits, the images' classes: .csv (column true), .npy, or one name per line.",
            panel=INPUT,
            metavar="FILE",
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        option(help="Class names in order, one per line.", panel=INPUT, metavar="FILE", default="sorted"),
    ] = None,
    backbone: Annotated[
        str | None,
        option(
            help="With --src-dir, the network that gives the features: digits (bundled), lite0 (ImageNet, without a "
            "hub), unisiam-resnet18, -34 or -50, or a timm model.",
            panel=MODEL,
            metavar="NAME",
            default=BACKBONE,
            choices=(BUNDLED, LITE0, BACKBONE),
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, option(help="File with the backbone's weights.", panel=MODEL, metavar="FILE")
    ] = None,
    folds: Annotated[
        int | None,
        option(
            help="Folds of the cross-validation: each image is classified by a classifier fitted to the others.",
            panel=MODEL,
            metavar="INT",
            default=str(FOLDS),
            parser=whole_number(2),
        ),
    ] = None,
    top_k: Annotated[
        int,
        option(
            help="Most-confused classes to list per class.",
            panel=OUTPUT,
            metavar="INT",
            default="4",
            parser=whole_number(1),
        ),
    ] = 4,
    out: Annotated[
        Path, option(help="The file to write.", panel=OUTPUT, metavar="FILE", default="confusion.json")
    ] = Path("confusion.json"),
    picture: Annotated[
        Path | None,
        option(help="The matrix as a PNG.", panel=OUTPUT, metavar="FILE", default="--out with .png"),
    ] = None,
    pairs: Annotated[
        int,
        option(help="Confused pairs to show.", panel=OUTPUT, metavar="INT", default="10", parser=whole_number(1)),
    ] = 10,
    json_: Json = False,
) -> None:
    """Measure which classes are confused with each other, to choose sources for genie generate --confusion.

    From a folder: by a linear classifier on features, with cross-validation. Or from the predictions or logits of any
    classifier. With --backbone digits or lite0 nothing is downloaded.

    Example: genie confuse --src-dir photos
    """
    picture = _picture(out, picture)
    device = chosen.settings.model.device if src_dir else chosen.options.get("device")
    confusion = api.confuse(
        src_dir,
        from_predictions=from_predictions,
        from_logits=from_logits,
        true=true,
        classes=classes,
        backbone=backbone,
        checkpoint=checkpoint,
        folds=folds,
        device=device,
        observer=ConsoleObserver(),
    )
    _write(confusion, out, picture, top_k)
    _show(confusion, pairs, json_)
    _summarize(confusion)
    if command := _next(confusion, src_dir, backbone, out, top_k):
        point_on("", command)


def _picture(out: Path, picture: Path | None) -> Path:
    """Where the picture goes; before hours of work it is checked that both files may be written."""
    from genie_cli.confuse import picture as drawing

    require_writable(out)
    picture = picture or out.with_suffix(".png")
    if os.path.realpath(picture) == os.path.realpath(out):
        raise OutputError(f"{out} cannot be both the confusion file and its picture", "name the one .json, as usual")
    drawing.require_writable(picture)
    return picture


def _write(confusion: Confusion, out: Path, picture: Path, top_k: int) -> None:
    from genie_cli.confuse import picture as drawing

    confusion.write(out, top_k)
    drawing.write(confusion, picture)
    stderr().print(f"wrote {out} and {picture}", soft_wrap=True)


def _show(confusion: Confusion, number: int, as_json: bool) -> None:
    """The most confused pairs."""
    pairs = confusion.pairs()[:number]
    rows = (
        {"true": label, "predicted": other, "count": count, "share": count / images}
        for label, other, count, images in pairs
    )
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    show(lines, [table_of(pairs)] if pairs else [], as_json)


def table_of(pairs: Sequence[tuple[str, str, int, int]]) -> Table:
    """`Confusion.pairs` as a table."""
    table = Table(box=box.SIMPLE)
    for head in ("true class", "predicted"):
        table.add_column(head, overflow="fold")
    for head in ("images", "of the class"):
        table.add_column(head, justify="right")
    for label, other, count, images in pairs:
        # Text, not strings: a class's name may hold [brackets], which are markup in a string.
        table.add_row(text(label), text(other), str(count), f"{count / images:.1%}")
    return table


def _summarize(confusion: Confusion) -> None:
    """How good the classifier is, and what its confusions are worth."""
    right, images = confusion.accuracy()
    lines = [f"{right} of {images} images ({right / images:.1%}) are classified correctly"]
    if right <= max(map(sum, confusion.matrix)):
        lines.append("that is no better than always predicting the largest class, so the confusions say little")
    if never := confusion.never_confused():
        lines.append(f"never confused, so --confusion finds no sources for them: {shorten(never)}")
    for line in lines:
        stderr().print(line, soft_wrap=True)


def _next(confusion: Confusion, src_dir: Path | None, backbone: str | None, out: Path, top_k: int) -> list[str]:
    """The command that draws sources by this file, for the rarest class that is confused with another.

    Of equally rare ones that of the first pair: rare classes are those that need images.
    """
    # The first class that can be typed: a comma separates classes, spaces around them do not count, @ stands for a file
    # of them, and "all" for all.
    rarest = sorted(confusion.pairs(), key=lambda pair: pair[3])
    typed = (label for label, *_ in rarest if "," not in label and not label.startswith("@"))
    labels = [label for label in typed if label == label.strip() != ALL]
    if not labels:
        return []
    command = ["genie", "generate", *(["--model", BUNDLED] if backbone == BUNDLED else [])]
    command += ["--src-dir", str(src_dir or "photos"), f"--targets={labels[0]}"]
    return [*command, "--confusion", str(out), "--top-k", str(top_k)]
