"""A probe: one step of the bundled model to the clean image that it predicts, against plain formulas and diffusers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import Snapshot, load
from tests.diffusion.test_engine import exact_images, made, request, with_room_for

TEST_SPLIT = DigitsInTheWild("test")
MIXED = [(0.3, 1), (0.8, 1), (1.0, None), (0.5, 2), (0.9, 3), (0.6, 1)]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load(locate("digits"), device="cpu")


def a_probe(snapshot: Snapshot, slots: int = 4, guidance: float = 7.5, steps: int = 50) -> Engine[int]:
    return Engine[int](snapshot, slots, steps, guidance, probe=True)


@torch.no_grad()
def predicted(snapshot: Snapshot, request: Request[int], guidance: float) -> NDArray[np.float32]:
    """The formula for a single image: x_t from the source, the guided noise at t, (x_t - sigma_t eps) / alpha_t."""
    from diffusers import DDPMScheduler
    from torchvision import transforms

    schedule = DDPMScheduler.from_config(DDPMScheduler.load_config(locate("digits").path / "scheduler"))
    vae, t = snapshot.vae, min(round(1000 * request.r), 999)
    abar = schedule.alphas_cumprod[t].double()
    alpha, sigma = float(abar.sqrt()), float((1 - abar).sqrt())
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(request.noise_seed))
    if request.source is not None and request.r <= 0.999:
        prepare = transforms.Compose([transforms.Resize(32), transforms.CenterCrop(32), transforms.ToTensor()])
        clean = vae.encode(prepare(request.source.open())[None] * 2 - 1).latent_dist.mode()
        latents = alpha * clean * vae.config.scaling_factor + sigma * latents
    ids = (
        snapshot.prompts.tokenizers[0]
        ._tokenizer(["", request.prompt], padding="max_length", max_length=32, return_tensors="pt")
        .input_ids
    )
    noise = snapshot.unet(torch.cat([latents] * 2), t, snapshot.prompts.networks[0](ids)[0]).sample
    noise = noise[:1] + guidance * (noise[1:] - noise[:1])
    image = vae.decode((latents - sigma * noise) / alpha / vae.config.scaling_factor).sample / 2 + 0.5
    return np.asarray(image.clamp(0, 1)[0].permute(1, 2, 0).numpy(), dtype=np.float32)


@pytest.mark.parametrize(("r", "source"), [(0.3, 1), (0.5, 2), (0.8, 2), (0.9, 3), (1.0, None)])
@pytest.mark.parametrize("guidance", [1.0, 7.5])
def test_it_is_the_predicted_clean_image(snapshot: Snapshot, r: float, source: int | None, guidance: float) -> None:
    wanted = predicted(snapshot, request(1, r, source), guidance)
    [exact] = exact_images(a_probe(snapshot, 1, guidance), [request(1, r, source)])
    assert np.abs(exact - wanted).max() < 1e-4


@pytest.mark.parametrize("r", [0.5, 0.8])
def test_it_is_nearly_what_the_whole_request_predicts_first(snapshot: Snapshot, r: float) -> None:
    """The same noisy latent. A whole request's first timestep is at most a step's width away."""
    whole = Engine[int](snapshot, 1).denoiser
    latents, embedding, step = whole.start(request(1, r, 2))
    assert torch.equal(latents, a_probe(snapshot).denoiser.start(request(1, r, 2))[0])
    batch, index = latents[None], torch.tensor([step])
    noise = whole.predict(batch, index, (embedding[0][None],))
    _, clean = whole.advance(batch, noise, torch.zeros_like(batch), index, torch.tensor([True]))
    [exact] = exact_images(a_probe(snapshot, 1), [request(1, r, 2)])
    assert np.abs(exact - snapshot.decode(clean)[0].permute(1, 2, 0).numpy()).mean() < 0.01


def test_the_number_of_steps_does_not_matter(snapshot: Snapshot) -> None:
    mixed = [request(k, r, s) for k, (r, s) in enumerate(MIXED)]
    few, many = made(a_probe(snapshot, steps=4), mixed), made(a_probe(snapshot, steps=50), mixed)
    assert all(np.array_equal(few[key], many[key]) for key in many)


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_other_requests_and_order_do_not_matter(snapshot: Snapshot, slots: int) -> None:
    mixed = [request(k, r, s) for k, (r, s) in enumerate(MIXED)]
    together = made(a_probe(snapshot, slots), mixed)
    reverse = made(a_probe(snapshot, slots), mixed[::-1])
    for one in mixed:
        alone = made(a_probe(snapshot, slots), [one])
        assert np.array_equal(alone[one.key], together[one.key])
        assert np.array_equal(reverse[one.key], together[one.key])


def test_out_of_memory_halves_the_batch_and_loses_nothing(snapshot: Snapshot) -> None:
    small = a_probe(with_room_for(snapshot, 4), slots=8)
    images = made(small, [request(k) for k in range(9)])
    assert small.slots == 2
    wanted = made(a_probe(snapshot, slots=2), [request(k) for k in range(9)])
    assert all(np.array_equal(images[k], wanted[k]) for k in wanted)


def test_each_request_is_one_call_of_the_unet(snapshot: Snapshot) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    with_hook = snapshot.unet.register_forward_hook(count)
    try:
        made(a_probe(snapshot, slots=2), [request(k, r, s) for k, (r, s) in enumerate(MIXED)])
    finally:
        with_hook.remove()
    assert calls == len(MIXED) // 2


def test_not_a_number_fails_the_job_with_its_reason(snapshot: Snapshot) -> None:
    engine = a_probe(snapshot, slots=2)
    engine.denoiser._latents.get("nan", lambda: torch.full(snapshot.latent_shape, float("nan")))
    nan = SourceImage("nan", lambda: Image.fromarray(TEST_SPLIT[0].image))
    results = {r.key: r for r in engine.run([Request(5, "A photo of a two", 0.5, 7, nan), request(1)])}
    assert "not a number" in results[5].error
    assert results[1].pixels is not None
