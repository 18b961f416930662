"""How a command's help looks, and options typed by habit."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand

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
