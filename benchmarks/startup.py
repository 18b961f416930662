"""How long `genie --help` takes beside `import torch`: `python benchmarks/startup.py`. Wanted: below a quarter."""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "genie --help": [sys.executable, "-m", "genie_cli", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    # In turn, so that a machine whose speed drifts slows both.
    rounds = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(10)][1:]
    for name in COMMANDS:
        print(f"{name}: {statistics.median(r[name] for r in rounds):.2f} s")
    ratio = statistics.median(r["genie --help"] / r["import torch"] for r in rounds)
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
