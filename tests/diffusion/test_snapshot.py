"""Finding and loading snapshots: the bundled one, directories, the hub's cache, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from PIL import Image

from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ModelError, UsageError
from tests.diffusion.snapshots import edit

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the bundled snapshot that a test may damage."""
    return Path(shutil.copytree(locate("digits").path, tmp_path / "model"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache in huggingface_hub's own layout that holds somebody/tiny, and no network."""
    cache = tmp_path / "hub"
    repository = cache / "models--somebody--tiny"
    shutil.copytree(locate("digits").path, repository / "snapshots" / SHA)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(SHA)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def test_diffusers_loads_the_bundled_snapshot() -> None:
    from diffusers import StableDiffusionPipeline

    path = locate("digits").path
    pipeline = StableDiffusionPipeline.from_pretrained(path, dtype=torch.float32, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("A photo of a seven", num_inference_steps=2, height=32, width=32).images[0]
    assert image.size == (32, 32)


def test_bundled_snapshot_is_small_and_only_safetensors() -> None:
    files = [path for path in locate("digits").path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 16 * 2**20
    assert {path.suffix for path in files if path.name != "classes.txt"} == {".json", ".safetensors"}


def test_identity_follows_the_content(copy: Path) -> None:
    before = locate(str(copy)).identity
    assert before.split("@")[1] == locate("digits").identity.split("@")[1]
    config = copy / "unet/config.json"
    config.write_text(config.read_text() + " ")
    assert locate(str(copy)).identity != before


@pytest.mark.parametrize("revision", [None, "main", SHA])
def test_hub_model_is_found_in_the_cache_at_its_sha(hub: Path, revision: str | None) -> None:
    located = locate("somebody/tiny", revision)
    assert located.identity == f"somebody/tiny@{SHA}"
    assert load(located, "cpu").image_size == 32


def test_missing_hub_model_says_how_to_get_it(hub: Path) -> None:
    with pytest.raises(ModelError, match="somebody/else is not on this machine") as caught:
        locate("somebody/else", "abc")
    assert "hf download somebody/else --revision abc" in caught.value.hint
    assert "--model digits" in caught.value.hint


def test_the_environment_is_respected(hub: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "hub").symlink_to(hub)
    code = "from genie_cli.diffusion.locate import locate; print(locate('somebody/tiny').identity)"
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"somebody/tiny@{SHA}"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: shutil.rmtree(m / "vae"), "it has no vae"),
        (lambda m: (m / "unet/diffusion_pytorch_model.safetensors").rename(m / "unet/model.bin"), "no .safetensors"),
        (lambda m: edit(m / "unet/config.json", in_channels=9), "only the text-to-image UNets"),
        (lambda m: edit(m / "unet/config.json", addition_embed_type="text"), "only the text-to-image UNets"),
        (
            lambda m: edit(m / "unet/config.json", addition_embed_type="text_time"),
            "it has no text_encoder_2, tokenizer_2",
        ),
        (lambda m: edit(m / "scheduler/scheduler_config.json", prediction_type="sample"), "prediction_type"),
        (lambda m: (m / "unet/config.json").write_text("{"), "cannot be read"),
    ],
)
def test_what_is_not_stable_diffusion_1_is_refused(copy: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(copy)
    with pytest.raises(ModelError, match=message):
        locate(str(copy))


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "a/b/c", "somebody/ti ny"])
def test_a_name_that_is_no_model(hub: Path, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate(name)
    assert "--model digits" in caught.value.hint


def test_damaged_weights_are_a_clear_error(copy: Path) -> None:
    weights = copy / "unet/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"unet/diffusion_pytorch_model\.safetensors cannot be read"):
        locate(str(copy))


def test_fp16_files_are_read_when_there_are_no_others(copy: Path) -> None:
    for weights in copy.rglob("*.safetensors"):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    snapshot = load(locate(str(copy)), "cpu")
    assert snapshot.unet.dtype == torch.float32


@pytest.fixture(scope="module")
def half() -> Snapshot:
    return load(locate("digits"), "cpu", "float16")


def test_half_precision_decodes_in_float32_where_it_overflows(half: Snapshot) -> None:
    latents = torch.zeros(2, *half.latent_shape)
    latents[1] = 60_000 * half.vae.config.scaling_factor
    images = half.decode(latents)
    assert images.isfinite().all()
    assert half.vae.dtype == torch.float16


def test_an_overflow_is_decoded_as_if_alone(half: Snapshot) -> None:
    noise = torch.randn(8, *half.latent_shape, generator=torch.Generator().manual_seed(0))
    overflowing = noise + 60_000 * half.vae.config.scaling_factor
    one, seven = noise.clone(), overflowing.clone()
    one[0], seven[7] = overflowing[0], noise[7]
    assert not half._decode(seven, half.dtype)[:7].isfinite().flatten(1).all(1).any()
    assert torch.equal(half.decode(one)[0], half.decode(seven)[0])


def test_half_precision_is_near_full_precision(half: Snapshot) -> None:
    full = load(locate("digits"), "cpu")
    image = Image.linear_gradient("L").convert("RGB")
    latent = full.encode(image)
    assert torch.allclose(half.encode(image), latent, atol=0.05)
    assert (half.decode(latent[None]) - full.decode(latent[None])).abs().max() < 0.02


def test_a_prompt_that_would_be_truncated_is_refused(half: Snapshot) -> None:
    with pytest.raises(UsageError, match="tokens, the model reads 32"):
        half.prompts.embed("a photo of the digit " * 10)[0]


def test_an_image_is_resized_and_center_cropped(half: Snapshot) -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (90, 0, 210, 100))
    assert half.resize_and_crop(wide).size == (32, 32)
    assert half.resize_and_crop(wide).getcolors() == [(1024, (0, 0, 255))]


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot be used"):
        load(locate("digits"), "warp")
