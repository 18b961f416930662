"""Stage 5, the few-shot encoder: the UniSiam loss on unlabelled images of the base digits 0 to 4.

The two views of a pair are two images of the same scan: the same handwriting in another color and pose, before another
background. The background, which two crops of one image would share and which is easier to recognize than the digit,
therefore carries no information. No class labels are used, but which scan an image shows is.

The design was chosen with `validate`: few-shot accuracy on scans of the validation split, which are used neither in
this training nor for any reported figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import normalize

from genie_cli.backbones.digits import encoder
from genie_cli.data.digits import BASE_CLASSES, CLASSES, NOVEL_CLASSES, scans_of
from training.loop import DEVICE, Schedule, fit
from training.samples import painted

SCHEDULE = Schedule(steps=4500, batch=128, learning_rate=1.5e-3, warm_up=100)
SAMPLES = 60_000
_TEMPERATURE, _UNIFORMITY = 2.0, 0.1


class UniSiam(nn.Module):
    """Encoder, projector and predictor, and the loss between two views."""

    def __init__(self, backbone: nn.Module, width: int = 256) -> None:
        super().__init__()
        self.encoder = backbone
        self.proj = nn.Sequential(*_layer(256, 2 * width), *_layer(2 * width, 2 * width), *_layer(2 * width, width)[:2])
        self.pred = nn.Sequential(*_layer(width, width // 4), nn.Linear(width // 4, width))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        projected = self.proj(self.encoder(torch.cat([first, second])))
        targets = normalize(projected, dim=1).chunk(2)
        predictions = normalize(self.pred(projected), dim=1).chunk(2)
        similarity = sum((predictions[i] * targets[1 - i].detach()).sum(1).mean() / 2 for i in (0, 1))
        one, other = (uniformity(target) / 2 for target in targets)
        return _UNIFORMITY * (one + other) - similarity


def uniformity(vectors: torch.Tensor) -> torch.Tensor:
    """log mean exp(cosine / temperature) over all pairs of different rows of ``vectors``, (N, D), of unit length."""
    others = ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    return (vectors @ vectors.T / _TEMPERATURE)[others].exp().mean().log()


def _layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)


class Pairs:
    """Images of the base digits, grouped by the scan that they show."""

    def __init__(self, count: int) -> None:
        pixels, labels, _ = painted("train", count)
        scans = torch.tensor([len(scans_of("train")[int(label)]) for label in labels])
        scan = labels * 1000 + torch.arange(count) // len(CLASSES) % scans
        base = labels < len(BASE_CLASSES)
        _, self._group = scan[base].unique(return_inverse=True)
        self._images = pixels[base]
        self._sorted = self._group.argsort()
        self._size = self._group.bincount()
        self._start = self._size.cumsum(0) - self._size

    def draw(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Two images of each of ``count`` scans, each (count, 3, 32, 32), in [-1, 1]."""
        first = torch.randint(len(self._images), (count,))
        group = self._group[first]
        second = self._sorted[self._start[group] + (torch.rand(count) * self._size[group]).long()]
        return self._images[first].to(DEVICE), self._images[second].to(DEVICE)


@dataclass
class EarlyStopping:
    """Keeps the weights with the best accuracy on the validation split's novel digits."""

    network: nn.Module
    every: int = 500
    accuracy: float = 0.0
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def should_stop(self, step: int) -> bool:
        """Validate every few hundred steps; True as soon as the accuracy has fallen."""
        if step % self.every:
            return False
        found = validate(self.network.eval())
        self.network.train()
        print(f"encoder: step {step}, validation {found}", flush=True)
        worse = found["novel, 5-shot"] < self.accuracy
        if not worse:
            self.accuracy = found["novel, 5-shot"]
            self.weights = {name: t.detach().cpu().clone() for name, t in self.network.state_dict().items()}
        return worse


def train(out: Path, schedule: Schedule = SCHEDULE) -> None:
    """Train and save to the safetensors file ``out``, in float16."""
    torch.manual_seed(3)
    pairs = Pairs(SAMPLES)
    siamese = UniSiam(encoder()).to(DEVICE).to(memory_format=torch.channels_last)
    best = EarlyStopping(siamese.encoder)
    fit(
        "encoder",
        siamese.parameters(),
        lambda: siamese(*pairs.draw(schedule.batch)),
        schedule,
        out.with_suffix(".json"),
        done=best.should_stop,
    )
    save_file({name: (t.half() if t.is_floating_point() else t) for name, t in best.weights.items()}, out)


def validate(network: nn.Module, episodes: int = 200) -> dict[str, float]:
    """Mean accuracy, in %, of 5-way episodes on the validation split, for base and for novel digits."""
    pixels, labels, _ = painted("val", 3000)
    with torch.no_grad():
        features = normalize(torch.cat([network(part.to(DEVICE)).cpu() for part in pixels.split(500)]), dim=1).numpy()
    found = {}
    for name, classes in (("base", BASE_CLASSES), ("novel", NOVEL_CLASSES)):
        for shots in (1, 5):
            rng = np.random.default_rng(0)
            numbers = [CLASSES.index(word) for word in classes]
            scores = [_episode(rng, features, labels.numpy(), numbers, shots) for _ in range(episodes)]
            found[f"{name}, {shots}-shot"] = round(100 * float(np.mean(scores)), 1)
    return found


def _episode(
    rng: np.random.Generator, features: np.ndarray, labels: np.ndarray, classes: Sequence[int], shots: int
) -> float:
    drawn = [rng.permutation(np.flatnonzero(labels == c))[: shots + 15] for c in classes]
    support, query = (np.concatenate(part) for part in ([d[:shots] for d in drawn], [d[shots:] for d in drawn]))
    model = LogisticRegression(max_iter=1000).fit(features[support], labels[support])
    return float((model.predict(features[query]) == labels[query]).mean())
