"""Runs the commands of a page in this process, in the working directory, with small networks for large ones."""

from __future__ import annotations

import runpy
import shutil
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genie_cli.cli.app import app
from tests.docs.blocks import JOB, Block, Command, lines

# Programs whose work is to fetch something, as the rest of their line is of no use without it.
FETCHING = ("git", "pip", "hf", "python3")
# Commands that ask for a network which is downloaded, and the bundled one that stands for it.
_STANDING_IN = {
    "confuse": ("--backbone", "digits"),
    "oracle": ("--oracle", "digits", "--class-map", "map.csv"),
    "select": ("--backbone", "digits"),
    "fewshot": ("--backbone", "digits"),
    "finegrained": ("--backbone", "digits"),
    "longtail": ("--backbone", "digits"),
}


@dataclass
class Shell:
    """Runs blocks; a command that exits with another code than 0 is a failure.

    Attributes:
        monkeypatch: sets the variables of single commands.
        stands_in: whether `_STANDING_IN` is added; else commands are run as they stand.
        said: what all commands have printed.
    """

    monkeypatch: pytest.MonkeyPatch
    stands_in: bool = True
    said: str = ""

    def run(self, block: Block) -> None:
        if not block.is_run:
            return
        for line in lines(block):
            if line[0][0].words[0] in FETCHING:
                continue
            for pipe in line:
                given = None
                for command in pipe:
                    given = self._run(command, given)

    def _run(self, command: Command, given: str | None) -> str:
        program, *words = command.words
        if program == "genie":
            printed = self._genie(words, dict(command.variables), given)
        elif program == "python":
            printed = self._python(words)
        elif program == "rm":
            for word in words:
                Path(word).unlink()
            printed = ""
        else:
            raise AssertionError(f"{program}: the test cannot run this; is it to be marked '# needs a download'?")
        self.said += printed
        if command.to:
            Path(command.to).write_text(printed, encoding="utf-8")
        return printed

    def _python(self, words: list[str]) -> str:
        """A script, in this process, where torch is loaded."""
        with self.monkeypatch.context() as patch, redirect_stdout(StringIO()) as printed:
            patch.setattr(sys, "argv", words)
            runpy.run_path(words[0], run_name="__main__")
        return printed.getvalue()

    def _genie(self, words: list[str], variables: dict[str, str], given: str | None) -> str:
        words = [_found(word) for word in words if word != "--open"]
        if self.stands_in:
            extra = _STANDING_IN.get(words[0], ())
            asks = words[0] != "select" or "--distinct" in words or "--held-out" in words
            if asks and not {"--from-predictions", extra[:1] and extra[0]} & set(words):
                words += extra
        with self.monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            result = CliRunner().invoke(app, words, input=given, catch_exceptions=False, prog_name="genie")
        assert result.exit_code == 0, f"genie {' '.join(words)}\n{result.stderr}"
        return result.stdout


def _found(word: str) -> str:
    """The path of an image, where a page has ``<job id>`` for its name."""
    if JOB not in word:
        return word
    folder = Path(word).parent
    return str(min(folder.glob(f"*{Path(word).suffix}")))


def copied_photos(digits: Path, to: Path) -> None:
    """Three photos each of cats, dogs and lynxes, which are digits."""
    for name, digit in (("cat", "eight"), ("dog", "five"), ("lynx", "two")):
        shutil.copytree(digits / digit, to / name)
