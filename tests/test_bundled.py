"""The bundled networks do what the model card says, on a small sample."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from genie_cli.backbones.digits import bundled, classify
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import load as load_snapshot
from training.denoiser import build
from training.encoder import Pairs, uniformity, validate
from training.loop import Schedule
from training.reindex import reindex
from training.schedule import reindexed_betas, shifted_betas, stable_diffusion_betas, trained_timesteps
from training.text import TEMPLATES, tokenizer

COUNT = 32
RATIOS = (0.3, 0.5, 0.8, 1.0)
TEST = DigitsInTheWild("test")


def accuracy(images: NDArray[np.uint8], labels: list[int]) -> float:
    top = classify(torch.from_numpy(images).permute(0, 3, 1, 2)).argmax(1)
    return float((top == torch.tensor(labels)).float().mean())


def test_the_oracle_classifies_held_out_digits() -> None:
    samples = [TEST[i] for i in range(500)]
    assert accuracy(np.stack([s.image for s in samples]), [s.label for s in samples]) >= 0.97


def test_the_encoder_tells_novel_digits_apart() -> None:
    """On scans of the validation split, of classes that were not in its training data."""
    accuracy = validate(bundled("encoder"), episodes=60)
    assert accuracy["novel, 5-shot"] >= 45
    assert accuracy["novel, 1-shot"] >= 30


def test_the_unisiam_loss_has_its_known_values() -> None:
    orthogonal, equal = torch.eye(6), torch.ones(6, 6) / 6**0.5
    assert uniformity(orthogonal).item() == pytest.approx(0, abs=1e-6)
    assert uniformity(equal).item() == pytest.approx(0.5, abs=1e-6)  # cosine 1 over temperature 2


def test_a_pair_shows_one_scan() -> None:
    """Both images show the same scan: their pixels differ, their classes do not."""
    torch.manual_seed(0)
    one, other = Pairs(6000).draw(200)
    first, second = (classify(((images + 1) * 127.5).round().to(torch.uint8)).argmax(1) for images in (one, other))
    assert first.max() < 5
    assert (first == second).float().mean() > 0.97
    assert (one != other).any(dim=(1, 2, 3)).float().mean() > 0.5


@pytest.fixture(scope="module")
def made() -> dict[float, NDArray[np.uint8]]:
    """Images at several ratios, of the same sources and targets with the same noise."""
    engine = Engine[tuple[float, int]](load_snapshot(locate("digits"), "cpu"), slots=32)
    requests = [
        Request((r, i), f"A photo of a {CLASSES[(i + 3) % 10]}", r, i, SourceImage(str(i), source(i)))
        for r in RATIOS
        for i in range(COUNT)
    ]
    pixels = {result.key: result.pixels for result in engine.run(requests)}
    return {r: np.stack([pixels[r, i] for i in range(COUNT)]) for r in RATIOS}  # type: ignore[misc]


def source(index: int):  # type: ignore[no-untyped-def]
    return lambda: Image.fromarray(TEST[index].image)


def test_pure_noise_and_the_papers_ratio_show_the_target(made: dict[float, NDArray[np.uint8]]) -> None:
    targets = [(i + 3) % 10 for i in range(COUNT)]
    assert accuracy(made[1.0], targets) >= 0.9
    assert accuracy(made[0.8], targets) >= 0.85
    assert accuracy(made[0.3], targets) < 0.5
    assert 0.5 < accuracy(made[0.5], targets) < accuracy(made[0.8], targets)  # the paper: 0.73


def test_background_fades_with_r(made: dict[float, NDArray[np.uint8]]) -> None:
    def error(images: NDArray[np.uint8]) -> float:
        background = [TEST[i].mask == 0 for i in range(COUNT)]
        errors = [np.abs(images[i].astype(float) - TEST[i].image)[background[i]].mean() for i in range(COUNT)]
        return float(np.mean(errors))

    assert error(made[0.3]) < error(made[0.5]) < error(made[0.8]) < 0.8 * error(made[1.0])


def test_every_word_of_the_prompts_is_one_token() -> None:
    clip = tokenizer()
    for template in TEMPLATES:
        for name in CLASSES:
            prompt = template.format(name)
            assert len(clip.tokenize(prompt)) == len(prompt.replace(",", " ,").split())


def test_the_schedule_ends_where_stable_diffusions_does() -> None:
    ours, theirs = (torch.cumprod(1 - betas, 0) for betas in (shifted_betas(), stable_diffusion_betas()))
    assert ours[-1] == pytest.approx(theirs[-1].item())
    assert (ours[1:-1] > theirs[1:-1]).all()
    assert (shifted_betas() > 0).all()
    assert (shifted_betas() < 1).all()


def test_renumbering_keeps_both_ends_and_the_order_of_the_noise_levels() -> None:
    trained, new = (torch.cumprod(1 - betas, 0) for betas in (shifted_betas(), reindexed_betas()))
    assert new[[0, -1]].tolist() == pytest.approx(trained[[0, -1]].tolist())
    assert (new.diff() < 0).all()
    steps = trained_timesteps()
    assert steps[700].item() == pytest.approx(775, abs=2)  # r = 0.7 has the noise that was trained at 0.775
    assert new[700].item() == pytest.approx(trained[round(steps[700].item())].item(), rel=0.01)


def test_the_bundled_schedule_is_the_renumbered_one() -> None:
    text = (files("genie_cli") / "bundled/digits/scheduler/scheduler_config.json").read_text()
    assert json.loads(text)["trained_betas"] == pytest.approx(reindexed_betas().tolist(), rel=1e-6)


def test_renumbering_teaches_the_time_embedding_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = build()
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    old = unet.time_embedding(unet.time_proj(trained_timesteps().float())).detach()
    error = reindex(unet, tmp_path / "log.json", Schedule(steps=300, batch=1000, learning_rate=1e-2, warm_up=10))
    new = unet.time_embedding(unet.time_proj(torch.arange(1000).float())).detach()
    assert error == pytest.approx(((new - old).norm() / old.norm()).item(), rel=1e-3)
    assert error < 0.2
    changed = {name for name, tensor in unet.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if name.startswith("time_embedding")}
