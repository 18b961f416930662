"""How long a person waits for the first words: `python benchmarks/startup.py`.

Wanted: below a quarter of `import torch`. Commands are run on a terminal of their own, and ended once they have shown
something.
"""

import os
import pty
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

GENIE = [sys.executable, "-m", "genie_cli"]
TORCH = "import torch"
COMMANDS = {
    TORCH: [sys.executable, "-c", "import torch; print('imported')"],
    "genie --help": [*GENIE, "--help"],
    "genie generate": [*GENIE, *shlex.split("generate --model digits --src-dir . --targets three --out o")],
    "genie fewshot": [*GENIE, *shlex.split("fewshot --dataset digits --out o")],
    "genie longtail": [*GENIE, *shlex.split("longtail --dataset digits --out o")],
    "genie doctor": [*GENIE, "doctor"],
    "genie demo": [*GENIE, "demo"],
}


def seconds(command: list[str]) -> float:
    """Until the first character is shown that is no control sequence."""
    ours, theirs = pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while not shown.replace(b"\x1b[?25l", b"").strip():
            shown += os.read(ours, 4096)
        passed = time.perf_counter() - started
        process.kill()
        process.wait()
    os.close(ours)
    return passed


def main() -> None:
    # In turn, so that a machine whose speed drifts slows all.
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(10)][1:]
    for name in COMMANDS:
        ratio = statistics.median(each[name] / each[TORCH] for each in rounds)
        print(f"{name}: {statistics.median(each[name] for each in rounds):.2f} s, {ratio:.2f} of {TORCH}")


if __name__ == "__main__":
    main()
