"""Before the arms: source images, genie's plan, and what must be known of the model and the machine."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import sd15
from benchmarks.arithmetic import flops
from benchmarks.work import SOURCE_CLASS, Work
from genie_cli.devices import choose_device
from genie_cli.diffusion.locate import locate
from genie_cli.header import versions


def prepare(work: Work) -> dict[str, Any]:
    """Write sources, plan and, if need be, the model: where it lies, FLOP of its parts, facts of the machine."""
    work = replace(work, model=sd15.located(work.model, work.cache, work.dtype))
    write_sources(work.source_dir, work.model, work.sources)
    command = [sys.executable, "-m", "genie_cli", "generate", *work.options(), "--dry-run", "--json"]
    work.plan.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {"model": work.model, "flop": flops(locate(work.model).path), "machine": machine(work.device)}


def write_sources(folder: Path, model: str, count: int) -> None:
    """``count`` images of one class below ``folder``: digits for the digits model, else pieces of a photograph."""
    place = folder / SOURCE_CLASS
    place.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(_source(model, index)).save(place / f"{index:06}.png")


def _source(model: str, index: int) -> Any:
    if model == "digits":
        from genie_cli.data.digits import CLASSES, DigitsInTheWild

        return DigitsInTheWild("test")[index * len(CLASSES)].image  # the samples of class 0
    from sklearn.datasets import load_sample_image

    photograph = load_sample_image("china.jpg")
    side = min(photograph.shape[:2])
    return np.roll(photograph, index, axis=1)[:, :side]


def machine(device: str) -> dict[str, Any]:
    """What the figures depend on."""
    import torch

    where = choose_device(device)
    facts: dict[str, Any] = {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions(),
    }
    if where.type == "cuda":
        properties = torch.cuda.get_device_properties(where)
        facts |= {"gpu": properties.name, "gpu memory": properties.total_memory, "cuda": torch.version.cuda}
    return facts


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
