"""--class-names and --write-class-names, of every command that writes prompts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from genie_cli.cli._console import stderr
from genie_cli.cli._options import INPUT, OUTPUT, option
from genie_cli.data.listing import counted

ClassNamesFile = Annotated[
    Path | None,
    option(
        "--class-names",
        help="CSV label,words,prompts: what classes are called in prompts, and prompts of their own.",
        panel=INPUT,
        metavar="FILE",
        default="words made of their labels",
    ),
]
WriteClassNames = Annotated[
    Path | None,
    option(
        "--write-class-names",
        help="Write what the classes are called in prompts, to be edited, and stop.",
        panel=OUTPUT,
        metavar="FILE",
    ),
]


def tell_written(path: Path, count: int) -> None:
    """Say that the file was written, and what it is for."""
    used = f"--class-names {shlex.quote(str(path))}"
    stderr().print(f"{path}: {counted(count, 'class', 'classes')}; edit it, then: {used}", soft_wrap=True)
