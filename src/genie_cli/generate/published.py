"""Step times of GPUs, published by others or measured, so that a run has a price before a GPU is rented."""

from __future__ import annotations

from collections.abc import Mapping

# Solver steps per second of a batch: Stable Diffusion 1.5, 512 pixels, float16, with guidance, torch 2.0, not compiled.
# From the documentation of diffusers 0.17, "Accelerated PyTorch 2.0 support in Diffusers", txt2img, batch size 16.
# The H200's are genie's, compiled, with torch 2.11 (docs/performance.md).
_STEPS_PER_SECOND = {"RTX 3090": 1.70, "RTX 4090": 3.17, "A100": 3.04, "H200": 14.2}
_BATCH = 16
_UNET_SHARE = 0.96  # of an image's arithmetic at r = 0.8; the rest is decoding
SIDE = 512  # pixels of the images that were timed


def seconds_elsewhere(steps: int, rows: int) -> Mapping[str, float]:
    """Seconds that one GPU of each model takes for images of `SIDE` pixels by Stable Diffusion 1.5.

    Args:
        steps: solver steps of all images.
        rows: UNet rows of a step: 2 with guidance, 1 without.
    """
    return {
        name: steps * rows / 2 / (_BATCH * per_second) / _UNET_SHARE for name, per_second in _STEPS_PER_SECOND.items()
    }
