"""The time of a solver step, by slots, precision, compilation and attention: `python -m benchmarks.steps`.

For a GPU, where whole runs of every combination (`benchmarks.sweep`) take long. On CUDA each step is also replayed from
a graph of the UNet's call, as genie does not do it. A combination that does not run is a line with its reason.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import sd15
from benchmarks.arithmetic import flops, peak, seconds
from benchmarks.options import DTYPES
from benchmarks.report import print_table
from genie_cli.devices import choose_device
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ModelError
from genie_cli.files.cache import cache

COLUMNS = (
    *("precision", "attention", "compile", "slots", "ms per step", "ms per slot", "TFLOP/s", "of peak"),
    *("GPU memory, GiB", "from a graph, ms", "the same values", "first step, s"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__.partition(":")[0])
    parser.add_argument("--model", default="digits", help="digits, sd15-shaped, or what genie generate takes")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtypes", default="float32", help=f"some of {','.join(DTYPES)}")
    parser.add_argument("--compile", default="off", help="some of off,regional,full")
    parser.add_argument("--attention", default="sdpa", help="some of sdpa,xformers,sliced")
    parser.add_argument("--slots", default="1,4,16,32")
    options = parser.parse_args()
    device, slots = choose_device(options.device), [int(count) for count in options.slots.split(",")]
    lines = []
    choices = (getattr(options, name).split(",") for name in ("dtypes", "attention", "compile"))
    for dtype, attention, compiled in itertools.product(*choices):
        model = sd15.located(options.model, cache() / "benchmarks", dtype)
        most, row = peak(device, getattr(torch, dtype)), flops(locate(model).path)["row"]
        try:
            snapshot = load(locate(model), options.device, dtype, attention, compiled)
        except ModelError as error:
            print(f"{dtype}, {attention}, {compiled}: {error}")
            continue
        lines += [[dtype, attention, compiled, *measure(snapshot, count, row, most)] for count in slots]
        print(lines[-1], flush=True)
    print_table(COLUMNS, lines)


@torch.inference_mode()
def measure(snapshot: Snapshot, slots: int, row_flop: int, most: float) -> list[str]:
    """What `COLUMNS` say of a step of a batch, from the slots on."""
    engine = Engine[int](snapshot, slots)
    started = time.perf_counter()
    engine.seconds_per_step()
    first = time.perf_counter() - started
    work = _step(engine)
    taken, wanted = seconds(work, snapshot.device), work()
    on_gpu = snapshot.device.type == "cuda"
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.2f}" if on_gpu else ""
    replayed = _replayed(engine, wanted) if on_gpu else ["", ""]
    rate = engine.denoiser.rows * slots * row_flop / taken
    times = [f"{taken * 1000:.1f}", f"{taken * 1000 / slots:.2f}", f"{rate / 1e12:.3g}", f"{rate / most:.0%}"]
    return [str(slots), *times, memory, *replayed, f"{first:.1f}"]


def _step(engine: Engine[int]) -> Callable[[], Tensor]:
    """A prediction for the whole batch: noise, at different steps, one prompt."""
    snapshot, slots = engine.snapshot, engine.slots
    latents = torch.randn(slots, *snapshot.latent_shape, generator=torch.Generator().manual_seed(0))
    steps = torch.arange(slots, device=snapshot.device) % 50
    prompt = engine.denoiser.embed("A photo of a cat")
    embeddings = tuple(each.expand(slots, *each.shape).contiguous() for each in prompt)
    return lambda: engine.denoiser.predict(latents.to(snapshot.device), steps, embeddings)


def _replayed(engine: Engine[int], wanted: Tensor) -> list[str]:
    """Milliseconds of the step with the UNet's call from a graph, and whether its values are the wanted ones."""
    snapshot = engine.snapshot
    unet = snapshot.unet
    object.__setattr__(snapshot, "unet", Replayed(unet))  # it is frozen
    try:
        work = _step(engine)
        milliseconds = seconds(work, snapshot.device) * 1000
        return [f"{milliseconds:.1f}", "yes" if torch.equal(work(), wanted) else "no"]
    finally:
        object.__setattr__(snapshot, "unet", unet)


class Replayed:
    """A UNet whose kernels are recorded at its first call and replayed since; all calls must have the same shapes."""

    def __init__(self, unet: Any) -> None:
        self._unet, self._graph = unet, torch.cuda.CUDAGraph()
        self._inputs: dict[str, Tensor] = {}
        self._output: Any = None

    def __call__(self, sample: Tensor, timestep: Tensor, **others: Tensor) -> Any:
        inputs = {"sample": sample, "timestep": timestep, **others}
        if self._output is None:
            self._record(inputs)
        for name, tensor in inputs.items():
            self._inputs[name].copy_(tensor)
        self._graph.replay()
        return type(self._output)(sample=self._output.sample.clone())

    def _record(self, inputs: dict[str, Tensor]) -> None:
        self._inputs = {name: tensor.clone() for name, tensor in inputs.items()}
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # kernels must have been chosen before they are recorded
            for _ in range(2):
                self._unet(**self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(self._graph):
            self._output = self._unet(**self._inputs)


if __name__ == "__main__":
    main()
