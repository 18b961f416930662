"""The UNet's call in PyTorch, as genie loads it, as it compiles it, and in OpenVINO: `python -m benchmarks.runtimes`.

OpenVINO is what a user of an Intel CPU would take instead; it is not among genie's packages: `pip install openvino`.
All have the same weights and inputs, in one process, in turn. The difference is from PyTorch's own call in float32,
relative to its largest value. One row is half a step of an image with guidance.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import sd15
from genie_cli.devices import keep_freed_memory
from genie_cli.diffusion import configuration, linear_layers
from genie_cli.diffusion.ahead_of_time import CompiledUNet
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.network import load
from genie_cli.files.cache import cache

Call = Callable[[], Tensor]
CPU = torch.device("cpu")


class OfTensors(torch.nn.Module):
    """The UNet with positional inputs and a tensor as its result."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample: Tensor, timestep: Tensor, text: Tensor) -> Any:
        return self.unet(sample, timestep, text, return_dict=False)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits", help="digits, or sd15-shaped (random weights, 13 GiB of memory)")
    parser.add_argument("--rows", type=int, default=64, help="rows of a call")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=["float32", "bfloat16"])
    options = parser.parse_args()
    keep_freed_memory()
    path = sd15.snapshot(cache() / "benchmarks", "float32") if options.model == sd15.NAME else None
    located = locate(str(path or options.model))
    found, text = configuration.read(located.path), 77 if path else 32
    generator = torch.Generator().manual_seed(0)
    inputs = (
        torch.randn(options.rows, 4, found.unet.side, found.unet.side, generator=generator),
        torch.randint(1000, (options.rows,), generator=generator),
        torch.randn(options.rows, text, found.unet.cross_attention_dim, generator=generator),
    )
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        wanted = _torch(load(located, "unet", CPU, torch.float32), inputs, torch.float32)()
        print("| runtime | precision | ms per row | slowest to fastest | difference | s until the first result |")
        print("|---|---|---|---|---|---|")
        for dtype in (getattr(torch, name) for name in options.dtypes):
            unet, ours = (load(located, "unet", CPU, dtype).to(memory_format=torch.channels_last) for _ in range(2))
            ours.load_state_dict(unet.state_dict(), assign=True)  # the same memory
            linear_layers.use(ours, CPU, dtype)
            made: dict[str, Callable[[], Call]] = {
                "PyTorch": partial(_torch, unet, inputs, dtype),
                "genie": partial(_torch, ours, inputs, dtype),
                "genie, compiled": partial(_torch, CompiledUNet(ours, Path(folder)), inputs, dtype),
                "OpenVINO": partial(_openvino, load(located, "unet", CPU, torch.float32), inputs, dtype),
            }
            _measure(made, str(dtype).removeprefix("torch."), wanted, options.rounds)


def _measure(made: dict[str, Callable[[], Call]], dtype: str, wanted: Tensor, rounds: int) -> None:
    calls, first, differences = {}, {}, {}
    for name, make in made.items():
        started = time.perf_counter()
        calls[name] = make()
        result = calls[name]()
        first[name] = time.perf_counter() - started
        differences[name] = float((result.float() - wanted).abs().max() / wanted.abs().max())
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append((time.perf_counter() - started) * 1000 / len(wanted))
    for name, each in seconds.items():
        span = f"{max(each):.4g} to {min(each):.4g}"
        cells = (name, dtype, f"{statistics.median(each):.4g}", span, f"{differences[name]:.1g}", f"{first[name]:.0f}")
        print("|", " | ".join(cells), "|", flush=True)


def _torch(unet: Any, inputs: tuple[Tensor, Tensor, Tensor], dtype: torch.dtype) -> Call:
    sample, timestep, text = inputs
    cast = sample.to(dtype, memory_format=torch.channels_last), text.to(dtype)
    return lambda: unet(cast[0], timestep, encoder_hidden_states=cast[1]).sample


def _openvino(unet: Any, inputs: tuple[Tensor, Tensor, Tensor], dtype: torch.dtype) -> Call:
    import openvino

    network = openvino.convert_model(OfTensors(unet), example_input=inputs)
    network.reshape({port: list(each.shape) for port, each in zip(network.inputs, inputs, strict=True)})
    hints = {
        "INFERENCE_PRECISION_HINT": {torch.float32: "f32", torch.bfloat16: "bf16"}[dtype],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(network, "CPU", hints)
    arrays = [each.numpy() for each in inputs]
    return lambda: torch.from_numpy(compiled(arrays)[0])


if __name__ == "__main__":
    main()
