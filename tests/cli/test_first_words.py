"""A command shows something before it imports what takes seconds, since a person waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {"torch", "torchvision", "diffusers", "transformers", "timm", "sklearn", "scipy", "datasets", "matplotlib"}
# Runs a command until it shows something, and says which of these libraries have been imported by then.
SCRIPT = f"""
import os, sys
from genie_cli.cli import _console, _progress

def stop(*_, **__):
    sys.__stdout__.write(" ".join({SLOW!r} & set(sys.modules)) + "\\nshown")
    sys.__stdout__.flush()
    os._exit(0)

_console.Words.print = _console.Words.status = _progress.bar = stop
from genie_cli.cli import app
app.main()
"""
COMMANDS = {
    "confuse": "confuse --src-dir photos --out c.json",
    "generate": "generate --model digits --src-dir photos --targets lynx --out o",
    "oracle": "oracle missing.jsonl --out j.jsonl",
    "fewshot": "fewshot --dataset digits --out f",
    "fewshot --dry-run": "fewshot --dataset digits --out f --dry-run",
    "finegrained": "finegrained --dataset digits --out f",
    "longtail": "longtail --dataset digits --out f",
    "doctor": "doctor",
    "demo": "demo --out d",
    "a mistake": "generate --model digits --src-dir nowhere --targets lynx --out o",
}


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("name", COMMANDS)
def test_something_is_shown_first(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, *COMMANDS[name].split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n") == ["", "shown"], done.stderr
