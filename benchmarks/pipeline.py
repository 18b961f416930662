"""Diffusers' own image-to-image pipeline, in batches, as an experienced user runs it.

It makes other images than GeNIe does (it samples the VAE, starts one timestep lower and ends at sigma 0), by as many
UNet steps. It is here for its speed.
"""

from __future__ import annotations

import time
from itertools import groupby
from pathlib import Path

import torch
from PIL import Image, ImageOps

from benchmarks.work import Work, unet_steps
from genie_cli.devices import choose_device
from genie_cli.diffusion.locate import locate
from genie_cli.jobs import Job

_BATCHES = (1, 2, 4, 8, 16, 32, 64)


class Pipeline:
    """Arm (b): jobs of one r share a batch, each with a generator of its own."""

    def __init__(self, work: Work) -> None:
        from diffusers import DPMSolverMultistepScheduler, StableDiffusionImg2ImgPipeline

        self.work = work
        self.pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
            locate(work.model).path, dtype=getattr(torch, work.dtype), local_files_only=True
        ).to(choose_device(work.device))
        self.pipeline.scheduler = DPMSolverMultistepScheduler.from_config(self.pipeline.scheduler.config)
        self.pipeline.set_progress_bar_config(disable=True)
        self.size = self.pipeline.unet.config.sample_size * self.pipeline.vae_scale_factor

    def make(self, jobs: tuple[Job, ...], out: Path, exact: Path | None = None) -> None:  # noqa: ARG002 - see above
        """Write each job's image to ``out``; its values before rounding would be compared with nothing."""
        out.mkdir(parents=True)
        for _, group in groupby(sorted(jobs, key=lambda job: job.r), key=lambda job: job.r):
            same_r = list(group)
            for start in range(0, len(same_r), self.work.batch):
                batch = same_r[start : start + self.work.batch]
                for job, image in zip(batch, self._images(batch, self.work.steps), strict=True):
                    image.save(out / f"{job.id}.png")

    def _images(self, jobs: list[Job], steps: int) -> list[Image.Image]:
        size = (self.size, self.size)
        made: list[Image.Image] = self.pipeline(
            prompt=[job.prompt for job in jobs],
            image=[ImageOps.fit(self.work.open(job), size, Image.Resampling.BILINEAR) for job in jobs],
            # In the middle between two counts of steps, where no rounding loses one.
            strength=min(1.0, (unet_steps(steps, jobs[0].r) + 0.5) / steps),
            num_inference_steps=steps,
            guidance_scale=self.work.guidance,
            generator=[torch.Generator().manual_seed(job.noise_seed) for job in jobs],
        ).images
        return made

    def best_batch(self) -> int:
        """The batch with the most images per second in short runs: every size that fits, twice, in two rounds."""
        fastest: dict[int, float] = {}
        sizes = [batch for batch in _BATCHES if batch <= len(self.work.jobs)]
        for batch in sizes * 2:  # a slow moment of the machine hits one round of a size, and not both
            try:
                fastest[batch] = min(fastest.get(batch, float("inf")), self._seconds(batch))
            except torch.OutOfMemoryError:
                continue  # it is no choice
        return max(fastest, key=lambda batch: batch / fastest[batch])

    def _seconds(self, batch: int) -> float:
        started = time.perf_counter()
        self._images(list(self.work.jobs[:batch]), steps=4)
        return time.perf_counter() - started
