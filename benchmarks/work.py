"""What every arm is asked to make, as data: sources x targets x r with one model in one precision.

`Work` travels to the arms' processes as JSON. The jobs in it are genie's own, printed by `genie generate
--dry-run`, so that every arm makes the same images from the same noise. Does not import torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genie_cli.data.digits import CLASSES
from genie_cli.jobs import Job

SOURCE_CLASS, *TARGETS = CLASSES


@dataclass(frozen=True)
class Work:
    """One benchmark's work.

    Attributes:
        folder: where sources and plan lie, and images go.
        cache: where a snapshot of random weights is kept.
        model: ``digits``, ``sd15-shaped`` or anything else that `genie generate --model` takes.
        sources: how many source images.
        targets: classes to make; every source is of another class.
        steps: solver steps of the full schedule; at ratio r the last ``steps * r`` of them run.
        check: how many images are made first, to warm up and to compare before they are rounded.
        batch: images in one call of diffusers' pipeline.
        genie_args: more options of `genie generate`.
    """

    folder: Path
    cache: Path
    model: str
    sources: int
    targets: tuple[str, ...]
    r: tuple[float, ...]
    steps: int
    guidance: float
    device: str
    dtype: str
    check: int
    batch: int = 1
    genie_args: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Work:
        """The work that `line` wrote."""
        fields: dict[str, Any] = json.loads(text)
        lists = {name: tuple(fields[name]) for name in ("targets", "r", "genie_args")}
        return cls(**{**fields, **lists, "folder": Path(fields["folder"]), "cache": Path(fields["cache"])})

    def line(self) -> str:
        return json.dumps(asdict(self), default=str)

    @property
    def source_dir(self) -> Path:
        """A folder of images with a subfolder per class, as `genie generate --src-dir` takes it."""
        return self.folder / "sources"

    @property
    def plan(self) -> Path:
        return self.folder / "plan.jsonl"

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the plan, in its order."""
        _, *rows = self.plan.read_text(encoding="utf-8").splitlines()
        return tuple(Job.model_validate_json(row) for row in rows)

    def options(self) -> list[str]:
        """The command line after `genie generate` that asks for this work, but for the place of its images."""
        arguments = ["--src-dir", str(self.source_dir), "--targets", ",".join(self.targets)]
        arguments += ["--r", ",".join(map(str, self.r)), "--steps", str(self.steps), "--guidance", str(self.guidance)]
        arguments += ["--model", self.model, "--device", self.device, "--dtype", self.dtype, "--format", "png"]
        return [*arguments, *self.genie_args]

    def open(self, job: Job) -> Image.Image:
        """A job's source, decoded."""
        assert job.source, "the benchmark has no job without a source"
        return Image.open(self.source_dir / job.source.path).convert("RGB")

    def rows(self) -> int:
        """UNet rows the work needs: two per step and image, for guidance."""
        return sum(2 * unet_steps(self.steps, job.r) for job in self.jobs)


def unet_steps(steps: int, r: float) -> int:
    """How many of ``steps`` solver steps run at ratio ``r``: those timesteps t with t - 1 <= 1000 r."""
    ladder = np.linspace(0, 999, steps + 1).round()[1:]
    return int((ladder - 1 <= 1000 * r + 1e-6).sum())


def images_in(out: Path) -> list[Path]:
    """The images that an arm wrote below ``out``: their names are their jobs' ids."""
    return sorted(out.rglob("*.png"))
