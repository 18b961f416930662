"""Where a job's image lies in an output folder, and how a class name becomes a folder name."""

from __future__ import annotations

import re
from pathlib import Path

from genie_cli.config import Format
from genie_cli.errors import OutputError
from genie_cli.jobs import Job

IMAGES = "train"
# Words that the datasets library takes for the name of a split when they stand alone in a path.
_SPLIT_WORDS = "train|training|validation|valid|dev|val|test|testing|eval|evaluation"
_AWKWARD = re.compile(
    r"[%/\\:*?\"<>|\x00-\x1f\x7f]|^\.+|^_(?=_)|[. ]+\Z"  # the datasets library leaves out .names and __names
    rf"|(?<![^\W\d_])(?P<split>{_SPLIT_WORDS})(?![^\W\d_])",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[%/\\:*?\"<>|\x00-\x1f\x7f]|^\.+|[. ]+\Z")
_LONGEST_NAME = 255  # bytes, on every common file system


def folder_of(label: str) -> str:
    """A class's folder: its name, percent-encoded where a path or a reader of folders would stumble.

    ``urllib.parse.unquote`` gives the class back. "a/b" is ``a%2Fb``, ".." is ``%2E%2E``, and "test" is
    ``tes%74``, which the datasets library would else take for the test split.

    Raises:
        OutputError: the name is too long for a folder.
    """
    return _no_longer(label, _AWKWARD.sub(_encoded, label))


def _encoded(found: re.Match[str]) -> str:
    """The match percent-encoded; of a split's name only the last letter, since what is left must be no such name."""
    start = len(found[0]) - 1 if found["split"] else 0
    return found[0][:start] + _percent(found[0][start:])


def _percent(text: str) -> str:
    return "".join(f"%{ord(character):02X}" for character in text)


def _no_longer(label: str, name: str) -> str:
    if len(name.encode()) > _LONGEST_NAME:
        raise OutputError(f"the class name {label[:40]!r}... is too long for a folder")
    return name


def class_folder_of(label: str) -> str:
    """A class's folder, for folders that genie itself reads: as `folder_of`, but names of splits stay as they are.

    "bullet train" is no split, and a class is called in prompts what its folder is called.

    Raises:
        OutputError: the name is too long for a folder.
    """
    return _no_longer(label, _UNSAFE.sub(lambda found: _percent(found[0]), label))


def file_of(job: Job, image_format: Format) -> str:
    """Where a job's image lies, relative to the output folder."""
    return f"{IMAGES}/{folder_of(job.target)}/{job.id}.{image_format.value}"


def keep_apart(source_root: Path, out: Path) -> None:
    """Sources are never written to, nor what was made here read as a source."""
    sources, root = source_root.resolve(), out.resolve()
    if root.is_relative_to(sources):
        raise OutputError(f"the output {out} lies inside the sources {source_root}", "choose an --out elsewhere")
    if sources.is_relative_to(root / IMAGES):
        raise OutputError(
            f"the sources {source_root} lie where the images of {out} would go", "choose an --out elsewhere"
        )
