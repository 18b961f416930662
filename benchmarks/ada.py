"""GeNIe-Ada by whole images and by probes, on the bundled models: cost, choices, and what the kept images show.

    python -m benchmarks.ada                                  # 20 support images, 4 targets each, 50 steps
    python -m benchmarks.ada --episodes 20 --rounds 1         # 400 choices

Episodes are those of `genie fewshot`: every support image is a source for each other class of its episode, and the axis
of a choice ends at the target's support images. By whole images, all candidates are made and one is kept; by probes,
one denoising step is taken at each r, and one image is made. What is timed is the engine: decoding is in it, reading
and writing files are not. The features, which take both ways the same, are not in it either.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.prepare import machine
from benchmarks.report import print_table
from genie_cli.backbones.digits import classify
from genie_cli.backbones.load import load as load_backbone
from genie_cli.data import catalog
from genie_cli.data.dataset import Dataset
from genie_cli.data.digits import CLASSES
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.solver import steps_of
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName
from genie_cli.fewshot.episodes import EpisodeSpec, draw
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.generate.ada import histogram, most_adequate
from genie_cli.jobs import ADA_RATIOS, Job, Source

ADA = Augmentation(AugmentationName.GENIE_ADA, ADA_RATIOS)
FIXED = 0.8
SLOTS = 32
Group = tuple[list[Job], tuple[Source, ...]]  # the candidates of a source and a target, and the target's real images
Pixels = dict[str, NDArray[np.uint8]]  # images (H, W, 3) by their jobs' ids


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=4, help="episodes; one of 1 shot has 20 choices")
    parser.add_argument("--shots", type=int, default=1, help="support images per class")
    parser.add_argument(
        "--model", default="digits", help="diffusion model: digits, or the folder of a snapshot like it"
    )
    parser.add_argument("--steps", type=int, default=50, help="solver steps of the full schedule")
    parser.add_argument("--seed", type=int, default=0, help="seed of episodes and noise")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that are timed")
    parser.add_argument("--json", type=Path, help="file for every figure")
    options = parser.parse_args()
    dataset = catalog.load("fewshot", "digits")
    groups = choices_to_make(dataset, locate(options.model).identity, options.episodes, options.shots, options.seed)
    result = measure(groups, dataset.root, options.model, options.steps, options.rounds)
    report(result)
    if options.json:
        options.json.write_text(json.dumps({**result, "machine": machine("cpu")}, indent=1) + "\n")


def measure(groups: Sequence[Group], root: Path, model: str, steps: int, rounds: int) -> dict[str, Any]:
    """Make everything both ways, ``rounds`` times; figures by name.

    Args:
        root: folder of the real images.
        model: the name or folder of a diffusion model.
    """
    snapshot = load(locate(model), "cpu")
    whole = Engine[str](snapshot, SLOTS, steps)
    probe = Engine[str](snapshot, SLOTS, steps, probe=True)
    whole.seconds_per_step()  # warms up
    seen = Seen(root)
    jobs = {job.id: job for group, _ in groups for job in group}
    ways: dict[str, list[float]] = {"whole images": [], "probes": [], "of which probes": []}
    for _ in range(rounds):
        images, seconds = make(whole, jobs.values(), root)
        ways["whole images"].append(seconds)
        probes, first = make(probe, jobs.values(), root)
        by_probes = [seen.choose(group, probes) for group in groups]
        kept = {job.id: job for job in by_probes}
        again, then = make(whole, kept.values(), root)
        assert all(np.array_equal(again[name], images[name]) for name in kept), "an image depends on the others"
        ways["probes"].append(first + then)
        ways["of which probes"].append(first)
    by_images = [seen.choose(group, images) for group in groups]
    return {
        "choices": len(groups),
        "candidates": len(jobs),
        "seconds": {name: median(seconds) for name, seconds in ways.items()},
        "steps": {
            "whole images": sum(steps_of(job.r, steps) for job in jobs.values()),
            "probes": len(jobs) + sum(steps_of(job.r, steps) for job in kept.values()),
        },
        "images": {"whole images": len({job.id for job in by_images}), "probes": len(kept)},
        **compared(by_images, by_probes),
        "consistency": consistency(groups, images, {"whole images": by_images, "probes": by_probes}),
    }


def choices_to_make(dataset: Dataset, model: str, episodes: int, shots: int, seed: int) -> list[Group]:
    """The groups of candidates of all episodes; ``model`` is the diffusion model's identity."""
    needs = EpisodeJobs(lambda label: (f"A photo of a {label}",), model, seed)
    groups: list[Group] = []
    for episode in draw(dataset, EpisodeSpec(ways=5, shots=shots, queries=1, seed=seed), episodes):
        for jobs, target in zip(needs.jobs(episode, ADA), episode.support, strict=True):
            starts = range(0, len(jobs), len(ADA_RATIOS))
            groups += [(jobs[start : start + len(ADA_RATIOS)], target) for start in starts]
    return groups


def make(engine: Engine[str], jobs: Any, root: Path) -> tuple[Pixels, float]:
    """The images of jobs, each once, and the seconds that they took."""
    requests = [
        Request(job.id, job.prompt, job.r, job.noise_seed, SourceImage(job.source.sha256, partial(opened, root, job)))
        for job in jobs
    ]
    started = time.perf_counter()
    pixels = {result.key: result.pixels for result in engine.run(requests)}
    seconds = time.perf_counter() - started
    assert all(image is not None for image in pixels.values())
    return pixels, seconds  # type: ignore[return-value]


def opened(root: Path, job: Job) -> Image.Image:
    """The source of a job."""
    assert job.source
    with Image.open(root / job.source.path) as image:
        return image.convert("RGB")


class Seen:
    """What the bundled encoder sees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.backbone = load_backbone("digits", device="cpu")

    def choose(self, group: Group, pixels: Pixels) -> Job:
        """The job that GeNIe-Ada chooses by these images, or probes, of the candidates."""
        jobs, target = group
        assert jobs[0].source
        real = [self._real(source) for source in (jobs[0].source, *target)]
        features = self._features([*real, *(pixels[job.id] for job in jobs)])
        source, shown, made = features[0], features[1 : len(real)], features[len(real) :]
        return jobs[most_adequate(made, source, shown)]

    def _real(self, source: Source) -> NDArray[np.uint8]:
        with Image.open(self.root / source.path) as image:
            return np.asarray(image.convert("RGB"))

    def _features(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        crop = self.backbone.preprocess.center_crop
        return self.backbone.run(torch.stack([crop(Image.fromarray(image)) for image in images]))


def compared(by_images: Sequence[Job], by_probes: Sequence[Job]) -> dict[str, Any]:
    """How often both ways choose the same r, and what chance would do with the same histograms."""
    pairs = list(zip((job.r for job in by_images), (job.r for job in by_probes), strict=True))
    shares = [np.array([*histogram(chosen, ADA_RATIOS).values()]) / len(pairs) for chosen in zip(*pairs, strict=True)]
    return {
        "equal": float(np.mean([one == other for one, other in pairs])),
        "equal by chance": float(shares[0] @ shares[1]),
        "within .1": float(np.mean([abs(one - other) < 0.11 for one, other in pairs])),
        "chosen": dict(
            zip(
                ("whole images", "probes"),
                (dict(zip(ADA_RATIOS, s.tolist(), strict=True)) for s in shares),
                strict=True,
            )
        ),
    }


def consistency(groups: Sequence[Group], images: Pixels, ways: Mapping[str, Sequence[Job]]) -> dict[str, float]:
    """Share of images whose target is the bundled oracle's top class: at each r, and of those kept in each way.

    ``random r`` is a choice at random with the histogram of whole images, as an average over all such choices.
    """
    names = list(images)
    rows = torch.from_numpy(np.stack([images[name] for name in names])).permute(0, 3, 1, 2)
    top = dict(zip(names, (CLASSES[number] for number in classify(rows).argmax(1).tolist()), strict=True))

    def share(jobs: Sequence[Job]) -> float:
        return float(np.mean([top[job.id] == job.target for job in jobs]))

    at = {r: share([job for jobs, _ in groups for job in jobs if job.r == r]) for r in ADA_RATIOS}
    counts = histogram((job.r for job in ways["whole images"]), ADA_RATIOS)
    chance = sum(at[r] * count for r, count in counts.items()) / len(groups)
    kept = {name: share(jobs) for name, jobs in ways.items()}
    return {**{f"r = {r:g}": value for r, value in at.items()}, **kept, "random r": chance}


def report(result: Mapping[str, Any]) -> None:
    """Print the figures as two tables."""
    count, seconds, steps = result["choices"], result["seconds"], result["steps"]
    print(f"{count} choices among {len(ADA_RATIOS)} noise ratios; {result['candidates']} candidates\n")
    columns = ("chosen by", "steps", "steps per choice", "seconds", "of whole images", "shows its target")
    lines = [
        [
            name,
            f"{steps[name]}",
            f"{steps[name] / count:.1f}",
            f"{seconds[name]:.1f}",
            f"{seconds[name] / seconds['whole images']:.2f}",
            f"{result['consistency'][name]:.3f}",
        ]
        for name in ("whole images", "probes")
    ]
    print_table(columns, lines)
    print(f"\nthe probes alone took {seconds['of which probes']:.1f} s\n")
    at = [f"{r:g}" for r in ADA_RATIOS]
    lines = [
        [f"chosen by {name}", *(f"{share:.2f}" for share in chosen.values())]
        for name, chosen in result["chosen"].items()
    ]
    lines.append(["shows its target", *(f"{result['consistency'][f'r = {r}']:.3f}" for r in at)])
    print_table(("r", *at), lines)
    print(
        f"\nthe same r: {result['equal']:.1%} (by chance {result['equal by chance']:.1%}), at most one apart: "
        f"{result['within .1']:.1%}; at a random r {result['consistency']['random r']:.3f} show their target, at "
        f"r = {FIXED:g} {result['consistency'][f'r = {FIXED:g}']:.3f}"
    )


if __name__ == "__main__":
    main()
