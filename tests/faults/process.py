"""Runs commands in forks of one process that has loaded all libraries, as a command line of their own would."""

from __future__ import annotations

import importlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.injection import Fault, Kind

_LOADED = (
    "torch",
    "torchvision.transforms.v2",
    "diffusers.models",
    "transformers.models.clip",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "timm",
    "accelerate",
    "genie_cli.cli.app",
    "genie_cli.generate.run",
    "genie_cli.fewshot.benchmark",
    "genie_cli.longtail.prepare",
)
_PATIENCE = 120  # seconds; a command takes a few


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; negative: the signal that killed it.
        seconds: how long it took.
    """

    code: int
    out: str
    err: str
    seconds: float


def load() -> None:
    """Load what takes seconds, once."""
    for name in _LOADED:
        importlib.import_module(name)


def environment(folder: Path) -> dict[str, str]:
    """What a command sees of its surroundings: nothing beside ``folder``."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }


def run(
    words: Sequence[str], folder: Path, fault: Fault | None = None, prepare: Callable[[], object] | None = None
) -> Ended:
    """Run a command in ``folder`` to its end.

    Args:
        prepare: called in the command's process, before it begins.
    """
    (ended,) = run_together([words], folder, fault, prepare)
    return ended


def run_together(
    commands: Sequence[Sequence[str]],
    folder: Path,
    fault: Fault | None = None,
    prepare: Callable[[], object] | None = None,
) -> list[Ended]:
    """Run commands at the same time."""
    begun = time.monotonic()
    running = [_start(words, folder, fault, prepare) for words in commands]
    if fault and fault.kind in (Kind.SIGNAL, Kind.TWICE):
        for wait in (fault.at / 1000, 0.01)[: 2 if fault.kind is Kind.TWICE else 1]:
            time.sleep(wait)
            os.kill(running[0][0], fault.number)
    return [_finish(process, pipes, begun) for process, pipes in running]


def _start(
    words: Sequence[str], folder: Path, fault: Fault | None, prepare: Callable[[], object] | None
) -> tuple[int, tuple[int, int]]:
    out, err = os.pipe(), os.pipe()
    process = os.fork()
    if not process:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for (reading, writing), number in ((out, 1), (err, 2)):
            os.dup2(writing, number)
            os.close(reading)
            os.close(writing)
        _become(words, folder, environment(folder), fault, prepare)
    for _, writing in (out, err):
        os.close(writing)
    return process, (out[0], err[0])


def _become(
    words: Sequence[str],
    folder: Path,
    surroundings: Mapping[str, str],
    fault: Fault | None,
    prepare: Callable[[], object] | None,
) -> None:
    """Be the command, in a fork; does not return."""
    for number in (signal.SIGINT, signal.SIGTERM):  # as in a process of its own
        signal.signal(number, signal.SIG_DFL)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - till the end
    os.environ.clear()
    os.environ.update(surroundings)
    os.chdir(folder)
    sys.argv = ["genie", *words]
    code = 1
    try:
        from genie_cli.__main__ import main

        if prepare:
            prepare()
        if fault:
            fault.install(folder)
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _finish(process: int, pipes: tuple[int, int], begun: float) -> Ended:
    said = dict.fromkeys(pipes, b"")
    with selectors.DefaultSelector() as waiting:
        for pipe in pipes:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            if time.monotonic() - begun > _PATIENCE:
                os.kill(process, signal.SIGKILL)
            for key, _ in waiting.select(timeout=1):
                if block := os.read(key.fd, 1 << 16):
                    said[key.fd] += block
                else:
                    waiting.unregister(key.fd)
    for pipe in pipes:
        os.close(pipe)
    _, status = os.waitpid(process, 0)
    out, err = (said[pipe].decode("utf-8", "backslashreplace") for pipe in pipes)
    seconds = time.monotonic() - begun
    if seconds > _PATIENCE:
        err += "\n(it did not end)"
    return Ended(os.waitstatus_to_exitcode(status), out, err, seconds)
