"""`genie init`: a settings file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from genie_cli.cli._console import stderr
from genie_cli.cli._options import OUTPUT, option
from genie_cli.cli._settings import FILE_NAME, template
from genie_cli.errors import OutputError
from genie_cli.files.writing import create


def init(
    out: Annotated[
        Path,
        option(help="The file to write; an existing one is kept.", panel=OUTPUT, metavar="FILE", default=FILE_NAME),
    ] = Path(FILE_NAME),
) -> None:
    """Write a commented settings file, genie.toml, with every setting at its default.

    Example: genie init
    """
    try:
        create(out, template().encode())
    except FileExistsError:
        raise OutputError(f"{out} already exists", "give another name: genie init --out other.toml") from None
    stderr().print(f"wrote {out}")
