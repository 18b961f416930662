"""Models of other kinds of predictions and schedules agree with diffusers' own pipeline, the noise being the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from genie_cli.diffusion import configuration, single_file
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request, SourceImage
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.diffusion.solver import Probe, Solver
from tests.diffusion.snapshots import edit, tiny, tiny_xl

PROMPT = "A photo of a seven"
STEPS = 20
VELOCITIES: dict[str, Any] = {
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
MODELS: dict[str, Callable[[Path], Path]] = {
    "epsilon": tiny,
    "v": partial(tiny, prediction_type="v_prediction"),
    "v, zero terminal SNR": partial(tiny, **VELOCITIES),
    "XL": tiny_xl,
    "XL, no prompt is an empty one": partial(tiny_xl, zero=False, eos=2),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODELS[request.param](tmp_path_factory.mktemp("family") / "model")


@pytest.fixture(scope="module")
def snapshot(model: Path) -> Snapshot:
    return load(locate(str(model)), "cpu")


@pytest.fixture(scope="module")
def pipeline(model: Path) -> Any:
    """diffusers' own, with the GeNIe authors' sampler."""
    from diffusers import DiffusionPipeline, DPMSolverMultistepScheduler

    found = DiffusionPipeline.from_pretrained(model, dtype=torch.float32)
    found.set_progress_bar_config(disable=True)
    found.scheduler = DPMSolverMultistepScheduler.from_config(
        found.scheduler.config, timestep_spacing="linspace", final_sigmas_type="sigma_min"
    )
    return found


def photograph() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((16, 16), Image.Resampling.BICUBIC)


@torch.no_grad()
def theirs(pipeline: Any, r: float, guidance: float, seed: int) -> NDArray[np.uint8]:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    if r < 1:
        pixels = torch.from_numpy(np.array(photograph())).permute(2, 0, 1)[None] / 255 * 2 - 1
        clean = pipeline.vae.encode(pixels).latent_dist.mode() * pipeline.vae.config.scaling_factor
        abar = pipeline.scheduler.alphas_cumprod[round(1000 * r)]
        latents = abar.sqrt() * clean + (1 - abar).sqrt() * latents
    pipeline.scheduler.set_timesteps(STEPS)
    kept = [int(t) for t in pipeline.scheduler.timesteps if t - 1 <= 1000 * r]
    options: dict[str, Any] = {"num_inference_steps": STEPS} if r == 1 else {"timesteps": kept}
    image = pipeline(PROMPT, latents=latents, guidance_scale=guidance, output_type="np", **options).images[0]
    return np.asarray((image * 255).round().astype(np.uint8))


def ours(snapshot: Snapshot, r: float, guidance: float, seed: int, slots: int = 2) -> NDArray[np.uint8]:
    source = None if r == 1 else SourceImage("photograph", photograph)
    engine = Engine[int](snapshot, slots, STEPS, guidance)
    [result] = engine.run([Request(0, PROMPT, r, seed, source)])
    assert result.pixels is not None, result.error
    return result.pixels


@pytest.mark.parametrize(("r", "guidance"), [(1.0, 7.5), (0.8, 7.5), (1.0, 1.0), (0.8, 2.0)])
def test_it_agrees_with_diffusers_own_pipeline(snapshot: Snapshot, pipeline: Any, r: float, guidance: float) -> None:
    mine, wanted = ours(snapshot, r, guidance, 3), theirs(pipeline, r, guidance, 3)
    assert np.abs(mine.astype(int) - wanted.astype(int)).max() <= 1
    assert mine.std() > 5  # it is a picture, and another one than with another noise
    assert np.abs(mine.astype(int) - ours(snapshot, r, guidance, 4).astype(int)).max() > 8


def test_rows_are_the_same_in_other_company(snapshot: Snapshot) -> None:
    def request(key: int) -> Request[int]:
        ratio = (0.5, 0.8, 1.0)[key % 3]
        return Request(key, PROMPT, ratio, key, SourceImage("photograph", photograph))

    engine = Engine[int](snapshot, 2, 5)
    together = {result.key: result.pixels for result in engine.run(map(request, range(5)))}
    for key in range(5):
        [alone] = Engine[int](snapshot, 2, 5).run([request(key)])
        assert alone.pixels is not None
        assert np.array_equal(alone.pixels, together[key])  # type: ignore[arg-type]


def test_guidance_of_one_takes_one_row_per_slot(snapshot: Snapshot) -> None:
    rows: list[int] = []
    hook = snapshot.unet.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    try:
        for guidance in (1.0, 1.5):
            list(Engine[int](snapshot, 4, 2, guidance).run([Request(0, PROMPT, 1.0, 0)]))
    finally:
        hook.remove()
    assert rows == [4, 4, 8, 8]


@pytest.mark.parametrize("kind", ["solver", "probe"])
def test_a_velocity_and_the_noise_that_it_stands_for_take_the_same_step(kind: str) -> None:
    """v = alpha e - sigma z (Salimans & Ho, 2022), for the same image z and noise e."""
    abar = torch.linspace(0.999, 0.01, 1000, dtype=torch.float64)
    build = Probe.of if kind == "probe" else lambda abar, prediction: Solver.build(abar, 20, prediction)
    noises, velocities = build(abar, "epsilon"), build(abar, "v_prediction").to("cpu")
    clean, noise = torch.randn(2, 3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    step, last = torch.tensor([0, 5, 19]), torch.zeros(3, 4, 2, 2)
    alpha, sigma = (table[step].view(-1, 1, 1, 1) for table in (noises.alpha, noises.sigma))
    given = alpha * clean + sigma * noise, step, torch.tensor([True, False, False])
    one = noises.advance(given[0], noise, last, *given[1:])
    other = velocities.advance(given[0], alpha * noise - sigma * clean, last, *given[1:])
    for mine, wanted in zip(other, one, strict=True):
        assert torch.allclose(mine, wanted, atol=1e-4)
    assert torch.allclose(other[1], clean, atol=1e-5)


# As published with Stable Diffusion 2.1, where it differs from the package's own configurations of 1.5.
PUBLISHED: dict[str, dict[str, Any]] = {
    "model_index.json": {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.8.0",
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
    },
    "unet/config.json": {
        "_diffusers_version": "0.8.0",
        "attention_head_dim": [5, 10, 20, 20],
        "cross_attention_dim": 1024,
        "dual_cross_attention": False,
        "num_class_embeds": None,
        "only_cross_attention": False,
        "sample_size": 96,
        "upcast_attention": True,
        "use_linear_projection": True,
    },
    "vae/config.json": {"_diffusers_version": "0.8.0", "sample_size": 768},
    "text_encoder/config.json": {
        "_name_or_path": "hf-models/stable-diffusion-v2-768x768/text_encoder",
        "dropout": 0.0,
        "hidden_act": "gelu",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "projection_dim": 512,
        "torch_dtype": "float32",
        "transformers_version": "4.25.0.dev0",
    },
    "scheduler/scheduler_config.json": {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": "0.8.0",
        "clip_sample": False,
        "prediction_type": "v_prediction",
    },
}


def test_the_published_configurations_of_2_1_are_read(tmp_path: Path) -> None:
    for name, content in PUBLISHED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((single_file.CONFIGURATIONS / "stable-diffusion-1" / name).read_bytes())
        edit(tmp_path / name, **content)
    found = configuration.read(tmp_path)
    assert (found.image_side, found.unet.is_halved, found.scheduler.prediction_type) == (768, False, "v_prediction")
