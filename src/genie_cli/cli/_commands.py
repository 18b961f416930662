"""The commands by name, each imported when it is needed, so that nobody waits for those that were not typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer

from genie_cli.cli._help import Command

# Where `genie --help` shows them, in this order. A command is the function of its module that is called like it.
_PANELS = {
    "Start": ("demo", "doctor", "init", "config", "unpack"),
    "Make": ("confuse", "generate", "status", "export"),
    "Judge": ("oracle", "select", "gallery", "explain"),
    "Measure": ("fewshot", "finegrained", "longtail"),
}
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}


class Commands(Mapping[str, Any]):
    """What Typer makes of each command, by its name; looking one up imports its module the first time."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_PANEL_OF)

    def __len__(self) -> int:
        return len(_PANEL_OF)


@cache
def _command(name: str) -> Any:
    """Raises KeyError for a name that is no command's."""
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
    add = alone.command(cls=Command, rich_help_panel=_PANEL_OF[name])
    add(getattr(import_module(f"genie_cli.cli.{name}"), name))
    return typer.main.get_command(alone)
