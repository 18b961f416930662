"""Whether an image depends on what else is made: `python -m benchmarks.independence --model sd15-shaped --device cuda`.

The same requests are made in their order, in the reverse of it, every third of them alone, and once more in another
process: the same bytes each time? Ends with 1 if not. Prints the digest of all images, by which machines, versions and
caches of compiled code can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import sd15
from benchmarks.options import DTYPES
from genie_cli.diffusion.convolutions import product_conv
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load
from genie_cli.files.cache import cache

RATIOS = (0.8, 0.5, 1.0, 0.6, 0.9)
Images = dict[int, NDArray[np.uint8]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.independence", description=__doc__.partition(":")[0])
    parser.add_argument("--model", default="digits")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto", choices=("auto", *DTYPES))
    parser.add_argument("--compile", default="off", choices=("off", "regional", "full"))
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--once", action="store_true", help="only make them once, and print the digest")
    options = parser.parse_args()
    engine = build(options)
    requests = [request(number) for number in range(options.images)]
    started = time.perf_counter()
    wanted = made(engine, requests)
    print(f"{digest(wanted)} {time.perf_counter() - started:.1f} s, {parts(engine)}", flush=True)
    if options.once:
        return
    again = subprocess.run(
        [sys.executable, "-m", "benchmarks.independence", *sys.argv[1:], "--once"], stdout=subprocess.PIPE
    )
    equal = {
        "in the reverse order": same(made(engine, requests[::-1]), wanted),
        "every third alone": same(made(engine, requests[1::3]), wanted),
        "in another process": again.stdout.split()[:1] == [digest(wanted).encode()],
    }
    print(*(f"{what}: {'equal' if found else 'NOT EQUAL'}" for what, found in equal.items()), sep="\n")
    sys.exit(not all(equal.values()))


def build(options: argparse.Namespace) -> Engine[int]:
    """The engine that the options ask for."""
    dtype = "float16" if options.dtype == "auto" else options.dtype
    model = sd15.located(options.model, cache() / "benchmarks", dtype)
    snapshot = load(locate(model), options.device, options.dtype, compiled=options.compile)
    return Engine(snapshot, options.slots, options.steps)


def request(number: int) -> Request[int]:
    """Every image has a source, a prompt, a noise ratio and a seed of its own."""
    pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    source = SourceImage(str(number), lambda: Image.fromarray(pixels))
    return Request(number, f"A photo of a {number}", RATIOS[number % len(RATIOS)], number, source)


def made(engine: Engine[int], requests: Sequence[Request[int]]) -> Images:
    """The images by their requests' keys."""
    images = {}
    for result in engine.run(requests):
        assert result.pixels is not None, result.error
        images[result.key] = result.pixels
    return images


def same(some: Images, wanted: Images) -> bool:
    """Whether some of the images are the wanted ones."""
    return all(np.array_equal(pixels, wanted[key]) for key, pixels in some.items())


def digest(images: Images) -> str:
    return hashlib.sha256(b"".join(images[key].tobytes() for key in sorted(images))).hexdigest()[:16]


def parts(engine: Engine[int]) -> str:
    """How many of the model's convolutions are computed as matrix products."""
    found = {name: getattr(engine.snapshot, name) for name in ("unet", "vae")}
    counts = [
        f"{sum(type(layer) is product_conv() for layer in network.modules())} in the {name}"
        for name, network in found.items()
    ]
    return f"convolutions as matrix products: {', '.join(counts)}"


if __name__ == "__main__":
    main()
