"""Folders that are wholly one command's: a file in their ``.genie/`` says so, and any other folder is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.errors import OutputError
from genie_cli.files.folders import require_usable_folder
from genie_cli.files.reading import look, read_json
from genie_cli.files.writing import reraise_as_output_error

_TEMPORARY = ".genie-"  # how the names of unfinished files begin


@dataclass(frozen=True)
class Marker:
    """What marks the folders of a command.

    Attributes:
        command: its name, which is that of its lock, too.
        hint: what to do about a folder that cannot be used.
        leftovers: what else a kill before the marker was written may leave in ``.genie/``.
    """

    command: str
    hint: str
    leftovers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file, relative to the folder."""
        return f".genie/{self.command}.json"

    def content(self, said: Mapping[str, Any]) -> bytes:
        """What the file has: whose folder it is, and what else there is to say."""
        return (json.dumps({"kind": f"genie.{self.command}", **said}, indent=1) + "\n").encode()

    def read(self, root: Path) -> dict[str, Any] | None:
        """What a folder's marker says; None if it has none.

        Raises:
            OutputError: the marker is damaged, or not genie's.
            OSError: it cannot be read.
        """
        path = root / self.name
        try:
            said = None if path.parent.is_symlink() else read_json(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("kind") != f"genie.{self.command}":
            raise OutputError(f"{path} is damaged, or not genie's: what this folder holds is not known", self.hint)
        return said

    def require_free(self, root: Path) -> None:
        """Raise OutputError unless the command can use ``root``: it is new, empty, or has the marker."""
        require_usable_folder(root)
        with reraise_as_output_error(root, self.hint):
            if not look(root) or self.read(root) is not None:
                return
            entries = set(os.listdir(root))
            private = root / ".genie"
            if ".genie" in entries and private.is_dir() and not private.is_symlink():
                entries |= {f".genie/{name}" for name in os.listdir(private) if not self._leaves(name)}
                entries.discard(".genie")
        if entries:
            first = sorted(entries)[0]
            raise OutputError(f"{root} has files that genie {self.command} did not put there: {first}", self.hint)

    def _leaves(self, name: str) -> bool:
        known = (f"{self.command}.lock", f"{self.command}.owner", *self.leftovers)
        return name in known or name.startswith(_TEMPORARY)
