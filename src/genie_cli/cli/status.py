"""`genie status`: what is made, missing and failed in an output folder, and the command that makes the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text
from typer import Argument

from genie_cli import api
from genie_cli.cli._console import ConsoleObserver, Words, show, stderr, stdout, wants_lines
from genie_cli.cli._options import OUTPUT, RUN, option
from genie_cli.cli._printable import text
from genie_cli.data.listing import counted
from genie_cli.errors import shorten

if TYPE_CHECKING:
    from genie_cli.generate.rebuild import Rebuilt
    from genie_cli.generate.status import Count, FolderStatus

_SHOWN = 20


def status(
    out: Annotated[Path, Argument(help="The folder of a run (--out).", metavar="OUT", show_default=False)],
    rebuild: Annotated[
        bool,
        option(
            "--rebuild",
            help="First rebuild a manifest that was lost or damaged from the records in the images.",
            panel=RUN,
        ),
    ] = False,
    check: Annotated[
        bool,
        option(
            "--check",
            help="Compare the content of each image with the manifest; exit code 1 if any has changed.",
            panel=RUN,
        ),
    ] = False,
    json_: Annotated[
        bool, option("--json", help="Print the counts as JSON Lines to stdout, as in a pipe.", panel=OUTPUT)
    ] = False,
) -> None:
    """Show what is made, missing and failed in an output folder, and the command that makes the rest.

    Example: genie status genie-out
    """
    found = api.status(out, rebuild=rebuild, check=check, observer=ConsoleObserver())
    lines = (json.dumps(asdict(count)) + "\n" for count in found.counts)
    show(lines, [_table(found.counts)], json_)
    _tell(found, check, stderr() if wants_lines(json_) else stdout())
    if found.changed:
        raise typer.Exit(1)


def _table(counts: Sequence[Count]) -> Table:
    """One row per target and r, and their sums; columns of zeros are left out."""
    names = [field.name for field in fields(counts[0])[2:]] if counts else ["made"]
    names = [name for name in names if name == "made" or any(getattr(count, name) for count in counts)]
    grid = Table(box=box.SIMPLE_HEAD, show_footer=True)
    grid.add_column("target", "all")
    grid.add_column("r", justify="right")
    for name in names:
        total = sum(getattr(count, name) for count in counts)
        grid.add_column(name, str(total), justify="right")
    for count in counts:
        grid.add_row(text(count.target), f"{count.r:g}", *(str(getattr(count, name)) for name in names))
    return grid


def _tell(found: FolderStatus, checked: bool, console: Words) -> None:
    if found.rebuilt:
        _tell_rebuilt(found.rebuilt, console)
    for who in found.workers:
        console.print(f"at work: {who}")
    _list(
        "why jobs failed or were skipped", [f"{why} ({counted(jobs, 'job')})" for why, jobs in found.reasons], console
    )
    changed = "changed since they were made (to have one made again, move it away, and see genie status)"
    _list(changed, found.changed, console)
    if checked and not found.changed:
        console.print(f"checked {counted(sum(count.made for count in found.counts), 'image')}: none has changed")
    for note in found.notes:
        console.print(f"note: {note}", soft_wrap=True)
    count, left = found.parts
    if left:
        console.print(f"not done, of the {count} parts (--shard) of a run: {shorten(left, _SHOWN)}", soft_wrap=True)
    if found.commands:
        console.print()
        console.print("To make the rest:", style="bold")
    for command in found.commands:
        console.print(Text(command), soft_wrap=True)  # Text, in which ":x:" is no emoji
    if found.commands and left:
        console.print("or part by part, at the same time if you like; an array's task takes --shard slurm:")
        for part in left[:_SHOWN]:
            console.print(Text(f"{found.commands[0]} --shard={part}/{count}"), soft_wrap=True)


def _tell_rebuilt(rebuilt: Rebuilt, console: Words) -> None:
    others = f", and {counted(rebuilt.others, 'row')} of other jobs that could still be read" if rebuilt.others else ""
    console.print(f"The manifest was rebuilt from {counted(rebuilt.images, 'image')}{others}.")
    _list("left out, and left as they are", rebuilt.left_out, console)
    for path in rebuilt.replaced:
        console.print(f"what was there before: {path}", soft_wrap=True)
    _list("What no image says", rebuilt.unknown, console)


def _list(title: str, items: Sequence[str], console: Words) -> None:
    if not items:
        return
    console.print(f"{title}:")
    for item in items[:_SHOWN]:
        console.print(f"  {item}", soft_wrap=True)
    if len(items) > _SHOWN:
        console.print(f"  and {len(items) - _SHOWN} more")
