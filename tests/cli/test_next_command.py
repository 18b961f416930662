"""The next command is said to a person who needs it: not in a pipe, and not between the steps of the demo."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from genie_cli.cli._console import only_words, point_on

COMMAND = ["genie", "oracle", "it's mine"]


def test_to_a_file_or_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point_on("to judge them", COMMAND)
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stdout", log)
        point_on("", COMMAND)
    said = "genie oracle 'it'\"'\"'s mine'\n"
    assert capsys.readouterr().err == f"next, to judge them: {said}next: {said}"


def test_not_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stdout, os.fdopen(reader):
        monkeypatch.setattr(sys, "stdout", stdout)
        point_on("to judge them", COMMAND)
    assert capsys.readouterr().err == ""


def test_not_within_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    with only_words():
        point_on("to judge them", COMMAND)
    assert capsys.readouterr().err == ""
