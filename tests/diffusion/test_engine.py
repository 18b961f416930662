"""The engine on the bundled model: it agrees with a plain loop, and other requests never change an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, Result, SourceImage
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ImageError, ModelError

TEST_SPLIT = DigitsInTheWild("test")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load(locate("digits"), device="cpu")


def source_image(index: int) -> SourceImage:
    return SourceImage(str(index), lambda: Image.fromarray(TEST_SPLIT[index].image))


def request(key: int, r: float = 0.8, source: int | None = 0) -> Request[int]:
    target = CLASSES[(3 + key) % 10]
    return Request(key, f"A photo of a {target}", r, 1000 + key, None if source is None else source_image(source))


def made(engine: Engine[int], requests: Sequence[Request[int]]) -> dict[int, NDArray[np.uint8]]:
    pixels = {}
    for result in engine.run(requests):
        assert result.pixels is not None, result.error
        pixels[result.key] = result.pixels
    assert len(pixels) == len(requests)
    return pixels


@torch.no_grad()
def plain_loop(
    snapshot: Snapshot, request: Request[int], steps: int, guidance: float, negative: str = ""
) -> NDArray[np.float32]:
    """GeNIe for a single image, as its authors run it, with diffusers' solver and no code of the engine."""
    from diffusers import DPMSolverMultistepScheduler
    from torchvision import transforms

    unet, vae = snapshot.unet, snapshot.vae
    scheduler = DPMSolverMultistepScheduler.from_config(
        DPMSolverMultistepScheduler.load_config(locate("digits").path / "scheduler"), final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(steps)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(request.noise_seed))
    if request.source is not None and request.r <= 0.999:
        prepare = transforms.Compose([transforms.Resize(32), transforms.CenterCrop(32), transforms.ToTensor()])
        pixels = prepare(request.source.open())[None] * 2 - 1
        clean = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
        abar = scheduler.alphas_cumprod[int(1000 * request.r)]
        latents = abar.sqrt() * clean + (1 - abar).sqrt() * latents
    ids = (
        snapshot.prompts.tokenizers[0]
        ._tokenizer([negative, request.prompt], padding="max_length", max_length=32, return_tensors="pt")
        .input_ids
    )
    embeddings = snapshot.prompts.networks[0](ids)[0]
    for t in scheduler.timesteps:
        if t - 1 > 1000 * request.r:
            continue
        without, with_prompt = unet(torch.cat([latents] * 2), t, embeddings).sample.chunk(2)
        latents = scheduler.step(without + guidance * (with_prompt - without), t, latents).prev_sample
    image = vae.decode(latents / vae.config.scaling_factor).sample / 2 + 0.5
    return np.asarray(image.clamp(0, 1)[0].permute(1, 2, 0).numpy(), dtype=np.float32)


@pytest.mark.parametrize(("r", "source", "steps"), [(0.3, 1, 20), (0.8, 2, 20), (0.8, 3, 50), (1.0, None, 20)])
@pytest.mark.parametrize("slots", [1, 2])
def test_agrees_with_a_plain_loop(snapshot: Snapshot, slots: int, r: float, source: int | None, steps: int) -> None:
    engine = Engine[int](snapshot, slots=slots, steps=steps)
    wanted = plain_loop(snapshot, request(1, r, source), steps, guidance=7.5)
    [exact] = exact_images(engine, [request(1, r, source)])
    assert np.abs(exact - wanted).max() < 1e-4


@pytest.mark.parametrize("negative", ["A photo of a two", "blurry"])
def test_it_agrees_with_a_negative_prompt(snapshot: Snapshot, negative: str) -> None:
    some = [request(key) for key in range(2)]
    exact = exact_images(Engine[int](snapshot, slots=2, steps=10, negative_prompt=negative), some)
    wanted = [plain_loop(snapshot, one, 10, 7.5, negative) for one in some]
    for image, other in zip(exact, wanted, strict=True):
        assert np.abs(image - other).max() < 1e-4
    assert np.abs(exact[0] - plain_loop(snapshot, some[0], 10, 7.5)).max() > 0.05


@pytest.mark.parametrize("slots", [1, 2])
def test_it_still_agrees_when_slots_are_refilled(snapshot: Snapshot, slots: int) -> None:
    """Five requests with different numbers of steps share one or two slots; some start while another is running."""
    mixed = [request(k, r, k) for k, r in enumerate([0.9, 0.3, 0.6, 0.4, 0.8])]
    exact = exact_images(Engine[int](snapshot, slots=slots, steps=10), mixed)
    wanted = [plain_loop(snapshot, one, steps=10, guidance=7.5) for one in mixed]
    for image in exact:  # in the order in which they were finished
        assert min(np.abs(image - other).max() for other in wanted) < 1e-4
    for other in wanted:
        assert min(np.abs(image - other).max() for image in exact) < 1e-4


def exact_images(engine: Engine[int], requests: Sequence[Request[int]]) -> list[NDArray[np.float32]]:
    """The engine's images before they are rounded to 8 bits."""
    kept: list[NDArray[np.float32]] = []
    decode = type(engine.snapshot).decode

    def keep(latents: torch.Tensor) -> torch.Tensor:
        images = decode(engine.snapshot, latents)
        used = latents.flatten(1).any(dim=1)  # the last batch is padded with zeros
        kept.extend(images[used].permute(0, 2, 3, 1).numpy())
        return images

    object.__setattr__(engine.snapshot, "decode", keep)
    try:
        made(engine, requests)
    finally:
        object.__delattr__(engine.snapshot, "decode")
    return kept


@pytest.mark.parametrize("slots", [1, 2, 4, 8])
def test_other_requests_and_order_do_not_matter(snapshot: Snapshot, slots: int) -> None:
    mixed = [
        request(k, r, s) for k, (r, s) in enumerate([(0.3, 1), (0.8, 1), (1.0, None), (0.5, 2), (0.9, 3), (0.6, 1)])
    ]
    all_images = made(Engine[int](snapshot, slots, steps=10), mixed)
    reverse = made(Engine[int](snapshot, slots, steps=10), mixed[::-1])
    for one in mixed:
        alone = made(Engine[int](snapshot, slots, steps=10), [one])
        assert np.array_equal(alone[one.key], all_images[one.key])
        assert np.array_equal(reverse[one.key], all_images[one.key])


@pytest.mark.parametrize("r", [0.9995, 1.0])
def test_pure_noise_ignores_the_source(snapshot: Snapshot, r: float) -> None:
    same_noise = [
        Request(k, "A photo of a two", r, 7, s) for k, s in enumerate([None, source_image(1), source_image(2)])
    ]
    images = made(Engine[int](snapshot, slots=4, steps=10), same_noise)
    assert np.array_equal(images[0], images[1])
    assert np.array_equal(images[0], images[2])


def test_more_noise_is_further_from_the_source(snapshot: Snapshot) -> None:
    ratios, sources = (0.1, 0.3, 0.5, 0.7, 0.9), range(8)
    requests = [request(10 * s + i, r, s) for s in sources for i, r in enumerate(ratios)]
    images = made(Engine[int](snapshot, slots=8, steps=20), requests)
    far = [
        np.mean([np.abs(images[10 * s + i].astype(float) - TEST_SPLIT[s].image).mean() for s in sources])
        for i in range(len(ratios))
    ]
    assert far == sorted(far)


def test_a_bad_source_fails_alone(snapshot: Snapshot) -> None:
    def broken() -> Image.Image:
        raise ImageError(Path("x.jpg"), "is truncated")

    bad = Request(99, "A photo of a two", 0.8, 7, SourceImage("bad", broken))
    good = [request(k) for k in range(3)]
    results: dict[int, Result[int]] = {r.key: r for r in Engine[int](snapshot, 2, 10).run([bad, *good])}
    assert "is truncated" in results[99].error
    assert all(results[k].pixels is not None for k in range(3))


class OutOfMemoryAbove(torch.nn.Module):
    """A UNet on a device whose memory holds ``rows`` rows."""

    def __init__(self, unet: torch.nn.Module, rows: int) -> None:
        super().__init__()
        self.unet, self.rows = unet, rows

    def forward(self, latents: torch.Tensor, *rest: torch.Tensor, **others: torch.Tensor) -> torch.Tensor:
        if len(latents) > self.rows:
            raise torch.OutOfMemoryError(f"no room for {len(latents)} rows")
        result: torch.Tensor = self.unet(latents, *rest, **others)
        return result


def with_room_for(snapshot: Snapshot, rows: int) -> Snapshot:
    return Snapshot(
        **{
            **{f: getattr(snapshot, f) for f in snapshot.__dataclass_fields__},
            "unet": _with_config(OutOfMemoryAbove(snapshot.unet, rows), snapshot.unet.config),
        }
    )


def _with_config(module: torch.nn.Module, config: object) -> torch.nn.Module:
    module.config = config  # type: ignore[assignment]
    return module


def test_out_of_memory_halves_the_batch_and_loses_nothing(snapshot: Snapshot) -> None:
    engine = Engine[int](with_room_for(snapshot, 4), slots=8, steps=10)
    images = made(engine, [request(k) for k in range(9)])
    assert engine.slots == 2
    wanted = made(Engine[int](snapshot, slots=2, steps=10), [request(k) for k in range(9)])
    assert all(np.array_equal(images[k], wanted[k]) for k in wanted)


def test_too_little_memory_for_one_image_is_reported(snapshot: Snapshot) -> None:
    with pytest.raises(ModelError, match="too little memory"):
        list(Engine[int](with_room_for(snapshot, 1), slots=2, steps=10).run([request(0)]))


def test_not_a_number_fails_the_job_with_its_reason(snapshot: Snapshot) -> None:
    nan = SourceImage("nan", source_image(0).open)
    engine = Engine[int](snapshot, slots=2, steps=10)
    engine.denoiser._latents.get("nan", lambda: torch.full(snapshot.latent_shape, float("nan")))
    results = {r.key: r for r in engine.run([Request(5, "A photo of a two", 0.5, 7, nan), request(1), request(2)])}
    assert "not a number" in results[5].error
    assert results[1].pixels is not None


@pytest.mark.parametrize("slots", [0, 3, 7])
def test_slots_are_a_power_of_two(snapshot: Snapshot, slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Engine[int](snapshot, slots)


def test_steps_are_counted_as_they_are_taken(snapshot: Snapshot) -> None:
    engine = Engine[int](snapshot, slots=2, steps=10)
    requests = [request(number) for number in range(3)]
    counted: list[int] = []
    list(engine.run(requests, counted.append))
    assert sum(counted) == sum(engine.denoiser.steps_for(each.r) for each in requests)
    assert set(counted) == {1, 2}
