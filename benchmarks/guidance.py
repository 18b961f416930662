"""Where classifier-free guidance matters, on the bundled model: `python -m benchmarks.guidance`.

Kynkäänniemi et al. (2024) guide only in an interval of noise levels. Elsewhere a step then takes one row of the UNet
instead of two. For each interval of the 50 steps of the full schedule, which begins with step 0, the noisiest: the rows
that are saved, the share of images in which the bundled oracle sees the target, and how far the images are from those
that are guided throughout: the mean absolute difference of their values, in 1/255.

    python -m benchmarks.guidance                             # 160 images at each of six noise ratios
    python -m benchmarks.guidance --accuracy 0-35,0-30        # accuracy of GeNIe(.8) with these intervals
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.paper.outcomes import Pools
from benchmarks.paper.plan import BACKBONES, EPISODES, GENIE, PLAIN, folder
from benchmarks.presets import open_source
from benchmarks.report import print_table
from genie_cli import api
from genie_cli.backbones.digits import classify
from genie_cli.config import Settings
from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.family import Embedding
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.solver import steps_of
from genie_cli.evaluate.statistics import paired_difference
from genie_cli.fewshot.compare import difference
from genie_cli.gallery.figures.ratios import wilson

STEPS, GUIDANCE, SLOTS = 50, 7.5, 32
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
ALL = range(STEPS)
NONE = range(0)
INTERVALS = (
    *(range(end) for end in (48, 45, 40, 35, 30, 25)),  # the last steps without
    *(range(start, STEPS) for start in (10, 20)),  # the first ones
    *(range(start, end) for start in (10, 20) for end in (45, 40)),  # both
)


class PartlyGuided(Denoiser):
    """Guidance in some of the steps, and the prediction under the prompt itself in the others.

    Args:
        guided: the steps that are guided.
    """

    def __init__(self, *given: Any, guided: range, **more: Any) -> None:
        super().__init__(*given, **more)
        self._guided = guided

    def predict(self, latents: torch.Tensor, step: torch.Tensor, embeddings: Embedding) -> torch.Tensor:
        rows = ((step >= self._guided.start) & (step < self._guided.stop)).nonzero().flatten()
        pairs = zip(self._unconditional, embeddings, strict=True)
        predicted = self.snapshot.predict(
            torch.cat([latents[rows], latents]),
            self._solver.timesteps[torch.cat([step[rows], step])],
            tuple(torch.cat([without.expand(len(rows), *given.shape[1:]), given]) for without, given in pairs),
        )
        unconditional, conditional = predicted.split([len(rows), len(latents)])
        result: torch.Tensor = conditional.clone()
        result[rows] = unconditional + self.guidance * (conditional[rows] - unconditional)
        return result


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=160, help="images at each noise ratio")
    parser.add_argument("--accuracy", type=intervals, help="measure accuracy with these intervals instead: 0-40,10-50")
    parser.add_argument("--pools", default="1", help="pools of the digits for --accuracy")
    parser.add_argument("--out", type=Path, default=Path("build/guidance"), help="folder for --accuracy")
    parser.add_argument("--json", type=Path, help="file for every figure")
    options = parser.parse_args()
    if options.accuracy:
        pools = [int(pool) for pool in options.pools.split(",")]
        result: Sequence[dict[str, Any]] = accuracies(options.out, options.accuracy, pools)
    else:
        result = consistencies(options.count)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def intervals(text: str) -> list[range]:
    """Intervals that were typed, such as ``0-40,10-50``: the first step, and the one after the last."""
    return [range(*map(int, each.split("-"))) for each in text.split(",")]


def name(guided: range) -> str:
    """As an interval is typed."""
    return f"{guided.start}-{guided.stop}" if guided else "none"


def saved(guided: range, ratios: Sequence[float] = RATIOS) -> float:
    """The share of the UNet's rows that are saved, 0..1, with as many images at each ratio."""
    taken = [step for r in ratios for step in range(STEPS - steps_of(r, STEPS), STEPS)]
    return sum(step not in guided for step in taken) / (2 * len(taken))


def consistencies(count: int) -> list[dict[str, Any]]:
    """The figures of every interval, which are printed, too."""
    targets = np.array([(i + 1 + i // 10 % 9) % 10 for i in range(count)])  # never the source's own class
    images = make(targets)
    lines = [figures(guided, images, targets) for guided in (ALL, *INTERVALS, NONE)]
    columns = ("guided", "saved", "at .8", *(f"r = {r:g}" for r in RATIOS), "all r", "95 %", "less all steps'")
    print_table((*columns, "lost, gained", "difference"), [cells(each) for each in lines])
    return lines


def make(targets: Sequence[int] | NDArray[np.int64]) -> dict[range, NDArray[np.uint8]]:
    """The images of each interval, (ratios, count, 32, 32, 3), from the same sources and noise."""
    samples, snapshot = DigitsInTheWild("test"), load(locate("digits"), "cpu", "float32")
    denoisers = Denoiser(snapshot, STEPS, 1), Denoiser(snapshot, STEPS, GUIDANCE)
    made: dict[range, list[NDArray[np.uint8]]] = {guided: [] for guided in (ALL, *INTERVALS, NONE)}
    for r in RATIOS:
        for start in range(0, len(targets), SLOTS):
            group = range(start, min(start + SLOTS, len(targets)))
            batch = Batch(denoisers, [request(samples, i, CLASSES[targets[i]], r) for i in group])
            for guided, images in made.items():
                images.append(batch.images(guided))
    shape = len(RATIOS), len(targets)
    return {
        guided: (all_ := np.concatenate(images)).reshape(*shape, *all_.shape[1:]) for guided, images in made.items()
    }


def request(samples: DigitsInTheWild, i: int, target: str, r: float) -> Request[int]:
    return Request(i, f"A photo of a {target}", r, i, SourceImage(str(i), open_source(samples, i)))


class Batch:
    """Requests at one noise ratio. Steps that several intervals begin with are taken once.

    Args:
        denoisers: without guidance, and with it.
    """

    def __init__(self, denoisers: tuple[Denoiser, Denoiser], requests: Sequence[Request[int]]) -> None:
        self.denoisers = denoisers
        started = [denoisers[0].start(request) for request in requests]
        self.first = started[0][2]
        self.embeddings = tuple(map(torch.stack, zip(*(embedding for _, embedding, _ in started), strict=True)))
        latents = torch.stack([latent for latent, _, _ in started])
        self.states = {(self.first, NONE): (latents, torch.zeros_like(latents))}

    def images(self, guided: range) -> NDArray[np.uint8]:
        """(N, H, W, 3), guided in the steps of an interval."""
        images = self.denoisers[0].snapshot.decode(self.after(STEPS, guided)[0])
        array: NDArray[np.uint8] = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return array

    def after(self, end: int, guided: range) -> tuple[torch.Tensor, torch.Tensor]:
        """The noisy latents before step ``end``, and the clean ones predicted in the step before it."""
        guided = range(max(guided.start, self.first), min(guided.stop, end)) or NONE
        if (end, guided) not in self.states:
            latents, last = self.after(end - 1, guided)
            denoiser = self.denoisers[end - 1 in guided]
            step = torch.full((len(latents),), end - 1)
            predicted = denoiser.predict(latents, step, self.embeddings)
            self.states[end, guided] = denoiser.advance(latents, predicted, last, step, step == self.first)
        return self.states[end, guided]


def figures(guided: range, images: dict[range, NDArray[np.uint8]], targets: NDArray[np.int64]) -> dict[str, Any]:
    """What is reported of an interval."""
    seen, everywhere = (shown(images[each]) == targets for each in (guided, ALL))
    change = paired_difference(seen.ravel().astype(float), everywhere.ravel().astype(float))
    return {
        "guided": name(guided),
        "saved": saved(guided),
        "saved at .8": saved(guided, (0.8,)),
        "consistent": seen.mean(1).tolist(),
        "mean": float(seen.mean()),
        "interval": wilson(int(seen.sum()), seen.size),
        "change": (change.mean, change.half_width),
        "lost": (everywhere & ~seen).sum(1).tolist(),
        "gained": (seen & ~everywhere).sum(1).tolist(),
        "difference": np.abs(images[guided].astype(int) - images[ALL]).mean((1, 2, 3, 4)).tolist(),
    }


def shown(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The oracle's top class of images (ratios, count, H, W, 3)."""
    rows = torch.from_numpy(images.reshape(-1, *images.shape[2:])).permute(0, 3, 1, 2)
    found: NDArray[np.int64] = classify(rows).argmax(1).numpy().reshape(images.shape[:2])
    return found


def cells(figures: dict[str, Any]) -> list[str]:
    """A line of the table."""
    low, high = figures["interval"]
    mean, half_width = figures["change"]
    shares = [f"{share:.3f}" for share in (*figures["consistent"], figures["mean"])]
    rows = [f"{figures[each]:.0%}" for each in ("saved", "saved at .8")]
    change = [f"{low:.3f} to {high:.3f}", f"{mean:+.4f} ± {half_width:.4f}"]
    moved = f"{sum(figures['lost'])}, {sum(figures['gained'])}"
    return [figures["guided"], *rows, *shares, *change, moved, f"{np.mean(figures['difference']):.2f}"]


def accuracies(out: Path, candidates: Sequence[range], pools: Sequence[int]) -> list[dict[str, str]]:
    """The accuracy with each interval less that with guidance in all steps, on the same episodes; printed, too."""
    for pool in pools:
        for guided in (ALL, *candidates):
            evaluate(out, guided, pool)
    cases = product(BACKBONES, (1, 5), candidates)
    found = [compared(out, guided, pools, backbone, shots) for backbone, shots, guided in cases]
    print_table(tuple(found[0]), [list(each.values()) for each in found])
    return found


def evaluate(out: Path, guided: range, pool: int) -> None:
    """Make the images of a pool, and evaluate them with both backbones; what is there is not made again."""
    settings = Settings.model_validate(
        {
            "data": {"pool": pool},
            "fewshot": {"episodes": EPISODES},
            "generate": {"seed": pool, "steps": STEPS, "guidance": GUIDANCE},
            "model": {"name": "digits", "dtype": "float32", "compile": "off", "slots": SLOTS},
        }
    )
    images: tuple[Path, ...] = ()
    with patch("genie_cli.diffusion.engine.Denoiser", partial(PartlyGuided, guided=guided)):
        for backbone in BACKBONES:
            there = out / folder(name(guided), pool, backbone)
            api.fewshot(
                PLAIN, augment="genie", backbone=backbone, manifest=images, out=there, settings=settings, jobs=1
            )
            images = images or (there / "images",)


def compared(out: Path, guided: range, pools: Sequence[int], backbone: str, shots: int) -> dict[str, str]:
    """A difference in percentage points, with its 95 % intervals over episodes and clustered by scan."""
    ours, usual = (Pools.read(out, name(each), PLAIN, pools, backbone, shots) for each in (guided, ALL))
    pairs = zip(ours.pools, usual.pools, strict=True)
    change = difference(
        [(a.listed, a.predicted(GENIE) or (), b.predicted(GENIE) or ()) for a, b in pairs], ours.original_of
    )
    return {
        "backbone": backbone,
        "shots": str(shots),
        "guided": name(guided),
        "accuracy": f"{100 * ours.accuracy(GENIE).mean:.2f}",
        "guided throughout": f"{100 * usual.accuracy(GENIE).mean:.2f}",
        "difference": f"{100 * change.mean:+.2f}",
        "over episodes": f"± {100 * change.episodes.half_width:.2f}",
        "clustered": f"± {100 * change.half_width:.2f}",
    }


if __name__ == "__main__":
    main()
