"""The authors' way: one image at a time, and everything about it done anew.

Written from the paper and from what is known of the authors' program, on diffusers' own parts: the prompt and the
source are encoded for each image, DPM-Solver++(2M) runs down to the last training timestep (`sigma_min`), half
precision runs under autocast, and a file is saved before the next image begins. Nothing of genie's engine is in it,
so it is also what genie's images are compared with.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms

from benchmarks.work import Work
from genie_cli.devices import choose_device
from genie_cli.diffusion.locate import locate
from genie_cli.jobs import PURE_NOISE, Job


class Authors:
    """Arm (a)."""

    def __init__(self, work: Work) -> None:
        from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

        self.work = work
        self.device, self.dtype = choose_device(work.device), getattr(torch, work.dtype)
        pipeline = StableDiffusionPipeline.from_pretrained(
            locate(work.model).path, dtype=self.dtype, local_files_only=True
        )
        self.parts = pipeline.to(self.device)
        self.scheduler = DPMSolverMultistepScheduler.from_config(
            pipeline.scheduler.config, timestep_spacing="linspace", final_sigmas_type="sigma_min"
        )
        self.side = pipeline.unet.config.sample_size
        size = self.side * pipeline.vae_scale_factor
        fit = [transforms.Resize(size), transforms.CenterCrop(size)]
        self.prepare = transforms.Compose([*fit, transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])

    def make(self, jobs: tuple[Job, ...], out: Path, exact: Path | None = None) -> None:
        """Write each job's image to ``out``, and its values in 0..1 before they are rounded to ``exact``."""
        out.mkdir(parents=True)
        for job in jobs:
            image = self._image(job)
            values = image.permute(1, 2, 0).float().cpu().numpy()
            Image.fromarray((values * 255).round().astype(np.uint8)).save(out / f"{job.id}.png")
            if exact:
                np.save(exact / f"{job.id}.npy", values)

    @torch.no_grad()
    def _image(self, job: Job) -> Tensor:
        """One image, (3, H, W), 0..1."""
        vae, unet, scale = self.parts.vae, self.parts.unet, self.parts.vae.config.scaling_factor
        latents = self._noised(job)
        half = self.dtype.itemsize < 4
        with torch.autocast(self.device.type, self.dtype) if half else nullcontext():
            embeddings = torch.cat([self._embed(""), self._embed(job.prompt)])
            self.scheduler.set_timesteps(self.work.steps, device=self.device)
            for t in self.scheduler.timesteps:
                if t - 1 > 1000 * job.r:
                    continue
                without, prompted = unet(torch.cat([latents] * 2), t, embeddings).sample.chunk(2)
                noise = without + self.work.guidance * (prompted - without)
                latents = self.scheduler.step(noise, t, latents).prev_sample
            decoded = vae.decode(latents.to(self.dtype) / scale).sample[0]
        image: Tensor = (decoded / 2 + 0.5).clamp(0, 1)
        return image

    def _noised(self, job: Job) -> Tensor:
        """The source's latent at the job's noise level. abar is looked up by the training timestep, since the
        scheduler's own `add_noise` would look in the schedule of its last run."""
        generator = torch.Generator().manual_seed(job.noise_seed)
        noise = torch.randn(1, self.parts.unet.config.in_channels, self.side, self.side, generator=generator)
        noise = noise.to(self.device, self.dtype)
        if job.r > PURE_NOISE:
            return noise
        pixels = self.prepare(self.work.open(job))[None].to(self.device, self.dtype)
        clean = self.parts.vae.encode(pixels).latent_dist.mode() * self.parts.vae.config.scaling_factor
        abar = self.scheduler.alphas_cumprod[int(round(1000 * job.r, 6))].to(self.device)
        noised: Tensor = (abar.sqrt() * clean + (1 - abar).sqrt() * noise).to(self.dtype)
        return noised

    def _embed(self, prompt: str) -> Tensor:
        words = self.parts.tokenizer(
            prompt, padding="max_length", max_length=self.parts.tokenizer.model_max_length, return_tensors="pt"
        )
        embeddings: Tensor = self.parts.text_encoder(words.input_ids.to(self.device))[0]
        return embeddings
