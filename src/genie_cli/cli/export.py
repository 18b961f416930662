"""`genie export`: a data set of generated images and photos, for other libraries and the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich import box
from rich.table import Table
from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, Words, stderr
from genie_cli.cli._options import INPUT, OUTPUT, option
from genie_cli.cli._printable import text
from genie_cli.export.options import FormName

if TYPE_CHECKING:
    from genie_cli.export.export import Exported

_MOST_CLASSES = 30  # that are shown


def export(
    manifest: Annotated[
        str,
        Argument(help="A manifest, or the folder of a run ('-': stdin).", metavar="MANIFEST", show_default=False),
    ],
    out: Annotated[
        Path, option("--out", help="Folder for the data set: a new one, or an empty one.", panel=OUTPUT, metavar="DIR")
    ],
    with_: Annotated[
        Path | None,
        option("--with", help="Add your own photos: a folder, one subfolder per class.", panel=INPUT, metavar="DIR"),
    ] = None,
    format_: Annotated[
        str,
        option(
            "--format",
            help="imagefolder (hard links, else copies), webdataset (tar), or parquet (shown by the Hub).",
            panel=OUTPUT,
            metavar="NAME",
            default=FormName.IMAGEFOLDER.value,
            choices=tuple(FormName),
        ),
    ] = FormName.IMAGEFOLDER.value,
    license_: Annotated[
        str | None,
        option("--license", help="Licence for the card, such as cc-by-4.0.", panel=OUTPUT, metavar="NAME"),
    ] = None,
) -> None:
    """Make a data set of the accepted images, and of your photos: a folder, WebDataset shards, or Parquet.

    With a dataset card, and a Croissant file. An export that was stopped resumes when the same command is run again.

    Example: genie export judged.jsonl --with photos --out set
    """
    observer = ConsoleObserver()
    exported = api.export(manifest, out, format=format_, with_=with_, license=license_ or "", observer=observer)
    _show(exported, stderr())


def _show(exported: Exported, console: Words) -> None:
    """What was exported, how to load it, and how to put it on the Hub."""
    console.print(_table(exported))
    for name in exported.kept:
        console.print(
            f"{exported.root / name} was edited, and is left as it is; to have it written anew, delete it",
            soft_wrap=True,
        )
    console.print("to load it in Python:")
    for line in exported.loading:
        console.print(f"  {line}", soft_wrap=True)
    console.print(f"to put it on the Hub, once the card in {exported.root} names a licence:", soft_wrap=True)
    console.print(f"  {exported.upload}", soft_wrap=True)


def _table(exported: Exported) -> Table:
    tally = exported.tally
    table = Table(title="Exported", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("class")
    for column in ("generated", "photos"):
        table.add_column(column, justify="right")
    for label in tally.classes[:_MOST_CLASSES]:
        table.add_row(text(label), str(tally.generated_of(label)), str(tally.photos[label]))
    if len(tally.classes) > _MOST_CLASSES:
        table.add_row(text(f"... and {len(tally.classes) - _MOST_CLASSES} more"), "", "")
    photos = tally.photos.total()
    table.add_row("all", str(tally.images - photos), str(photos))
    return table
