"""`genie doctor`: what works on this machine, and the command that fixes what does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich import box
from rich.console import Console
from rich.table import Table
from typer import Exit

from genie_cli.cli._console import stderr, stdout, wants_lines, write_lines
from genie_cli.cli._options import OUTPUT, Json, option
from genie_cli.cli._printable import text

if TYPE_CHECKING:
    from genie_cli.doctor.finding import Finding


def doctor(
    out: Annotated[
        Path,
        option(
            help="Folder that images would go to: its disk is checked.",
            panel=OUTPUT,
            metavar="DIR",
            default="the working directory",
        ),
    ] = Path("."),
    json_: Json = False,
) -> None:
    """Check versions, device, memory, precision, attention kernels, model cache and disk, and how to fix problems.

    Everything is tried, not looked up: a kernel counts once it has run. Exits with 1 if there is a problem.

    Example: genie doctor --out /data/genie
    """
    with stderr().status("Checking this machine ..."):  # silent unless stderr is a terminal
        from genie_cli.doctor.examine import examine

        findings = examine(out)
    if wants_lines(json_):
        for finding in findings:
            write_lines([json.dumps(asdict(finding)) + "\n"])
    else:
        show(findings, stdout())
    if not all(finding.ok for finding in findings):
        raise Exit(1)


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print a table grouped by area, then the problems and the possible additions, each with its shell line."""
    console.print(_table(findings))
    problems = [finding for finding in findings if not finding.ok]
    additions = [finding for finding in findings if finding.ok and finding.remedy]
    _list(f"{len(problems) or 'No'} problem{'s' * (len(problems) != 1)}", problems, "bold red", console)
    if additions:
        _list("Not needed, but possible", additions, "bold", console)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("area", "", "what", "status", box=box.SIMPLE, show_header=False)
    for column in table.columns:
        column.overflow = "fold"  # the default cuts long words off with an ellipsis
    for area, members in groupby(findings, key=lambda finding: finding.area):
        for place, finding in enumerate(members):
            # Text, not strings: a path may hold [brackets], which are markup in a string.
            mark = text("" if finding.ok else "problem", "bold red")
            table.add_row(text("" if place else area, "bold"), mark, text(finding.name), text(finding.value))
        table.add_section()
    return table


def _list(title: str, findings: Sequence[Finding], style: str, console: Console) -> None:
    console.print(text(f"{title}{':' * bool(findings)}", style))
    for finding in findings:
        console.print()
        console.print(text(f"# {finding.area}, {finding.name}: {finding.value}", "dim"), soft_wrap=True)
        # In one piece and from the first column, however narrow the terminal: it is there to be copied.
        console.print(text(finding.remedy), soft_wrap=True)
