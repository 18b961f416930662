"""What approximations gain and cost, on the bundled model: `python benchmarks/presets.py` (three minutes on 2 cores).

300 GeNIe images at r = 0.8, made with fewer solver steps and in bfloat16. For each: images per second, the share in
which the bundled oracle sees the target, and how far the images are from those of 50 steps in float32: the mean
absolute difference of their values, in 1/255. Another noise seed has the distance of "just another image".
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from genie_cli.backbones.digits import classify
from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load

COUNT = 300
RATIO = 0.8
TARGETS = np.array([(i + 1 + i // 10 % 9) % 10 for i in range(COUNT)])  # never the source's own class
EXACT = (50, "float32", 0)
VARIANTS = (EXACT, *((steps, "float32", 0) for steps in (25, 20, 15, 10)), (50, "bfloat16", 0), (20, "bfloat16", 0))
OTHER_NOISE = (50, "float32", 1)


def main() -> None:
    samples = DigitsInTheWild("test")
    reference = None
    print("| steps | precision | noise | images/s | shows its target | distance from the first row, 1/255 |")
    print("|---|---|---|---|---|---|")
    for steps, dtype, seed in (*VARIANTS, OTHER_NOISE):
        images, seconds = make(samples, steps, dtype, seed)
        reference = images if reference is None else reference
        accuracy = (classify(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1).numpy() == TARGETS).mean()
        difference = np.abs(images.astype(int) - reference).mean()
        noise = "another" if seed else "the same"
        print(
            f"| {steps} | {dtype} | {noise} | {COUNT / seconds:.1f} | {accuracy:.3f} | {difference:.2f} |", flush=True
        )


def make(samples: DigitsInTheWild, steps: int, dtype: str, seed: int) -> tuple[NDArray[np.uint8], float]:
    """The images in their requests' order, (COUNT, 32, 32, 3), and how many seconds they took."""
    engine = Engine[int](load(locate("digits"), "cpu", dtype), slots=32, steps=steps)
    engine.seconds_per_step()  # warms up
    requests = [
        Request(
            i, f"A photo of a {CLASSES[target]}", RATIO, i + seed * COUNT, SourceImage(str(i), open_source(samples, i))
        )
        for i, target in enumerate(TARGETS)
    ]
    started = time.perf_counter()
    pixels = {result.key: result.pixels for result in engine.run(requests) if result.pixels is not None}
    return np.stack([pixels[i] for i in range(COUNT)]), time.perf_counter() - started


def open_source(samples: DigitsInTheWild, index: int) -> Callable[[], Image.Image]:
    return lambda: Image.fromarray(samples[index].image)


if __name__ == "__main__":
    main()
