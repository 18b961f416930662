"""What backbones see of the digits in the wild: `python benchmarks/encoders.py digits lite0 lite0-64`.

A hard negative is a class before another class's background, so it can help only as far as a backbone sees backgrounds.
For each backbone, on the validation split, for the five digits that the few-shot benchmark has, which are new to the
bundled encoder:

- the shares of its features' variance that the digit and the photograph behind it explain: the sum of squares between
  the groups' means as a share of the total, features scaled to length 1, as the few-shot classifiers get them;
- how well a linear classifier tells the digits, the two photographs, and five hues of ink apart, by five-fold
  cross-validation over the scans, so that no scan is in two folds;
- images a second of CPU time, resizing included, so that other work on the machine does not count.
"""

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from genie_cli.backbones.backbone import Backbone
from genie_cli.backbones.load import load
from genie_cli.data.digits import CLASSES, NOVEL_CLASSES, DigitsInTheWild, Sample

_HUES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backbones", nargs="*", default=["digits", "lite0", "lite0-64"])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of ink, background and pose")
    asked = parser.parse_args()
    numbers = [index for index in range(2 * asked.samples) if CLASSES[index % len(CLASSES)] in NOVEL_CLASSES]
    samples = [DigitsInTheWild("val", asked.seed)[index] for index in numbers]
    groups = {
        "digit": np.array([sample.label for sample in samples]),
        "photograph": np.array([sample.photograph for sample in samples]),
        "ink hue": np.array([hue_of(sample) for sample in samples]),
    }
    scans = np.array([sample.label * 1000 + sample.scan for sample in samples])
    print(f"{'':14}variance, %           linear classifier, % right       images/CPU s")
    print(f"{'':14}digit  photograph     digit  photograph  ink hue")
    for name in asked.backbones:
        backbone = load(name, device="cpu")
        features, speed = features_of(backbone, samples)
        shares = [100 * explained(features, groups[of]) for of in ("digit", "photograph")]
        right = [100 * told_apart(features, of, scans) for of in groups.values()]
        print(
            f"{name:14}{shares[0]:5.1f}  {shares[1]:10.1f}     {right[0]:5.1f}  {right[1]:10.1f}  {right[2]:7.1f}"
            f"  {speed:9.0f}",
            flush=True,
        )


def features_of(backbone: Backbone, samples: list[Sample]) -> tuple[NDArray[np.float64], float]:
    """Features of length 1, (N, D), and images a second of CPU time."""
    pictures = [Image.fromarray(sample.image) for sample in samples]
    backbone.run(torch.stack([backbone.preprocess.center_crop(picture) for picture in pictures[:64]]))  # warms up
    started = time.process_time()
    # In parts: all of them at 224 pixels would take 300 MB.
    parts = [pictures[start : start + 256] for start in range(0, len(pictures), 256)]
    found = [
        backbone.run(torch.stack([backbone.preprocess.center_crop(picture) for picture in part])) for part in parts
    ]
    seconds = time.process_time() - started
    features = np.concatenate(found).astype(np.float64)
    return features / np.linalg.norm(features, axis=1, keepdims=True), len(samples) / seconds


def explained(features: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """The share of the features' variance that lies between the means of the groups, 0..1."""
    centered = features - features.mean(axis=0)
    between = sum(
        (groups == group).sum() * (centered[groups == group].mean(axis=0) ** 2).sum() for group in np.unique(groups)
    )
    return float(between / (centered**2).sum())


def told_apart(features: NDArray[np.float64], groups: NDArray[np.int64], scans: NDArray[np.int64]) -> float:
    """The share of images that a linear classifier, which has not seen their scans, puts into the right group."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return float(cross_val_score(classifier, features, groups, groups=scans, cv=GroupKFold(5)).mean())


def hue_of(sample: Sample) -> int:
    """The hue of the ink, as one of five equal parts of the circle."""
    red, green, blue = (float(value) for value in np.median(sample.image[sample.mask >= 1], axis=0))
    largest, least = max(red, green, blue), min(red, green, blue)
    if largest == red:
        sixth = (green - blue) / (largest - least) % 6
    elif largest == green:
        sixth = (blue - red) / (largest - least) + 2
    else:
        sixth = (red - green) / (largest - least) + 4
    return int(sixth / 6 * _HUES) % _HUES


if __name__ == "__main__":
    main()
