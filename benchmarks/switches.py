"""What each switch of the engine gains, on the bundled model: `python benchmarks/switches.py` (four minutes, 2 cores).

Each line is a process of its own: the time of a step of the whole batch, the least of many, since another process on
the machine only ever adds; the same for one slot; and the seconds until the first step was done, which is where
compiling happens: with nothing in its cache, and for the whole UNet once more, with the code that was kept.
"""

import os
import subprocess
import sys
import tempfile
import time

# Memory kept or given back, precision, slots, attention, compilation.
LINES = (
    "given-back float32 1 sdpa off",
    "kept float32 1 sdpa off",
    "given-back float32 32 sdpa off",
    "kept float32 16 sdpa off",
    "kept float32 32 sdpa off",
    "kept float32 64 sdpa off",
    "kept float32 32 sliced off",
    "kept bfloat16 32 sdpa off",
    "kept float32 32 sdpa regional",
    "kept float32 32 sdpa full",
    "kept bfloat16 32 sdpa full",
)


def main() -> None:
    print("| freed memory | precision | slots | attention | compile | step, ms | a slot, ms | first step, s |")
    print("|---|---|---|---|---|---|---|---|")
    for line in LINES:
        with tempfile.TemporaryDirectory() as cache:
            variables = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "XDG_CACHE_HOME": cache}
            for _ in range(2 if line.endswith("full") else 1):
                subprocess.run([sys.executable, __file__, *line.split()], check=True, env=variables)


def measure(memory: str, dtype: str, slots: int, attention: str, compiled: str) -> None:
    from genie_cli.diffusion import snapshot
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import locate

    if memory == "given-back":
        setattr(snapshot, "keep_freed_memory", lambda: False)  # noqa: B010, what it imported from `devices`
    loaded = snapshot.load(locate("digits"), "cpu", dtype, attention, compiled)
    engine = Engine[int](loaded, slots)
    started = time.perf_counter()
    engine.seconds_per_step()
    first = time.perf_counter() - started
    step = min(engine.seconds_per_step() for _ in range(20)) * 1000
    words = (memory.replace("-", " "), dtype, slots, attention, compiled)
    print("|", " | ".join(map(str, words)), f"| {step:.1f} | {step / slots:.2f} | {first:.1f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        memory, dtype, slots, *rest = sys.argv[1:]
        measure(memory, dtype, int(slots), *rest)
    else:
        main()
