"""Ctrl-C and SIGTERM at any time end a command in words, with its exit code, and tidily if there is time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_endings import GENIE, NO_WORDS


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="what starts coverage in a process may swallow Ctrl-C")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_at_any_time_of_the_first_second(tmp_path: Path, number: signal.Signals) -> None:
    for wait in (0.05, 0.1, 0.2, 0.4, 0.8):
        with subprocess.Popen(
            [*GENIE, "doctor"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            time.sleep(wait)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        # Python itself is not there yet in the first moments.
        assert process.returncode in (130, -number)
        assert b"Traceback" not in said
        assert process.returncode < 0 or b"interrupted" in said


_INTERRUPTED = """
import os, signal, sys
from genie_cli.cli import _signals
_signals.install()
from genie_cli.cli import _endings, app
NUMBER = {number}

def again():
    os.kill(os.getpid(), NUMBER)

class Held:
    def __del__(self):
        again()

def swallowed():
    try:
        again()
    except BaseException:
        raise RuntimeError("something else went wrong")

def tidied():
    try:
        again()
    finally:
        print("tidied", flush=True)
        {then}

{setting}
sys.argv = ["genie", "config"]
app.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("setting", "then"),
    [
        pytest.param("again()", "", id="before the command line stands"),
        pytest.param("app.warn_of_unknown_variables = lambda observer: tidied()", "", id="tidied up"),
        pytest.param("app.warn_of_unknown_variables = lambda observer: tidied()", "again()", id="twice"),
        pytest.param("app.warn_of_unknown_variables = lambda observer: exec('tidied()', globals())", "", id="in exec"),
        pytest.param("app.warn_of_unknown_variables = lambda observer: swallowed()", "", id="made another error"),
        pytest.param("app.warn_of_unknown_variables = lambda observer: Held()", "", id="while an object is deleted"),
        pytest.param("_endings.require_text = lambda words: tidied()", "", id="while options are read"),
        pytest.param(
            "_endings.tell_of_interrupt = again; _endings.require_text = lambda words: tidied()", "", id="late"
        ),
        pytest.param("import atexit; atexit.register(again)", "", id="at exit"),
    ],
)
def test_an_interrupt_at_any_place(tmp_path: Path, number: signal.Signals, setting: str, then: str) -> None:
    code = _INTERRUPTED.format(number=int(number), setting=setting, then=then)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert (done.returncode, said.count("interrupted")) == (130, 1), said
    assert not any(words in said for words in NO_WORDS)
    assert ("tidied" in done.stdout.decode()) == ("tidied()" in setting)


_IMPORTING = """
import os, sys
from genie_cli.cli import _signals

def wait():
    while True:
        pass

_signals.install()
try:
    with _signals.Raised():
        import interrupted
        wait()
except KeyboardInterrupt:
    sys.exit(f"{interrupted.whole}, raised afterwards")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_at_the_top_level_of_a_module_waits(tmp_path: Path, number: signal.Signals) -> None:
    module = f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(0.2)\nwhole = 'whole'\n"
    (tmp_path / "interrupted.py").write_text(module)
    found = subprocess.run(
        [sys.executable, "-c", _IMPORTING], cwd=tmp_path, capture_output=True, timeout=60, check=False, text=True
    )
    assert found.stderr == "whole, raised afterwards\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_does_not_wait(tmp_path: Path, number: signal.Signals) -> None:
    again = f"os.kill(os.getpid(), {int(number)})\n"
    (tmp_path / "interrupted.py").write_text(f"import os\n{again}{again}whole = 'whole'\n")
    found = subprocess.run(
        [sys.executable, "-c", _IMPORTING], cwd=tmp_path, capture_output=True, timeout=60, check=False, text=True
    )
    assert (found.returncode, found.stderr) == (130, "interrupted\n")
