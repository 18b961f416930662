"""The folder that is unpacked to, and how that survives being killed at any moment.

Each image is written aside, in ``.genie/``, flushed and linked into place: what is in place is whole.
``.genie/unpack.json`` says what is unpacked here. With the same again, what is in place is compared with what would be
written, and the rest is added. Nothing that is there is ever replaced or deleted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genie_cli.errors import OutputError
from genie_cli.files.folders import make_own_folder
from genie_cli.files.marker import Marker
from genie_cli.files.writing import open_new, place
from genie_cli.generate.own_folder import aside_of, locked, require_content, with_aside

_ELSEWHERE = "give a new folder: --out FOLDER"
MARKER = Marker("unpack", _ELSEWHERE, ("aside",))


@dataclass
class ClassFolders:
    """A folder of class folders that this process has locked.

    Attributes:
        identity: what is unpacked: the same for the same files.
    """

    root: Path
    identity: Mapping[str, Any]
    _made: set[Path] = field(default_factory=set)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder, check that it is new or holds the same, and tidy up after a killed process.

        Raises:
            OutputError: it holds something else, another process unpacks to it, or it cannot be written.
        """
        with locked(self.root, MARKER), with_aside(self.root):
            known = MARKER.read(self.root)
            if known is None:
                self._write(MARKER.content(self.identity), self.root / MARKER.name)
            elif {name: known.get(name) for name in self.identity} != dict(self.identity):
                raise OutputError(f"{self.root} holds what was unpacked from other files, or otherwise", _ELSEWHERE)
            yield

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Put an image in its place, unless it is there; several threads may, images of different names.

        Raises:
            OutputError: another file is in its place.
        """
        final = self.root / folder / name
        if final.parent not in self._made:
            make_own_folder(final.parent)
            self._made.add(final.parent)
        if os.path.lexists(final):
            require_content(final, hashlib.sha256(data).hexdigest(), MARKER)
        else:
            self._write(data, final)

    def _write(self, data: bytes, final: Path) -> None:
        aside = aside_of(self.root) / final.name  # which no two threads write
        with open_new(aside) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        place(aside, final)
        aside.unlink(missing_ok=True)
