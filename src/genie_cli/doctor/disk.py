"""Room on a disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from genie_cli.doctor.finding import Finding, gib
from genie_cli.files.reading import nearest, reason

MIN_FREE = 8 * 2**30  # bytes: SD1.5 in both precisions takes 6.4 GB, a thousand images of 512 pixels 0.1 GB


def disk(name: str, folder: Path, remedy: str) -> Finding:
    """Whether ``folder``, or its nearest existing parent, can be written to and has enough free space."""
    place = str(folder)
    try:
        place = str(folder.absolute())
        existing = nearest(folder)
        free = shutil.disk_usage(existing).free
        # Written for real: permission bits say nothing of read-only disks and quotas, and do not apply to root.
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"genie")
    except OSError as error:  # also if the working directory is gone
        return Finding("disk", name, f"{place} cannot be written: {reason(error)}", ok=False, remedy=remedy)
    ok = free >= MIN_FREE
    value = f"{gib(free)} free for {place}" + ("" if ok else f", less than {gib(MIN_FREE)}")
    return Finding("disk", name, value, ok=ok, remedy="" if ok else remedy)
