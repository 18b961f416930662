"""A sample of the campaign: a trial of every fourth command. All of it: ``python -m tests.faults``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import slow
from tests.faults.commands import COMMANDS

TRIALS = 4 if slow.ARE_RUN else 1  # of each command
CHOSEN = COMMANDS if slow.ARE_RUN else COMMANDS[::4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_promise_is_broken() -> None:
    # In a process of its own, since this one has threads, which a fork would lose.
    command = [sys.executable, "-m", "tests.faults", "--trials", str(TRIALS)]
    command += [word for each in CHOSEN for word in ("--command", each.name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{TRIALS * len(CHOSEN)} trials, 0 broke a promise" in done.stdout
