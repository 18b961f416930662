"""`genie generate` again on the same folder: in shards, after a kill, Ctrl-C or a full disk, or beside another run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import slow
from tests.conftest import Genie, tree
from tests.generate.command import EVERYTHING, rows


def test_shards_limits_and_resumes_end_in_the_same_tree(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, *EVERYTHING)
    genie(*command, "--out", "whole")
    for part in ("2/3", "1/3", "3/3"):
        assert genie(*command, "--out", "sharded", "--shard", part).exit_code == 0
    assert genie(*command, "--out", "resumed", "--limit", "5").exit_code == 0
    assert len(rows(tmp_path / "resumed")) == 5
    assert genie(*command, "--out", "resumed").exit_code == 0
    whole = tree(tmp_path / "whole")
    assert {k: v for k, v in tree(tmp_path / "sharded").items() if not k.startswith(".genie/")} == {
        k: v for k, v in whole.items() if not k.startswith(".genie/")
    }
    assert tree(tmp_path / "resumed") == whole


def test_a_finished_run_makes_nothing_again(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, *EVERYTHING, "--out", "out")
    genie(*command)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").rglob("*.jpg")}
    result = genie(*command)
    assert "36 of 36 images already exist" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").rglob("*.jpg")} == before


def test_the_first_images_of_a_plan_of_a_billion(genie: Genie, tmp_path: Path) -> None:
    """Only a plan that is never held, listed or counted comes to an end here; so does going on with it."""
    command = ("generate", "--method", "txt2img", "--targets", "seven", "--per-target", 10**9, "--limit", 2)
    assert len(genie(*command, "--dry-run").stdout.splitlines()) == 3
    assert genie(*command, "--out", "out").exit_code == 0
    before = tree(tmp_path / "out")
    assert "2 of 2 images already exist" in genie(*command, "--out", "out").stderr
    assert tree(tmp_path / "out") == before


MOMENTS = 20 if slow.ARE_RUN else 2  # of some hundred

# Run in a process of its own, which dies by its own hand at the n-th thing it does to the output folder:
# every moment between two file operations is a moment at which `kill -9` may come.
KILLED_AT = """
import os, signal, sys, threading
count, limit, out = 0, int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()
def strike(event, arguments):
    global count
    if event in ("open", "os.link", "os.rename", "os.remove", "os.mkdir") and out in str(arguments[0]):
        with lock:
            count += 1
            if count == limit:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(strike)
sys.argv = ["genie", *sys.argv[3:]]
from genie_cli.cli.app import main
try:
    main()
finally:
    print("operations", count, file=sys.stderr)
"""


def run_killed_at(limit: int, cwd: Path, out: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED_AT, str(limit), out, *words, "--out", out]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def operations_of(run: subprocess.CompletedProcess[str]) -> int:
    return int(run.stderr.split("operations ")[1])


def test_kill_at_any_moment_and_rerun_equals_never_killed(genie: Genie, photos: Path, tmp_path: Path) -> None:
    import random

    words = ["generate", "--model", "digits", "--steps", "4", "--slots", "4", "--src-dir", str(photos)]
    words += ["--targets", "seven", "--r", "0.8"]
    never = run_killed_at(0, tmp_path, "never", *words)
    assert never.returncode == 0, never.stderr
    operations = operations_of(never)
    moments = random.Random(0).sample(range(1, operations + 1), MOMENTS)
    for moment in moments:
        out = tmp_path / f"out-{moment}"
        killed = run_killed_at(moment, tmp_path, out.name, *words)
        # Two threads that make the same folder at once try it twice: then there are two operations more.
        was_over = killed.returncode == 0 and operations_of(killed) < moment
        assert killed.returncode == -signal.SIGKILL or was_over, killed.stderr
        result = genie("generate", "--src-dir", photos, "--targets", "seven", "--r", "0.8", "--out", out.name)
        assert result.exit_code == 0, (moment, result.output)
        assert tree(out) == tree(tmp_path / "never"), f"killed at operation {moment} of {operations}"


def test_control_c_says_so_and_a_rerun_goes_on(genie: Genie, photos: Path, tmp_path: Path) -> None:
    # A shell in the background, as of some CI, has Ctrl-C ignored in all that it starts.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code = listening + "from genie_cli.cli.app import main; main()"
    command = [sys.executable, "-c", code, "generate", "--model", "digits", "--slots", "4", "--steps", "80"]
    command += ["--src-dir", str(photos), "--targets", "seven", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    journal = tmp_path / "out/.genie/journal.jsonl"
    for _ in range(2400):
        if journal.exists():
            break
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command resumes" in stderr
    assert "Traceback" not in stderr
    assert genie("generate", "--steps", "80", "--src-dir", photos, "--targets", "seven", "--out", "out").exit_code == 0
    assert len(rows(tmp_path / "out")) == 9


def test_other_settings_on_the_same_out_are_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven", "--out", "out", "--per-target", "1")
    genie(*command)
    before = tree(tmp_path / "out")
    result = genie(*command, "--guidance", "3")
    assert result.exit_code == 1
    assert "guidance: 7.5 -> 3.0" in result.stderr
    assert "to go on there: the same command with --guidance=7.5" in result.stderr
    assert tree(tmp_path / "out") == before


def test_a_full_disk_stops_the_run_and_a_rerun_completes_it(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven")
    genie(*command, "--out", "roomy")
    calls = 0

    def fsync(file: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        result = genie(*command, "--out", "full")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "run the same command again" in result.stderr
    assert genie(*command, "--out", "full").exit_code == 0
    assert tree(tmp_path / "full") == tree(tmp_path / "roomy")


def test_a_second_run_on_the_same_out_is_refused(genie: Genie, photos: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    command = ("generate", "--src-dir", photos, "--targets", "seven", "--out", "out")
    genie(*command, "--shard", "1/2")
    with FileLock(tmp_path / "out/.genie/run-1-of-2.lock"):
        (tmp_path / "out/.genie/run-1-of-2.owner").write_text("process 7 on elsewhere")
        for other in ((), ("--shard", "1/2"), ("--shard", "1/3")):
            result = genie(*command, *other)
            assert result.exit_code == 1
            assert "in use by process 7 on elsewhere" in " ".join(result.stderr.split())
        assert genie(*command, "--shard", "2/2").exit_code == 0
