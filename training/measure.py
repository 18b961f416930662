"""Measures the bundled model for its card: `python -m training.measure` (about 9 minutes on two cores).

Sources are samples of the test split, whose scans and photographs are in no training data; of the validation split for
`--split val`, on which the noise schedule was chosen. A generated image is
label-consistent if the oracle's top class is the target. Background error is the mean absolute difference to the
source, in 0..1, over pixels that belong neither to the source's digit nor to its border, and that the method should
therefore keep. The new digit covers some of those pixels, equally many at every r that is large enough to change the
digit.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import binary_dilation

from genie_cli.backbones.digits import classify
from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load as load_snapshot
from genie_cli.generate.contact_sheet import contact_sheet

RATIOS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def genie_requests(samples: DigitsInTheWild, ratio: float, count: int) -> list[Request[int]]:
    """Source i, of class i % 10, becomes each of the other classes in turn."""
    return [
        Request(
            key=i,
            prompt=f"A photo of a {CLASSES[target_of(i)]}",
            r=ratio,
            noise_seed=i,
            source=None if ratio == 1 else SourceImage(str(i), partial(opened, samples, i)),
        )
        for i in range(count)
    ]


def opened(samples: DigitsInTheWild, i: int) -> Image.Image:
    return Image.fromarray(samples[i].image)


def target_of(i: int) -> int:
    return (i + 1 + i // 10 % 9) % 10


def made(engine: Engine[int], requests: Sequence[Request[int]]) -> np.ndarray:
    results = {result.key: result.pixels for result in engine.run(requests) if result.pixels is not None}
    return np.stack([results[request.key] for request in requests])


def background_error(samples: DigitsInTheWild, images: np.ndarray) -> float:
    errors = []
    for i, image in enumerate(images):
        source = samples[i]
        background = ~binary_dilation(source.mask > 0, iterations=2)
        errors.append(np.abs(image.astype(float) - source.image)[background].mean() / 255)
    return float(np.mean(errors))


def consistency(images: np.ndarray, targets: Sequence[int]) -> np.ndarray:
    probabilities = classify(torch.from_numpy(images).permute(0, 3, 1, 2))
    hits: np.ndarray = (probabilities.argmax(1).numpy() == np.array(targets)).astype(float)
    return hits


def interval(hits: np.ndarray) -> str:
    return f"{hits.mean():.3f} +- {1.96 * hits.std() / math.sqrt(len(hits)):.3f}"


def sheet(engine: Engine[int], samples: DigitsInTheWild, sources: Sequence[int]) -> Image.Image:
    columns = [np.stack([samples[i].image for i in sources])]
    for ratio in (*RATIOS, 1.0):
        requests = genie_requests(samples, ratio, max(sources) + 1)
        columns.append(made(engine, [requests[i] for i in sources]))
    rows = [[Image.fromarray(column[row]) for column in columns] for row in range(len(sources))]
    heads = ["source", *(f"r = {ratio}" for ratio in RATIOS), "txt2img"]
    return contact_sheet(rows, heads, [f"{CLASSES[i % 10]} to {CLASSES[target_of(i)]}" for i in sources])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="images for each figure")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--model", default="digits", help="the bundled model, or the folder of another")
    parser.add_argument("--ratios", type=float, nargs="+", default=(*RATIOS, 1.0))
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    samples = DigitsInTheWild(options.split)
    engine = Engine[int](load_snapshot(locate(options.model), "cpu"), slots=32)
    real = [samples[i] for i in range(2000)]
    found: dict[str, object] = {
        "oracle_on_real": interval(consistency(np.stack([s.image for s in real]), [s.label for s in real]))
    }
    targets = [target_of(i) for i in range(options.count)]
    for ratio in options.ratios:
        started = time.monotonic()
        images = made(engine, genie_requests(samples, ratio, options.count))
        found[f"r={ratio}"] = {
            "consistency": interval(consistency(images, targets)),
            "background_error": round(background_error(samples, images), 4),
            "seconds": round(time.monotonic() - started),
        }
        print(ratio, found[f"r={ratio}"], flush=True)
    (options.out / "measured.json").write_text(json.dumps(found, indent=1) + "\n")
    sheet(engine, samples, [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]).save(options.out / "contact-sheet.png")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
