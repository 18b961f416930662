"""`genie confuse`: which classes a classifier takes for which, for `genie generate --confusion`."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Option

from genie_cli.cli._console import wants_lines, words
from genie_cli.cli._setting_options import INPUT, MODEL, OUTPUT
from genie_cli.confuse.confusion import Confusion, require_writable
from genie_cli.confuse.folder import from_folder
from genie_cli.errors import OutputError, UsageError, shorten

BACKBONE = "vit_base_patch14_dinov2.lvd142m"
FOLDS = 5


def confuse(
    src_dir: Annotated[
        Path | None, Option(help="Folder of training images, a subfolder per class.", rich_help_panel=INPUT)
    ] = None,
    from_predictions: Annotated[
        Path | None, Option(help="Or predictions: a CSV file, columns true and predicted.", rich_help_panel=INPUT)
    ] = None,
    from_logits: Annotated[
        Path | None, Option(help="Or logits: a .npy file, (images, classes).", rich_help_panel=INPUT)
    ] = None,
    true: Annotated[
        Path | None,
        Option(
            help="With --from-logits: the images' classes; .csv (column true), .npy, or a name a line.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    classes: Annotated[
        Path | None, Option(help="Class names in order, one a line.", show_default="sorted", rich_help_panel=INPUT)
    ] = None,
    backbone: Annotated[
        str | None,
        Option(
            help="With --src-dir, what sees the images: digits (bundled), unisiam-resnet18/34/50, or a timm model.",
            show_default=BACKBONE,
            rich_help_panel=MODEL,
        ),
    ] = None,
    checkpoint: Annotated[Path | None, Option(help="The backbone's weights, a file.", rich_help_panel=MODEL)] = None,
    folds: Annotated[
        int | None,
        Option(min=2, help="An image is judged by the other folds.", show_default=str(FOLDS), rich_help_panel=MODEL),
    ] = None,
    device: Annotated[
        str | None, Option(help="auto, cpu, cuda, cuda:1.", show_default="auto", rich_help_panel=MODEL)
    ] = None,
    top_k: Annotated[
        int, Option(min=1, help="How many of a class's most confused ones the file lists.", rich_help_panel=OUTPUT)
    ] = 4,
    out: Annotated[Path, Option(help="The file to write.", rich_help_panel=OUTPUT)] = Path("confusion.json"),
    picture: Annotated[
        Path | None,
        Option(help="The matrix as a PNG.", show_default="as --out, .png", rich_help_panel=OUTPUT),
    ] = None,
    pairs: Annotated[int, Option(min=1, help="How many pairs of classes to show.", rich_help_panel=OUTPUT)] = 10,
    json_: Annotated[
        bool, Option("--json", help="The pairs as one JSON object a line, as in a pipe.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Measure which classes are taken for which, so that generate can take its sources from those.

    From a folder: by a linear classifier on features, each image judged by one that has not seen it.
    Or from predictions, or from logits, of any classifier.

    Example: genie confuse --src-dir photos

    Example, nothing to download: genie confuse --src-dir photos --backbone digits

    Example: genie confuse --from-predictions preds.csv --out confusion.json
    """
    given = {
        "--src-dir": src_dir,
        "--from-predictions": from_predictions,
        "--from-logits": from_logits,
        "--true": true,
        "--classes": classes,
        "--backbone": backbone,
        "--checkpoint": checkpoint,
        "--folds": folds,
        "--device": device,
    }
    _refuse_ignored({name for name, value in given.items() if value is not None})
    picture = _picture(out, picture)
    if src_dir:
        confusion = from_folder(src_dir, backbone or BACKBONE, checkpoint, folds or FOLDS, device or "auto")
    else:
        confusion = _from_files(from_predictions, from_logits, true, classes)
    _write(confusion, out, picture, top_k)
    _show(confusion, pairs, json_)
    _say(confusion, _next(confusion, src_dir, backbone, out, top_k))


def _refuse_ignored(given: set[str]) -> None:
    """Refuse anything but one input, and what that one does not use."""
    used = {
        "--src-dir": {"--backbone", "--checkpoint", "--folds", "--device"},
        "--from-predictions": {"--classes"},
        "--from-logits": {"--true", "--classes"},
    }
    inputs = [name for name in used if name in given]
    if len(inputs) != 1:
        raise UsageError(
            f"give one of {', '.join(used)}" + (f", not {' and '.join(inputs)}" if inputs else ""),
            "for example: genie confuse --src-dir photos",
        )
    if ignored := sorted(given - used[inputs[0]] - set(inputs)):
        raise UsageError(f"{', '.join(ignored)}: not used with {inputs[0]}", "leave out what is not used")
    if inputs == ["--from-logits"] and "--true" not in given:
        raise UsageError("--from-logits needs the images' classes", "say them with --true labels.csv")


def _picture(out: Path, picture: Path | None) -> Path:
    """Where the picture goes. Before hours of work: both files may be written."""
    from genie_cli.confuse import picture as matrix

    require_writable(out)
    picture = picture or out.with_suffix(".png")
    if os.path.realpath(picture) == os.path.realpath(out):
        raise OutputError(f"{out} cannot be both the confusion file and its picture", "name the one .json, as usual")
    matrix.require_writable(picture)
    return picture


def _from_files(predictions: Path | None, logits: Path | None, true: Path | None, classes: Path | None) -> Confusion:
    from genie_cli.confuse import predictions as tables

    if predictions:
        return tables.from_predictions(predictions, classes)
    assert logits is not None  # noqa: S101 - `_refuse_ignored` has looked
    assert true is not None  # noqa: S101
    return tables.from_logits(logits, true, classes)


def _write(confusion: Confusion, out: Path, picture: Path, top_k: int) -> None:
    from genie_cli.confuse import picture as matrix

    confusion.write(out, top_k)
    matrix.write(confusion, picture)
    words().print(f"wrote {out} and {picture}", soft_wrap=True)


def _show(confusion: Confusion, number: int, as_json: bool) -> None:
    """The most confused pairs, on stdout."""
    pairs = confusion.pairs()[:number]
    if wants_lines(as_json):
        for label, other, count, images in pairs:
            row = {"true": label, "predicted": other, "count": count, "share": count / images}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    elif pairs:
        Console().print(table_of(pairs))


def table_of(pairs: Sequence[tuple[str, str, int, int]]) -> Table:
    """`Confusion.pairs` as a table for people."""
    table = Table(box=box.SIMPLE)
    for head in ("class", "taken for"):
        table.add_column(head, overflow="fold")
    for head in ("images", "of the class"):
        table.add_column(head, justify="right")
    for label, other, count, images in pairs:
        # Text, not strings: a class's name may hold [brackets], which are markup in a string.
        table.add_row(Text(label), Text(other), str(count), f"{count / images:.1%}")
    return table


def _say(confusion: Confusion, command: str) -> None:
    """How good the classifier is, what its confusions are worth, and what comes next."""
    right, images = confusion.accuracy()
    lines = [f"{right} of {images} images ({right / images:.1%}) are taken for what they are"]
    if right <= max(map(sum, confusion.matrix)):
        lines.append("that is no better than naming the largest class each time, so the confusions say little")
    if never := confusion.never_mistaken():
        lines.append(f"never mistaken, so --confusion finds no sources for them: {shorten(never)}")
    for line in [*lines, *([f"next: {command}"] if command else [])]:
        words().print(line, soft_wrap=True)


def _next(confusion: Confusion, src_dir: Path | None, backbone: str | None, out: Path, top_k: int) -> str:
    """The command that takes sources by this file, for the class of the first pair."""
    pairs = confusion.pairs()
    if not pairs:
        return ""
    command = ["genie", "generate", *(["--model", "digits"] if backbone == "digits" else [])]
    command += ["--src-dir", str(src_dir or "photos"), "--targets", pairs[0][0]]
    return shlex.join([*command, "--confusion", str(out), "--top-k", str(top_k)])
