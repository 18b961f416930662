"""The program: it runs commands, and tells in one style what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from genie_cli.cli import _console, _endings, _signals
from genie_cli.cli._commands import Commands


class Group(TyperGroup):
    """Imports the command that is run, and shows what went wrong instead of a traceback, in one style."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = Commands()  # type: ignore[assignment]  # none is ever added

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's would import them all
        return list(self.commands)

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)
        for option in params:
            if getattr(option, "is_flag", False):
                option.metavar = ""  # else it would be called <bool>
        return params

    def invoke(self, ctx: Any) -> Any:
        with _endings.in_words():
            return super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        standalone = options.pop("standalone_mode", True)
        try:
            with _endings.in_words(), _signals.Raised():
                _endings.require_text(sys.argv[1:] if args is None else args)
                code = super().main(args, standalone_mode=False, **options)
        except typer._click.exceptions.ClickException as error:
            if not standalone:
                raise
            if not isinstance(error, typer._click.exceptions.NoArgsIsHelpError):  # its help is all that it says
                _console.complain(_plain(error), hints=_help_hint(error))
            code = error.exit_code
        except typer.Exit as ended:
            code = ended.exit_code
        except typer.Abort:
            code = 1
        if not standalone:
            return code
        if code == _signals.INTERRUPTED:
            _endings.tell_of_interrupt()
        sys.exit(code if isinstance(code, int) else 0)


def _plain(error: typer._click.exceptions.ClickException) -> str:
    """What the command line's parser complains about, in our style."""
    if isinstance(error, typer._click.exceptions.NoSuchOption):
        near = (error.possibilities or [""])[0]
        return f"no such option: {error.option_name}" + (f"; did you mean {near}?" if near else "")
    is_missing = isinstance(error, typer._click.exceptions.MissingParameter)
    if isinstance(error, typer.BadParameter) and not is_missing and error.param is not None:
        return f"{error.param.opts[0]}: {error.message}".rstrip(".")
    message = error.format_message()
    return f"{message[:1].lower()}{message[1:]}".rstrip(".")


def _help_hint(error: typer._click.exceptions.ClickException) -> list[str]:
    ctx = getattr(error, "ctx", None)
    return [f"see {ctx.command_path} --help"] if ctx is not None else []
