"""`genie`, and `python -m genie_cli`, which is the same.

Little is imported before the command line stands, so that Ctrl-C ends the program at once and in words.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Entry point of the `genie` command."""
    _end_at_once()
    try:
        from genie_cli.cli import app

        app.main()
    except KeyboardInterrupt:  # before the first command, or after the last, nothing else catches it
        _end()
    finally:
        _end_at_once()  # nothing is left to be tidied, and Python would show where it was when it ended


def _end_at_once() -> None:
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)


def _end(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:  # noqa: ARG001 - a signal handler
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
