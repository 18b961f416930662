"""`genie unpack`: class folders of files of arrays and archives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, point_on, stderr
from genie_cli.cli._options import INPUT, OUTPUT, option
from genie_cli.data.listing import counted


def unpack(
    files: Annotated[
        list[Path],
        Argument(
            help="A .pkl, .pickle or .npz of arrays, .parquet of the Hub, or .tar of WebDataset.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        option(
            "--out",
            help="Folder for the class folders: a new one. Give each split its own, such as mini/train and mini/test.",
            panel=OUTPUT,
            metavar="DIR",
        ),
    ],
    label: Annotated[
        str | None,
        option(
            "--label",
            help="Key, column or field with the labels.",
            panel=INPUT,
            metavar="NAME",
            default="those that are known: label, labels, class_dict and the like",
        ),
    ] = None,
) -> None:
    """Make class folders of images that are packed into files: pickles and .npz of arrays, Parquet, WebDataset.

    Layouts that are read. Pickles: image_data and class_dict; data and labels; class to images; a list of PNG files,
    with its labels in a file beside it. Archives .npz: images and labels. Parquet: a column of images and one of
    labels. Archives .tar: KEY.jpg (.png, .webp) and KEY.cls, or a label in KEY.json.

    Nothing in a pickle is run: arrays and plain values are read, all else is refused. Images that are encoded stay
    byte for byte as they are, arrays become PNG. Stopped, it resumes when the same command is run again.

    Example: genie unpack mini-imagenet-cache-test.pkl --out mini/test
    """
    unpacked = api.unpack(files, out, label=label, observer=ConsoleObserver())
    images, classes = sum(unpacked.images.values()), len(unpacked.images)
    words = f"{counted(images, 'image')} of {counted(classes, 'class', 'classes')}"
    stderr().print(f"{words}: {unpacked.root}", soft_wrap=True)
    point_on("which classes are confused", ["genie", "confuse", "--src-dir", str(unpacked.root)])
