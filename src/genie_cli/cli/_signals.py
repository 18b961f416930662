"""Ctrl-C, and what a batch system sends before it kills: the first ends a command tidily, the next one at once.

Nothing is imported that Python has not loaded itself, so that Ctrl-C ends the program in words from the beginning. The
module ``signal`` is not among that; ``_signal`` is what it is made of.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found, unused-ignore]
import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

INTERRUPTED = 130  # the exit code
_SIGNALS = (_signal.SIGINT, _signal.SIGTERM)
_IMPORTING = "<frozen importlib._bootstrap"  # how the names of the import system's files begin
_LATER = 0.01  # seconds until a signal that came while an extension was being loaded is looked at again


class _State:
    """What the next signal does.

    Attributes:
        process: the one whose command it is; others, which load its data, have inherited the handlers.
        depth: of `Raised`; not 0: the first signal raises KeyboardInterrupt.
        came: whether it has come.
    """

    process = 0
    depth = 0
    came = False


def install() -> None:
    """From here on a signal ends the program at once, with words and its exit code, except within `Raised`."""
    _State.process = os.getpid()
    for number in _SIGNALS:
        _signal.signal(number, _received)
    _signal.signal(_signal.SIGALRM, _looked_at_again)
    atexit.register(_ignore)  # the first to be registered is the last to be called
    sys.unraisablehook = _unraisable


class Raised:
    """Within its context the first signal raises KeyboardInterrupt, so that what is under way is tidied up.

    A signal that comes while the extension of a module is being loaded does so afterwards: torch's calls Python from
    C++ where no exception may come out, or the process is aborted.
    """

    def __enter__(self) -> None:
        _State.depth += 1

    def __exit__(self, *error: object) -> None:
        _State.depth -= 1


def came() -> bool:
    """Whether a signal has raised KeyboardInterrupt, which a library may have turned into another error since."""
    return _State.came


def handled() -> None:
    """Let Python end with the exit code that it is given.

    A KeyboardInterrupt that has come out of an `exec`, such as that of a dataclass, counts as one that nobody has
    handled until the next `exec`, and Python would die of a signal.
    """
    exec("")  # noqa: S102


def _received(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
    if os.getpid() == _State.process:
        if _State.came or not _State.depth:
            _end()
        _State.came = True
    _raise_unless_loading(frame)


def _looked_at_again(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    if os.getpid() == _State.process and not _State.depth:
        _end()
    _raise_unless_loading(frame)


def _raise_unless_loading(frame: FrameType | None) -> None:
    """Extensions are loaded by the import system, and initialized from the top level of modules."""
    if frame is not None and (frame.f_code.co_name == "<module>" or frame.f_code.co_filename.startswith(_IMPORTING)):
        _signal.setitimer(_signal.ITIMER_REAL, _LATER)
    else:
        raise KeyboardInterrupt


def _end() -> None:
    try:
        if os.getpid() == _State.process:
            os.write(2, b"interrupted\n")
    finally:
        os._exit(INTERRUPTED)


def _ignore() -> None:
    """Nothing is left to be done, and Python, which takes handlers away before it ends, would die of the signal."""
    for number in (*_SIGNALS, _signal.SIGALRM):
        _signal.signal(number, _signal.SIG_IGN)


def _unraisable(unraisable: UnraisableHookArgs) -> None:
    """A signal that came while Python was deleting an object, from where no exception can get out."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _end()
    sys.__unraisablehook__(unraisable)
