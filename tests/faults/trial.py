"""One trial: a command in a folder of its own meets a fault, and is run again; and the promises that must be kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.faults.commands import Command
from tests.faults.injection import Fault, Kind, count
from tests.faults.process import Ended, run, run_together

Tree = Mapping[str, str]  # path to SHA-256

# What a command must never say: Python's own words for what nobody has thought of.
_NO_WORDS = ("Traceback", "this is a fault of genie", "Exception ignored", "Fatal Python", "core dumped", "did not end")
_CODES = {0, 1, 2, 3}
_STOPPED = {130, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM}  # the last two before Python has begun
# Locks and their owners stay; a cache may be begun anew at any time.
_PASSING = ("cache/", "own/")


@dataclass
class Bench:
    """A command with its inputs, and what it leaves when nothing goes wrong.

    Attributes:
        folder: where every trial takes place; always the same, since manifests name it.
        inputs: a folder with a person's files, which is copied for each trial.
    """

    command: Command
    folder: Path
    inputs: Path

    @cached_property
    def template(self) -> Path:
        """The folder before the command is run."""
        template = self.inputs.with_name(f"before-{self.command.name.replace(' ', '')}")
        self._copy(self.inputs)
        for words in self.command.before:
            ended = run(words, self.folder)
            assert ended.code == 0, ended.err
        if "first.jpg" in self.command.cut:
            shutil.copy(next(iter(sorted(self.folder.glob("made/train/*/*.jpg")))), self.folder / "first.jpg")
        shutil.copytree(self.folder, template, symlinks=True)
        return template

    @cached_property
    def usual(self) -> tuple[Ended, Tree, int, int]:
        """How the command ends undisturbed, what it leaves, and the number of its file calls and of its changes."""
        self.set_up()
        report = self.folder.with_name("calls")

        def counting() -> None:
            import atexit

            done = count(self.folder, lambda calls, changes: report.write_text(f"{calls} {changes}"))
            original = os._exit

            def leave(code: int) -> None:
                done()
                original(code)

            os._exit = leave  # type: ignore[assignment]
            atexit.register(done)

        ended = run(self.command.words, self.folder, prepare=counting)
        assert ended.code == 0, ended.err
        calls, changes = map(int, report.read_text().split())
        return ended, tree(self.folder), calls, changes

    def set_up(self) -> None:
        """The folder as it is before the command."""
        self._copy(self.template)

    def _copy(self, source: Path) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(source, self.folder, symlinks=True)


def broken_promises(bench: Bench, fault: Fault, damaged: str = "") -> Iterator[str]:
    """Carry a trial out, and name the promises that were broken.

    Args:
        damaged: the file that is damaged before the command is run, relative to the folder; empty: none.
    """
    command, (usual, left, _, _) = bench.command, bench.usual
    bench.set_up()
    if damaged:
        _damage(bench.folder / damaged, fault)
    before = tree(bench.folder)
    if fault.kind is Kind.TOGETHER:
        whole = run((*command.words, "--limit", "1"), bench.folder)
        yield from _badly_ended(whole, fault)
        shards = [(*command.words, "--shard", f"{number}/2") for number in (1, 2)]
        both = run_together(shards, bench.folder)
        yield from (f"shard: exit code {ended.code}: {ended.err}" for ended in both if ended.code)
    else:
        ended = run(command.words, bench.folder, fault)
        yield from _badly_ended(ended, fault)
    after = tree(bench.folder)
    yield from (f"lost or changed: {name}" for name in _persons_own(before) if after.get(name) != before[name])
    if fault.kind is not Kind.TOGETHER and _is_told(ended, usual, damaged):
        return
    is_done = command.once and (bench.folder / command.words[-1]).exists()
    again = run(command.words, bench.folder)
    if again.code and not is_done:
        yield f"run again: exit code {again.code}: {again.err}"
    if again.out != usual.out and command.name != "doctor":
        yield "run again: says something else on stdout"
    yield from _differences(left, tree(bench.folder), damaged)


def _is_told(ended: Ended, usual: Ended, damaged: str) -> bool:
    """Whether a damaged file was refused, or a file that could not be read was left out with a word: results differ."""
    return bool(damaged and ended.code) or ended.err.count("left out") > usual.err.count("left out")


def _badly_ended(ended: Ended, fault: Fault) -> Iterator[str]:
    if said := [words for words in _NO_WORDS if words in ended.err]:
        yield f"{said[0]}: {ended.err}"
    if ended.code not in _CODES and not (fault.kind in (Kind.KILL, Kind.SIGNAL, Kind.TWICE) and ended.code in _STOPPED):
        yield f"exit code {ended.code}: {ended.err}"
    if ended.code in (1, 2) and not ended.err.strip():
        yield f"exit code {ended.code} without a word"


def _persons_own(files: Tree) -> Iterator[str]:
    return (name for name in files if name.startswith(("photos/", "split/", "own")))


def _differences(wanted: Tree, found: Tree, damaged: str) -> Iterator[str]:
    for name in sorted({*wanted, *found}):
        if name.startswith(_PASSING) or name == damaged:
            continue
        if name not in found:
            yield f"missing: {name}"
        elif name not in wanted:
            yield f"left behind: {name}"
        elif wanted[name] != found[name]:
            yield f"differs: {name}"


def _damage(path: Path, fault: Fault) -> None:
    content = bytearray(path.read_bytes())
    place = fault.at % max(len(content), 1)
    if fault.kind is Kind.CUT:
        del content[place:]
    else:
        content[place] ^= 1 << (fault.number % 8)
    path.write_bytes(content)


def tree(folder: Path) -> Tree:
    """Every file below a folder with its SHA-256, but for locks, which stay empty."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }
