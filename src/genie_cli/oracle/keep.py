"""Reads which jobs to keep: a manifest, such as a person has chosen from, or a list of ids. Independent of torch."""

from __future__ import annotations

import io
import re
from pathlib import Path

from genie_cli import manifest
from genie_cli.errors import UsageError
from genie_cli.files.reading import blaming, read_text

_ID = re.compile("[0-9a-f]{20}")


def read_ids(path: Path) -> frozenset[str]:
    """The ids of the jobs in a manifest that are in use there, or those of a text file, one per line.

    Args:
        path: the file, or the folder of a run. In a manifest, rows that `genie oracle` rejected or `genie select` left
            out do not count.

    Raises:
        UsageError: it cannot be read, is neither, or names no job.
        ManifestError: it begins as a manifest does, and has a bad line.
    """
    file = manifest.path_of(path)
    with blaming(file, UsageError, "a manifest or a list of job ids"):
        content = read_text(file, "utf-8-sig")
        if content.lstrip().startswith("{"):
            rows = manifest.read(io.StringIO(content), str(file), "genie.manifest", whole=True).rows()
            ids = frozenset(row.job.id for row in rows if row.is_accepted)
        else:
            ids = frozenset(_listed(content, file))
    if not ids:
        raise UsageError(f"--keep: {file} names no job", "give a manifest, or a text file with one job id per line")
    return ids


def _listed(content: str, file: Path) -> list[str]:
    ids = []
    for number, line in enumerate(io.StringIO(content), start=1):
        if (word := line.strip()) and not _ID.fullmatch(word):
            raise UsageError(
                f"{file}, line {number}: {word[:40]!r} is not a job id, of 20 hexadecimal digits",
                "a list has one id per line: jq -r 'select(.id) | .id' manifest.jsonl",
            )
        ids += [word] if word else []
    return ids
