"""Whatever is in a snapshot's files, only genie's own errors come out, soon, and little memory is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from genie_cli.diffusion import configuration
from genie_cli.diffusion.locate import Located, locate
from genie_cli.diffusion.parts import VAE, Scheduler, TextEncoder, UNet
from genie_cli.diffusion.snapshot import _alphas_cumprod, load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import GenieError, ModelError
from tests.damage import damaged
from tests.diffusion.snapshots import REMOVED, copied, edit

BUNDLED = locate("digits").path
SMALL = [path.relative_to(BUNDLED).as_posix() for path in BUNDLED.glob("*/*.json")]
WEIGHTS = [path.relative_to(BUNDLED).as_posix() for path in BUNDLED.glob("*/*.safetensors")]
CONFIGS: dict[str, type[BaseModel]] = {
    "unet/config.json": UNet,
    "vae/config.json": VAE,
    "text_encoder/config.json": TextEncoder,
    "scheduler/scheduler_config.json": Scheduler,
}
VALUES: list[Any] = [None, 0, -1, 3, 7, 10**9, 10**400, 0.5, 1e308, float("nan"), float("-inf"), "", "8", "\x1b[2J\x00"]
VALUES += [True, [], [8], [8, 8], [8, 9], [10**9] * 2, [None], [[8]], ["x"] * 9, {}, {"a": [1]}, REMOVED]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy, which each example damages and repairs: copying anew takes longer than all that is tested."""
    return copied(tmp_path_factory.mktemp("hostile") / "model")


def located(path: Path) -> Located:
    return locate(str(path))


def tried(model: Path, name: str, content: bytes, what: Any) -> Any:
    """What ``what`` returns, or None if it refuses, while a file has other content."""
    before = (model / name).read_bytes()
    (model / name).write_bytes(content)
    try:
        return what(model)
    except GenieError:
        return None
    finally:
        (model / name).write_bytes(before)


@st.composite
def damaged_near_its_head(draw: st.DrawFn, names: list[str]) -> tuple[str, bytes]:
    """One of the files, damaged near its head."""
    name = draw(st.sampled_from(names))
    content = (BUNDLED / name).read_bytes()
    return name, draw(damaged(content[:3000])) + draw(st.sampled_from([content[3000:], b""]))


@given(damage=damaged_near_its_head(SMALL))
def test_damaged_configurations_and_vocabularies(model: Path, damage: tuple[str, bytes]) -> None:
    tried(model, *damage, lambda path: (Tokenizer(located(path)).ids("a seven"), _alphas_cumprod(path)))


@settings(max_examples=60)
@given(damage=damaged_near_its_head(WEIGHTS))
def test_damaged_weights(model: Path, damage: tuple[str, bytes]) -> None:
    tried(model, *damage, located)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_value_is_refused_or_can_be_computed_with(model: Path, name: str) -> None:
    """Each key with each value is read; those that pass the ranges and are new are computed with."""
    whole = json.loads((BUNDLED / name).read_text())
    passed = []
    for key in CONFIGS[name].model_fields:
        for value in VALUES:
            changed = {k: v for k, v in (whole | {key: value}).items() if v is not REMOVED}
            content = json.dumps(changed).encode()
            if tried(model, name, content, configuration.read) and changed != whole and value is not True:
                passed.append(content)
    for content in passed[:: max(1, len(passed) // 8)]:
        tried(model, name, content, lambda path: load(located(path), "cpu"))


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"null", b"3", b'{"x": 1' + b"0" * 10_000 + b"}", b""]
)
@pytest.mark.parametrize("name", SMALL)
def test_json_that_is_no_configuration(model: Path, name: str, content: bytes) -> None:
    assert tried(model, name, content, lambda path: Tokenizer(located(path))) is None


@pytest.mark.parametrize("head", [b"", b"\xff" * 8, (10**15).to_bytes(8, "little"), (2).to_bytes(8, "little") + b"{}"])
def test_absurd_headers_of_weights(model: Path, head: bytes) -> None:
    for name in WEIGHTS:
        assert tried(model, name, head + b"\0" * 64, located) is None


@pytest.mark.parametrize(
    "betas", [[0.5] * 999, [1e-30] * 1000, [0.999] * 1000, [0.01] * 1001, [1.0] * 1000, ["0.01"] * 1000, 0.01]
)
def test_betas_that_are_no_schedule(tmp_path: Path, betas: object) -> None:
    path = copied(tmp_path / "model")
    edit(path / "scheduler/scheduler_config.json", trained_betas=betas)
    with pytest.raises(ModelError, match=r"scheduler_config\.json is not supported"):
        _alphas_cumprod(locate(str(path)).path)


def test_a_pair_of_equal_sides_is_one_side(tmp_path: Path) -> None:
    path = copied(tmp_path / "model")
    edit(path / "unet/config.json", sample_size=[8, 8])
    assert load(locate(str(path)), "cpu").image_size == 32


def test_a_wrong_number_of_heads_is_found_by_computing(tmp_path: Path) -> None:
    path = copied(tmp_path / "model")
    edit(path / "text_encoder/config.json", num_attention_heads=3)
    with pytest.raises(ModelError, match="text_encoder cannot be"):
        load(locate(str(path)), "cpu")


# As published with Stable Diffusion 1.5, by versions of 2022 that knew fewer settings.
PUBLISHED: dict[str, dict[str, Any]] = {
    "unet/config.json": {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": "0.6.0",
        "act_fn": "silu",
        "attention_head_dim": 8,
        "block_out_channels": [320, 640, 1280, 1280],
        "center_input_sample": False,
        "cross_attention_dim": 768,
        "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-05,
        "norm_num_groups": 32,
        "out_channels": 4,
        "sample_size": 64,
        "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    },
    "vae/config.json": {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": "0.6.0",
        "act_fn": "silu",
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "out_channels": 3,
        "sample_size": 512,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
    },
    "text_encoder/config.json": {
        "architectures": ["CLIPTextModel"],
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "dropout": 0.0,
        "eos_token_id": 2,
        "hidden_act": "quick_gelu",
        "hidden_size": 768,
        "initializer_factor": 1.0,
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": 77,
        "model_type": "clip_text_model",
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "pad_token_id": 1,
        "projection_dim": 768,
        "torch_dtype": "float32",
        "transformers_version": "4.22.0.dev0",
        "vocab_size": 49408,
    },
    "scheduler/scheduler_config.json": {
        "_class_name": "PNDMScheduler",
        "_diffusers_version": "0.6.0",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
        "clip_sample": False,
    },
}


def test_the_published_configurations_are_read(tmp_path: Path) -> None:
    for name, content in PUBLISHED.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(json.dumps(content))
    found = configuration.read(tmp_path)
    assert (found.image_side, found.vae.scaling_factor, found.scheduler.prediction_type) == (512, 0.18215, "epsilon")
    assert len(_alphas_cumprod(tmp_path)) == 1000
