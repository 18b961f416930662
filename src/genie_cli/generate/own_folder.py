"""A folder that one command writes, and one process at a time: of a data set, of a gallery, of what was unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genie_cli.errors import OutputError
from genie_cli.files.folders import make_own_folder, remove_folder
from genie_cli.files.marker import Marker
from genie_cli.files.reading import sha256_of
from genie_cli.files.writing import reraise_as_output_error
from genie_cli.generate.locks import held

PRIVATE = ".genie"
_ASIDE = "aside"


def aside_of(root: Path) -> Path:
    """Where files of a folder are written that are not whole yet; see `with_aside`."""
    return root / PRIVATE / _ASIDE


@contextmanager
def locked(root: Path, marker: Marker) -> Iterator[None]:
    """Be the only process that writes to a folder, which is new or has the marker.

    Raises:
        OutputError: it holds something else, another process writes to it, or it cannot be written.
    """
    marker.require_free(root)
    with reraise_as_output_error(root):
        make_own_folder(root / PRIVATE)
        with held(root / PRIVATE, marker.command):
            marker.require_free(root)
            yield


@contextmanager
def with_aside(root: Path) -> Iterator[None]:
    """While this is open, a locked folder has an empty `aside_of`, whatever a killed process left there."""
    aside = aside_of(root)
    remove_folder(aside)
    aside.mkdir()
    try:
        yield
    finally:
        remove_folder(aside)


def require_content(path: Path, digest: str, marker: Marker) -> None:
    """Raise OutputError unless a regular file with this SHA-256 is there."""
    try:
        found = sha256_of(path, follow=False)
    except OSError:
        found = ""
    if found != digest:
        raise OutputError(
            f"{path} is another file than genie {marker.command} would put there", f"move it away, or {marker.hint}"
        )
