"""All that is known of each row, in files of a thousand that the page loads when they are asked for."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from genie_cli.gallery.columns import CHUNK, key
from genie_cli.gallery.items import Contents, Item
from genie_cli.gallery.pictures import Pictures
from genie_cli.gallery.script import call
from genie_cli.generate.command import EXPLAIN, command_of_piped_plan, source_root_of
from genie_cli.judgement import COLUMN
from genie_cli.manifest import Row, Status
from genie_cli.selection import SELECTED


def files(contents: Contents, pictures: Pictures, root: Path) -> Iterator[tuple[str, bytes]]:
    """The files with their names; what they have of a row, `_Rows.details` says.

    Args:
        root: the gallery's folder, which addresses are relative to.
    """
    rows, own = _Rows(contents, pictures, root), key(contents)
    for number, start in enumerate(range(0, len(contents.items), CHUNK)):
        end = min(start + CHUNK, len(contents.items))
        details = [rows.details(place) for place in range(start, end)]
        yield f"lines-{number:04d}.js", call("genie.lines", own, number, details)


@dataclass
class _Rows:
    contents: Contents
    pictures: Pictures
    root: Path
    _commands: dict[Any, str] = field(default_factory=dict)
    _folders: dict[Path, bool] = field(default_factory=dict)
    _bases: dict[Path, str] = field(default_factory=dict)

    def details(self, place: int) -> dict[str, Any]:
        """What the page shows of a row beside its tile, or copies.

        Returns:
            ``line``: the row of a manifest in which it counts as chosen, so without what was decided before;
            ``oracle`` and ``select``, if the row has them; ``seed``, in digits; ``image`` and ``photo``, addresses of
            the whole files, if they are there; ``command``, which makes the image again, if it can be shown.
        """
        item = self.contents.items[place]
        row = item.row
        said = {"line": without_decisions(row).line(), "seed": str(row.job.seed)}
        said |= {name: row.extra[name] for name in (COLUMN, SELECTED) if name in row.extra}
        if item.image and not self.pictures.image_problem(place):
            said["image"] = self._address(item.image)
        if item.source and not self.pictures.source_problem(place):
            said["photo"] = self._address(item.source)
        command = self._command(item)
        return said | ({"command": command} if command.isprintable() else {})

    def _address(self, path: Path) -> str:
        """A file's address, relative to the page if it can be."""
        if path.parent not in self._bases:
            try:
                relative = os.path.relpath(path.parent.resolve(), self.root.resolve())
                self._bases[path.parent] = quote(os.fsencode(relative))
            except ValueError:  # on another drive
                self._bases[path.parent] = path.parent.resolve().as_uri()
        return f"{self._bases[path.parent]}/{quote(os.fsencode(path.name))}"

    def _command(self, item: Item) -> str:
        """The command that makes an image again, as `genie explain` shows it; empty if there is no image."""
        row = item.row
        if row.status is not Status.MADE or not item.image:
            return ""
        slots = row.slots or self.contents.header.settings.slots
        lacks_sources = bool(row.job.source) and not self._knows_sources(item.image)
        what = (row.job.model, slots, lacks_sources)
        if what not in self._commands:
            settings = self.contents.header.settings
            if slots:
                settings = type(settings).model_validate({**settings.stated(), "slots": slots})
            self._commands[what] = command_of_piped_plan(row.job.model, settings, lacks_sources)
        return f"{shlex.join([*EXPLAIN, str(item.image.absolute())])} | {self._commands[what]}"

    def _knows_sources(self, image: Path) -> bool:
        run = image.parent.parent
        if run not in self._folders:
            self._folders[run] = bool(source_root_of(image))
        return self._folders[run]


def without_decisions(row: Row) -> Row:
    """The row without what an oracle or a selection decided, so that it is in use."""
    return replace(row, extra={name: said for name, said in row.extra.items() if name not in (COLUMN, SELECTED)})
