"""Gets models from the hub of the environment, and prints what its observer is told as JSON: a list of pairs.

Run as ``python -m tests.diffusion.hub_client locate|load NAME...``. No pause is longer than a twentieth of a second,
and files come in blocks of 100,000 bytes, so that a small one can break off in the middle.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants

from genie_cli.backbones.load import load
from genie_cli.diffusion.locate import locate
from genie_cli.errors import GenieError
from genie_cli.observer import Observer, Progress

_sleep = time.sleep


class Counted(Progress):
    done = 0

    def advance(self, count: int = 1) -> None:
        self.done += count


class Listener(Observer):
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def found(self, message: str) -> None:
        files = [file for file in Path(constants.HF_HUB_CACHE).rglob("snapshots/*/*/*") if file.exists()]
        self.heard += [("cached", f"{len(files)} files"), ("found", message)]

    def warning(self, message: str) -> None:
        self.heard.append(("warning", message))

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Progress]:
        counted = Counted()
        yield counted
        self.heard.append(("progress", f"{description}: {counted.done} of {total}"))


def main(command: str, *names: str) -> None:
    """Locate Stable Diffusion models or load backbones; each ends with a pair of its identity, or of the error."""
    time.sleep = lambda seconds: _sleep(min(float(seconds), 0.05))
    constants.DOWNLOAD_CHUNK_SIZE = 100_000
    listener = Listener()
    for name in names:
        try:
            if command == "locate":
                end = ("identity", locate(name, observer=listener).identity)
            else:
                end = ("identity", load(name, None, "cpu", listener).name)
        except GenieError as error:
            end = ("error", str(error))
        listener.heard.append(end)
    sys.stdout.write(json.dumps(listener.heard))


if __name__ == "__main__":
    main(*sys.argv[1:])
