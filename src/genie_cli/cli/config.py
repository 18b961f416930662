"""`genie config`: every setting in force, and where it comes from."""

from __future__ import annotations

import json

from rich import box
from rich.table import Column, Table

from genie_cli import api
from genie_cli.cli._console import stdout, wants_lines, write_lines
from genie_cli.cli._options import Json, with_settings
from genie_cli.cli._printable import text
from genie_cli.cli._settings import Chosen, in_force


@with_settings(api.GENERATE)
def config(chosen: Chosen, json_: Json = False) -> None:
    """Show every setting in force, and where it comes from: flag, environment, preset, file or default.

    Example: genie config --steps 20
    """
    if wants_lines(json_):
        for key, value, origin in in_force(chosen):
            write_lines([json.dumps({"setting": key, "value": json.loads(value), "from": origin}) + "\n"])
        return
    table = Table("setting", Column("value", overflow="fold"), "from", box=box.SIMPLE_HEAD)
    section = ""
    for key, value, origin in in_force(chosen):
        if section and not key.startswith(f"{section}."):
            table.add_section()
        section = key.partition(".")[0]
        # Text, since a prompt may hold [brackets], which are markup in a string.
        table.add_row(text(key), text(value), text(origin, "" if origin == "default" else "bold"))
    stdout().print(table)
