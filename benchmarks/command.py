"""`genie generate` as a user runs it: options in; images, provenance and manifest out.

The command is called inside this process, so that the model can stay loaded between rounds: loading (and, of a
folder, hashing) the model is left out of a round, and all else a user waits for is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from benchmarks.work import Work, images_in
from genie_cli.cli.app import app
from genie_cli.diffusion import locate, snapshot
from genie_cli.jobs import Job


class Command:
    """Arm (c)."""

    def __init__(self, work: Work) -> None:
        self.work = work
        locate.locate, snapshot.load = cache(locate.locate), cache(snapshot.load)

    def make(self, jobs: tuple[Job, ...], out: Path, exact: Path | None = None) -> None:
        """Make the plan's first ``jobs`` in ``out``, and write the values before they are rounded to ``exact``."""
        arguments = ["generate", *self.work.options(), "--out", str(out), "--limit", str(len(jobs))]
        with _record_decoded() if exact else _record_nothing() as values:
            result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        if result.exit_code:
            raise RuntimeError(f"genie generate ended with {result.exit_code}: {result.output[-2000:]}")
        if exact:
            _save_values(values, out, exact)


@contextmanager
def _record_decoded() -> Iterator[list[NDArray[np.float32]]]:
    """Collects what the model decodes meanwhile: images (H, W, 3) in 0..1, before they are rounded to 8 bits."""
    seen: list[NDArray[np.float32]] = []
    decode = snapshot.Snapshot.decode

    def recording(self: snapshot.Snapshot, latents: torch.Tensor) -> torch.Tensor:
        images = decode(self, latents)
        seen.extend(images.permute(0, 2, 3, 1).cpu().numpy())
        return images

    snapshot.Snapshot.decode = recording  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        snapshot.Snapshot.decode = decode  # type: ignore[method-assign]


@contextmanager
def _record_nothing() -> Iterator[list[NDArray[np.float32]]]:
    yield []


def _save_values(values: list[NDArray[np.float32]], out: Path, exact: Path) -> None:
    """Which values became which file shows when they are rounded; they come in the order in which they were done."""
    for file in images_in(out):
        pixels = np.asarray(Image.open(file))
        same = [image for image in values if np.array_equal((image * 255).round().astype(np.uint8), pixels)]
        if not same:
            raise RuntimeError(f"{file} is not what the model decoded")
        np.save(exact / f"{file.stem}.npy", same[0])
