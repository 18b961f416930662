"""Folders of photos, written file by file, and what a scan of them finds."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from genie_cli.data.folder import Listing, scan
from genie_cli.errors import FolderError
from genie_cli.jobs import Source

NOT_AN_IMAGE = "does not have the extension of an image file"
needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege on Windows")


def put(root: Path, path: str, content: bytes | str = "") -> Path:
    """Write a file, by default with its own path as content, and the folders it needs."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else (content or path).encode())
    return file


def picture(root: Path, path: str) -> Path:
    file = put(root, path)
    Image.new("RGB", (4, 4), "red").save(file, "PNG")
    return file


def source(path: str, label: str, content: bytes | None = None) -> Source:
    """The source expected for a file that `put` has written."""
    digest = hashlib.sha256(path.encode() if content is None else content).hexdigest()
    return Source(path=path, label=label, sha256=digest)


def found(listing: Listing) -> list[tuple[str, str]]:
    return [(one.path, one.label) for one in listing.sources]


def failure(root: Path, label: str | None = None) -> tuple[str, str]:
    with pytest.raises(FolderError) as caught:
        scan(root, label)
    return str(caught.value), caught.value.hint
