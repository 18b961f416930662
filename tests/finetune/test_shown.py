"""What a network is shown in training, and what its loss compares with, read off a network that reports colors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops
from genie_cli.finetune.state import TrainingState
from genie_cli.finetune.training import TrainingSpec, accelerator_for, train
from genie_cli.finetune.training_images import TrainingImage

MEAN, STD = 0.5, 0.25
RECIPE = LongTail(
    epochs=1,
    warmup_epochs=0,
    batch=3,
    base_lr=1e-30,
    mixup=0.0,
    cutmix=0.0,
    smoothing=0.0,
    randaugment="",
    random_erasing=0.0,
    workers=0,
)


class Colors(torch.nn.Module):
    """Logits (N, 3): twice the share of red, green and blue in each image, which it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([2.0]))
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images.mean((2, 3)) * STD + MEAN)
        return self.scale * self.seen[-1]


def an_image(folder: Path, name: str, pixels: np.ndarray, label: list[float]) -> TrainingImage:
    path = folder / f"{name}.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return TrainingImage(path, digest, np.array(label, dtype=np.float32))


def shown(
    images: list[TrainingImage],
    folder: Path,
    seed: int = 0,
    bias: torch.Tensor | None = None,
    epoch_images: int | None = None,
    **recipe: object,
) -> tuple[torch.Tensor, float]:
    """The colors that the network was shown, (images, 3), and the loss of the epoch."""
    network, losses = Colors(), []
    preprocess = Preprocess(32, 32, (MEAN,) * 3, (STD,) * 3, "bicubic")
    own = RECIPE.model_copy(update=recipe)
    spec = TrainingSpec(images, preprocess, Crops(0.2, flip=False), own, bias, seed, epoch_images)
    folder.mkdir(exist_ok=True)
    state = TrainingState(folder, {})
    train(network, spec, accelerator_for(own, "cpu"), state, lambda _, loss: losses.append(loss))
    return torch.cat(network.seen), losses[-1]


@pytest.fixture
def pure(tmp_path: Path) -> list[TrainingImage]:
    """A red, a green and a blue image: the share of a color is the share of its class."""
    return [
        an_image(tmp_path, name, np.tile(255 * row, (32, 32, 1)), row.tolist())
        for name, row in zip("rgb", np.eye(3), strict=True)
    ]


@pytest.mark.parametrize("mixing", [{"mixup": 0.8}, {"cutmix": 1.0}, {}])
def test_the_loss_compares_with_the_shares_of_what_is_shown(
    pure: list[TrainingImage], tmp_path: Path, mixing: dict[str, Any]
) -> None:
    """Bal-BCE by its formula, with the labels that the colors say."""
    bias = torch.tensor([0.5, -1.0, 0.0])
    mixed = False
    for seed in range(4):
        shares, loss = shown(pure, tmp_path / f"{seed}", seed, bias, **mixing)
        assert shares.sum(dim=1) == pytest.approx([1, 1, 1], abs=1e-5)
        mixed |= bool(((shares > 0.01) & (shares < 0.99)).any())
        z = 2 * shares + bias
        terms = shares * -torch.sigmoid(z).log() + (1 - shares) * -(1 - torch.sigmoid(z)).log()
        assert loss == pytest.approx(float(terms.sum(dim=1).mean()), rel=1e-5)
    assert mixed == bool(mixing)


def test_soft_labels_stay_soft(tmp_path: Path) -> None:
    label = [0.7, 0.2, 0.1]
    images = [an_image(tmp_path, f"{n}", np.full((32, 32, 3), 255), label) for n in range(3)]
    shares, loss = shown(images, tmp_path / "run")
    assert shares.tolist() == pytest.approx(np.ones((3, 3)), abs=1e-5)
    z = 2.0  # of each class
    expected = sum(share * -np.log(1 / (1 + np.exp(-z))) + (1 - share) * np.log(1 + np.exp(z)) for share in label)
    assert loss == pytest.approx(expected, rel=1e-5)


class TestSeed:
    def test_it_decides_the_order(self, tmp_path: Path) -> None:
        """Gray images, the darker the earlier."""
        images = [an_image(tmp_path, f"{n}", np.full((32, 32, 3), 20 * n), [1, 0, 0]) for n in range(12)]
        for seed in (0, 5):
            colors, _ = shown(images, tmp_path / f"{seed}", seed)
            order = (colors[:, 0] * 255 / 20).round().int().tolist()
            assert order == np.random.default_rng([seed, 0]).permutation(12).tolist()

    def test_so_it_does_where_images_are_seen_several_times(self, tmp_path: Path) -> None:
        images = [an_image(tmp_path, f"{n}", np.full((32, 32, 3), 40 * n), [1, 0, 0]) for n in range(5)]
        colors, _ = shown(images, tmp_path / "run", 5, epoch_images=14)
        order = (colors[:, 0] * 255 / 40).round().int().tolist()
        passes = [np.random.default_rng([5, number]).permutation(5).tolist() for number in range(3)]
        assert order == [*passes[0], *passes[1], *passes[2]][:12]

    def test_it_decides_the_views(self, tmp_path: Path) -> None:
        """Crops of an image that is black on one side and white on the other."""
        ramp = np.tile(np.linspace(0, 255, 32)[None, :, None], (32, 1, 3))
        images = [an_image(tmp_path, f"{n}", ramp, [1, 0, 0]) for n in range(3)]
        seen = [shown(images, tmp_path / f"{n}", seed)[0][:, 0].sort().values for n, seed in enumerate((0, 0, 1))]
        assert torch.equal(seen[0], seen[1])
        assert bool(((seen[0] - seen[2]).abs() > 1e-3).all())

    def test_it_decides_the_mixing(self, pure: list[TrainingImage], tmp_path: Path) -> None:
        drawn = [
            shown(pure, tmp_path / f"{n}", seed, mixup=0.8)[0].flatten().sort().values
            for n, seed in enumerate((0, 0, 1))
        ]
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)
