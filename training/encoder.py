"""The few-shot encoder: the UniSiam loss on unlabelled pictures of the base digits 0 to 4.

A pair of views is two paintings of one scan: the same handwriting in another ink before another background,
as a camera would see one mark in two places. So the background, which two views of one *picture* would share
and which is easier to recognise than the digit, tells the encoder nothing. No class label is used.

`validate` is how the design was chosen: few-shot accuracy on scans of the validation split, which neither
this training nor any reported figure touches.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import normalize

from genie_cli.backbones.digits import BASE_CLASSES, NOVEL_CLASSES, encoder
from genie_cli.data.digits import CLASSES, scans_of
from training.loop import DEVICE, Schedule, fit
from training.samples import painted
from training.views import turned, view

SCHEDULE = Schedule(steps=5000, batch=128, learning_rate=1.5e-3)
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
        guesses = normalize(self.pred(projected), dim=1).chunk(2)
        alike = sum((guesses[i] * targets[1 - i].detach()).sum(1).mean() / 2 for i in (0, 1))
        spread = sum(crowding(target) / 2 for target in targets)
        return _UNIFORMITY * spread - alike


def crowding(vectors: torch.Tensor) -> torch.Tensor:
    """log mean exp(cosine / temperature) over pairs of different images; ``vectors``: unit length, (N, D)."""
    others = ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    return (vectors @ vectors.T / _TEMPERATURE)[others].exp().mean().log()


def _layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)


class Pairs:
    """Pictures of the base digits, grouped by the scan that is painted in them."""

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
        """Two paintings of each of ``count`` scans, both under the same symmetry."""
        first = torch.randint(len(self._images), (count,))
        group = self._group[first]
        second = self._sorted[self._start[group] + (torch.rand(count) * self._size[group]).long()]
        symmetry = torch.randint(8, (count,))
        one, other = (turned(self._images[chosen], symmetry).to(DEVICE) for chosen in (first, second))
        return one, other


def train(out: Path, schedule: Schedule = SCHEDULE) -> None:
    """Train and save to the safetensors file ``out``, in float16."""
    torch.manual_seed(3)
    pairs = Pairs(SAMPLES)
    siamese = UniSiam(encoder()).to(DEVICE, memory_format=torch.channels_last)

    def loss_of() -> torch.Tensor:
        one, other = pairs.draw(schedule.batch)
        return siamese(view(one), view(other))

    fit("encoder", siamese.parameters(), loss_of, schedule, out.with_suffix(".json"))
    network = siamese.encoder.cpu().eval()
    tensors = {name: (t.half() if t.is_floating_point() else t) for name, t in network.state_dict().items()}
    save_file(tensors, out)
    out.with_suffix(".val.json").write_text(json.dumps(validate(network), indent=1) + "\n")


def validate(network: nn.Module, episodes: int = 200) -> dict[str, float]:
    """Mean accuracy, in %, of 5-way episodes on the validation split, base and novel digits apart."""
    pixels, labels, _ = painted("val", 3000)
    with torch.no_grad():
        features = normalize(torch.cat([network(part) for part in pixels.split(500)]), dim=1).numpy()
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
