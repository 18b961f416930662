"""The folder that a set is exported to, and how that survives being killed at any moment.

Each file is written aside, in ``.genie/``, flushed and linked into place, or is a hard link from the start: what is in
place is whole. ``.genie/export.json`` says what is exported here. With the same again, what is in place is compared
with what would be written, and the rest is added. Nothing that is there is ever replaced or deleted, except an unedited
dataset card.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from genie_cli.errors import OutputError
from genie_cli.export.form import Linked, Written
from genie_cli.export.samples import Sample
from genie_cli.files.folders import make_own_folder
from genie_cli.files.marker import Marker
from genie_cli.files.reading import read_bytes, sha256_of
from genie_cli.files.writing import open_new, place
from genie_cli.generate import card
from genie_cli.generate.own_folder import aside_of, locked, require_content, with_aside

_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)
_ELSEWHERE = "give a new folder: --out SET"
MARKER = Marker("export", _ELSEWHERE, ("aside",))


@dataclass
class SetFolder:
    """A folder that this process has locked.

    Attributes:
        identity: what is exported: the same for the same set in the same form.
    """

    root: Path
    identity: Mapping[str, Any]
    _made: set[Path] = field(default_factory=set)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder, check that it is new or holds the same set, and tidy up after a killed export.

        Raises:
            OutputError: it holds something else, another process exports to it, or it cannot be written.
        """
        with locked(self.root, MARKER), with_aside(self.root):
            self._bind()
            yield

    def _bind(self) -> None:
        """Note what is exported here, or check that it is the same."""
        known = MARKER.read(self.root)
        if known is None:
            said = MARKER.content(self.identity)
            self._write(lambda file: file.write(said), self.root / MARKER.name)
        elif {name: known.get(name) for name in self.identity} != dict(self.identity):
            differs = next(name for name in ("form", "versions", "content") if known.get(name) != self.identity[name])
            before, now = json.dumps(known.get(differs)), json.dumps(self.identity[differs])
            change = "other images" if differs == "content" else f"{differs} {before} -> {now}"
            raise OutputError(f"{self.root} holds another export: {change}", _ELSEWHERE)

    def put(self, file: Linked | Written) -> str:
        """Put a file in its place, unless it is there; returns its SHA-256.

        Raises:
            OutputError: another file is in its place.
            ImageError: an image is missing or has changed.
        """
        final = self.root / file.name
        self._make(final.parent)
        if isinstance(file, Linked):
            if os.path.lexists(final):
                require_content(final, file.sample.sha256, MARKER)
            else:
                self._link(file.sample, final)
            return file.sample.sha256
        if os.path.lexists(final):
            digest = _digest_of(file.write)
            require_content(final, digest, MARKER)
            return digest
        return self._write(file.write, final)

    def describe(self, name: str, text: str) -> bool:
        """Write a document about the set; returns False if a person's is there, which is kept.

        A card that nobody has edited is replaced.
        """
        final, content = self.root / name, text.encode()
        if not os.path.lexists(final):
            self._write(lambda file: file.write(content), final)
            return True
        with suppress(OSError):
            if read_bytes(final, limit=len(content)) == content:
                return True
        if name != card.NAME or not card.is_replaceable(final):
            return False
        self._write(lambda file: file.write(content), aside_of(self.root) / "replaces")
        os.replace(aside_of(self.root) / "replaces", final)
        return True

    def _make(self, folder: Path) -> None:
        """Make a folder of the set, of which no part is a link."""
        if folder not in self._made and folder != self.root:
            self._make(folder.parent)
            make_own_folder(folder)
            self._made.add(folder)

    def _link(self, sample: Sample, final: Path) -> None:
        """Hard link an unchanged image, or copy it where that cannot be done."""
        data = sample.read()
        try:
            os.link(os.path.realpath(sample.path) if sample.path.is_symlink() else sample.path, final)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self._write(lambda file: file.write(data), final)

    def _write(self, write: Callable[[BinaryIO], object], final: Path) -> str:
        aside = aside_of(self.root) / "unfinished"
        aside.unlink(missing_ok=True)  # of an attempt for which the disk was too full
        with open_new(aside) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        digest = sha256_of(aside)
        place(aside, final)
        aside.unlink(missing_ok=True)
        return digest


class _Digest(io.RawIOBase):
    """A file that is only hashed."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self.hash.update(view)
        self._length += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._length


def _digest_of(write: Callable[[BinaryIO], None]) -> str:
    file = _Digest()
    write(cast("BinaryIO", file))
    return file.hash.hexdigest()
