"""Whether the tests notice scientific faults: plants one at a time, and fails if the tests still pass.

    python -m tests.mutants                         all of them, some minutes
    python -m tests.mutants --only ada-signed-jump  one
    python -m tests.mutants --list                  their names, and what each changes

A fault is planted in a temporary copy of the tree; the working tree is never touched. The tests that should notice it
are named with it (`tests.planted`). They must pass on the copy as it is, and one of them must fail with the fault.
Run by hand and every night (``.ci/nightly``), not in ``./check``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.planted import fewshot, others, rows
from tests.planted.fault import Fault

ROOT = Path(__file__).resolve().parents[1]
FAULTS = (*rows.FAULTS, *fewshot.FAULTS, *others.FAULTS)
_PACKAGE = "src/genie_cli"
_NOT_COPIED = shutil.ignore_patterns(".git", ".*_cache", ".hypothesis", ".venv", "__pycache__", "genie-*")
_PASSED, _FAILED = 0, 1  # pytest's exit codes; others mean that tests could not be run
_SECONDS = 600  # a fault may also be noticed by tests that never end
_SHOWN = 25  # last lines of what pytest said


class UnusableError(Exception):
    """A fault that cannot be planted, or tests that fail without it."""


def planted(fault: Fault, source: str) -> str:
    """The text of a file with the fault.

    Raises:
        UnusableError: the fragment is not in it exactly once, or what comes out is no Python.
    """
    times = source.count(fault.original)
    if times != 1:
        raise UnusableError(f"{fault.file} has its fragment {times} times, not once")
    changed = source.replace(fault.original, fault.faulty)
    try:
        compile(changed, fault.file, "exec")
    except SyntaxError as error:
        raise UnusableError(f"{fault.file} would be no Python: {error}") from None
    return changed


def run(tests: Sequence[str], copy: Path) -> tuple[int, str]:
    """Run tests of the copy; pytest's exit code, and its last lines."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(copy.parent / "hypothesis")
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return _FAILED, f"no end after {_SECONDS} seconds"
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN:])


def try_out(fault: Fault, copy: Path) -> str:
    """Plant a fault, run its tests and take it out again; why it is not found, or empty.

    Raises:
        UnusableError: see `planted`.
    """
    file = copy / _PACKAGE / fault.file
    before = file.read_text()
    changed = planted(fault, before)
    file.write_text(changed)
    try:
        code, said = run(fault.tests, copy)
    finally:
        file.write_text(before)
    if code == _PASSED:
        return f"lives: {' '.join(fault.tests)} pass"
    return "" if code == _FAILED else f"its tests could not be run (exit code {code}):\n{said}"


def campaign(faults: Sequence[Fault]) -> int:
    """Try all of them; the number of those that are not found.

    Raises:
        UnusableError: the tests fail without a fault.
    """
    with tempfile.TemporaryDirectory(prefix="genie-mutants-") as folder:
        copy = Path(shutil.copytree(ROOT, Path(folder) / "genie", ignore=_NOT_COPIED))
        say(f"{len(faults)} faults; first their tests, without any")
        code, said = run(list(dict.fromkeys(name for fault in faults for name in fault.tests)), copy)
        if code != _PASSED:
            raise UnusableError(f"tests fail without any fault (exit code {code}):\n{said}")
        lost = 0
        for number, fault in enumerate(faults, 1):
            why = try_out(fault, copy)
            lost += bool(why)
            say(f"{number:3} {fault.name}: {why or 'found'}")
    return lost


def chosen(only: Iterable[str]) -> list[Fault]:
    """The faults with these names, or all; all of those can be planted.

    Raises:
        UnusableError: there is no fault of a name, or one cannot be planted.
    """
    by_name = {fault.name: fault for fault in FAULTS}
    if len(by_name) < len(FAULTS):
        raise UnusableError("two faults have one name")
    if unknown := [name for name in only if name not in by_name]:
        raise UnusableError(f"there is no fault called {', '.join(unknown)}: see --list")
    faults = [by_name[name] for name in only] or list(FAULTS)
    problems = []
    for fault in faults:
        try:
            planted(fault, (ROOT / _PACKAGE / fault.file).read_text())
        except UnusableError as error:
            problems.append(f"{fault.name}: {error}")
    if problems:
        raise UnusableError("\n".join(problems))
    return faults


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this fault; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the faults, and plant none")
    asked = parser.parse_args()
    try:
        faults = chosen(asked.only)
        if asked.list:
            for fault in faults:
                say(f"{fault.name}: {fault.file}: {fault.original!r} becomes {fault.faulty!r}")
            return 0
        lost = campaign(faults)
    except UnusableError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    say(f"{len(faults) - lost} of {len(faults)} faults were found")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
