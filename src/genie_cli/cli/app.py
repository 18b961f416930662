"""The command line: registers the commands and turns errors into words and exit codes.

0 done · 1 failed · 2 usage · 3 finished, some jobs failed · 130 interrupted, a rerun goes on.
Importing this must not load torch: `genie --help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from genie_cli import __version__
from genie_cli.cli import _console as console
from genie_cli.cli.confuse import confuse
from genie_cli.cli.demo import demo
from genie_cli.cli.doctor import doctor
from genie_cli.cli.explain import explain
from genie_cli.cli.fewshot import fewshot
from genie_cli.cli.finegrained import finegrained
from genie_cli.cli.generate import generate
from genie_cli.cli.init import init
from genie_cli.cli.longtail import longtail
from genie_cli.cli.oracle import oracle
from genie_cli.errors import GenieError

INTERRUPTED = 130


class _Reporting(TyperGroup):
    """Says what went wrong instead of showing a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # here, where a reader that is gone is no error
            return done
        except GenieError as error:
            console.explain(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            console.words().print("interrupted; what was made is safe, and the same command goes on")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever read our output has had enough; nothing more can be said there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=_Reporting,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def genie(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hard negatives for image classifiers: one class's photo, denoised under another class's prompt (GeNIe).

    Start with: genie demo
    """


for command in (confuse, generate, oracle, fewshot, longtail, finegrained, demo, explain, doctor, init):
    app.command()(command)


def main() -> None:
    """Entry point of the `genie` command."""
    # Pillow's own remarks (odd EXIF, for one) are no business of whoever makes images from a folder.
    warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdin, sys.stdout):  # plans and manifests are UTF-8 whatever the locale
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    # What a batch system sends before it kills: end as after Ctrl-C, so that the output folder is left tidy.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
