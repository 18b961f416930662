"""The commands by name, each imported when it is needed, so that nobody waits for those that were not typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
NAMES = {name: panel for panel, names in _PANELS.items() for name in names}


class Commands(Mapping[str, Any]):
    """What Typer makes of each command, by its name; looking one up imports its module the first time."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = _command(name, NAMES[name])
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def _command(name: str, panel: str) -> Any:
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
    function = getattr(import_module(f"genie_cli.cli.{name}"), name)
    alone.command(cls=Command, rich_help_panel=panel)(function)
    return typer.main.get_command(alone)
