"""Options that are settings: their help, default and environment variable come from `config`, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from genie_cli.cli._settings import default_of, describe

INPUT, MODEL, OUTPUT, RUN = "Input", "Model", "Output", "Run"


def given(options: Mapping[str, Any]) -> set[str]:
    """Names of the settings, without their sections, that were given as options: those that are not None."""
    return {name.partition(".")[2] for name, value in options.items() if value is not None}


def setting(option: str, panel: str, *flags: str, variable: str = "", default: str = "") -> Any:
    """A Typer option for the setting ``"section.name"``; not given means None, so that the file can speak.

    It can also be given in the environment, as GENIE_ and the flag's name, or as ``variable``. ``default`` says in
    words what is used in a command that decides it by other things.
    """
    name = option.partition(".")[2]
    return typer.Option(
        *(flags or ("--" + name.replace("_", "-"),)),
        help=describe(option),
        show_default=default or default_of(option) or False,
        envvar=variable or "GENIE_" + (flags[0].lstrip("-").replace("-", "_") if flags else name).upper(),
        show_envvar=False,
        rich_help_panel=panel,
    )
