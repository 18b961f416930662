"""How commands look and complain: help panels, one style of errors, and options typed by habit."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from genie_cli.cli import _console, _endings, _signals
from genie_cli.cli._options import RUN
from genie_cli.errors import UsageError

# What other programs call an option of ours.
_HABITS = {
    "--strength": "--r",
    "--batch-size": "--slots",
    "--num-inference-steps": "--steps",
    "--guidance-scale": "--guidance",
    "--cfg": "--guidance",
    "-o": "--out",
    "--output": "--out",
    "--output-dir": "--out",
    "--input": "--src-dir",
    "--src": "--src-dir",
    "--photos": "--with",
    "--top": "--per-target",
    "--n": "--per-target",
    "--max-per-class": "--per-target",
    "--threshold": "--min-confidence",
    "--data": "--data-dir",
    "--classes": "--targets",
    "--target": "--targets",
    "--precision": "--dtype",
    "--edges": "--thresholds",
    "--accumulate": "--grad-accum-steps",
    "--gradient-accumulation-steps": "--grad-accum-steps",
    "--among": "--candidates",
    "--lr": "--base-lr",
}


# How values are called in help that are never empty, and what they are.
_NEVER_EMPTY = {"DIR": "path", "FILE": "path", "IMAGE": "path", "MANIFEST": "path", "NAME": "name"}


class Command(TyperCommand):
    """A command whose ``--help`` stands with the other options of a run, and that knows habits from other programs."""

    def __init__(self, *arguments: Any, help: str | None = None, **options: Any) -> None:  # noqa: A002 - as in Typer
        # Docstrings are wrapped for the source; a terminal has a width of its own.
        super().__init__(*arguments, help=re.sub(r"(?<!\n)\n(?!\n)", " ", help or ""), **options)

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel, option.metavar = RUN, ""
        return option

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]  # Typer writes {MANIFEST}

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)
        for argument in params:
            if isinstance(argument, TyperArgument):
                # Its name says what it is; Typer would add the type, as <str>.
                setattr(argument, "display_type_rich", lambda ctx: "")  # noqa: B010, ARG005
        return params

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            typed = list(args)
            left = super().parse_args(ctx, args)
            self._refuse_empty(ctx, typed)
            return left
        except typer._click.exceptions.NoSuchOption as error:
            ours = {flag for parameter in self.params for flag in parameter.opts}
            meant = _HABITS.get(error.option_name)
            arguments = [str(each.metavar) for each in self.params if isinstance(each, TyperArgument)]
            if meant in ours:
                error.possibilities = [meant]
            elif (name := error.option_name.lstrip("-").upper()) in arguments:
                error.possibilities = [f"the argument {name}"]
            raise

    def _refuse_empty(self, ctx: Any, typed: list[str]) -> None:
        """An empty path means the working folder to Python, and an empty name often the default; to a person they mean
        that a variable of theirs is not set."""
        values, _, _ = self.make_parser(ctx).parse_args(typed)
        for parameter in self.params:
            value = values.get(str(parameter.name))
            kind = _NEVER_EMPTY.get(str(getattr(parameter, "metavar", "")).partition(",")[0])
            if kind and (value == "" or (isinstance(value, list | tuple) and "" in value)):
                raise UsageError(f"{parameter.opts[0]}: the {kind} is empty", f"see {ctx.command_path} --help")


class Group(TyperGroup):
    """Shows what went wrong instead of a traceback, and everything in one style."""

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
