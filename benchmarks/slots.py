"""What the batch size costs and changes, on the bundled model: `python benchmarks/slots.py` (a minute on 2 cores).

For each number of slots: images a second at r = 0.8, and how far the images are from those made in 32 slots.
"""

import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load

COUNT = 32
SLOTS = (32, 16, 8, 4, 2, 1)


def main() -> None:
    samples = DigitsInTheWild("test")
    snapshot = load(locate("digits"), "cpu")
    requests = [
        Request(i, f"A photo of a {CLASSES[(i + 1) % 10]}", 0.8, i, SourceImage(str(i), open_source(samples, i)))
        for i in range(COUNT)
    ]
    reference = None
    for slots in SLOTS:
        engine = Engine[int](snapshot, slots)
        engine.seconds_per_step()  # warms up
        started = time.perf_counter()
        pixels = {result.key: result.pixels for result in engine.run(requests) if result.pixels is not None}
        seconds = time.perf_counter() - started
        images = np.stack([pixels[i] for i in range(COUNT)]).astype(int)
        reference = images if reference is None else reference
        difference = np.abs(images - reference)
        print(
            f"{slots:3} slots: {COUNT / seconds:5.2f} images/s; against 32 slots {(difference == 0).mean():.4%} of "
            f"values equal, {(difference <= 1).mean():.4%} within 1/255, at most {difference.max()}/255 different",
            flush=True,
        )


def open_source(samples: DigitsInTheWild, index: int) -> Callable[[], Image.Image]:
    return lambda: Image.fromarray(samples[index].image)


if __name__ == "__main__":
    main()
