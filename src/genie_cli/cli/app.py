"""The command line.

Exit codes: 0 done · 1 failed · 2 usage · 3 finished, some jobs failed · 130 interrupted.
Importing this must not load torch: `genie --help` answers at once.
"""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from genie_cli import __version__
from genie_cli.cli import _endings, _streams
from genie_cli.cli._console import ConsoleObserver
from genie_cli.cli._group import Group
from genie_cli.cli._settings import warn_of_unknown_variables

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def genie(
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, metavar="", help="Show the version and exit."),
    ] = False,
) -> None:
    """Make hard negatives for image classifiers: photos of one class, denoised under the prompt of another (GeNIe).

    Start with: genie demo
    """
    _endings.require_working_folder()
    warn_of_unknown_variables(ConsoleObserver())


def main() -> None:
    """Run the command line, with standard streams that may be closed or full; ends the program."""
    _streams.prepare()
    # Pillow's own remarks, on odd EXIF for example, do not help somebody who makes images from a folder.
    warnings.filterwarnings("ignore", module="PIL")
    app()
