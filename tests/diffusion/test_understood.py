"""What a configuration says is understood, or off, or refused by its name: nothing is passed over in silence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from genie_cli.diffusion import configuration
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import ModelError
from genie_cli.observer import Observer
from tests.diffusion.snapshots import copied, edit, split

UNET, VAE, TEXT = "unet/config.json", "vae/config.json", "text_encoder/config.json"
SCHEDULER, INDEX = "scheduler/scheduler_config.json", "model_index.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copied(tmp_path / "model")


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        (UNET, "class_embed_type", "timestep"),  # unCLIP, upscalers
        (UNET, "num_class_embeds", 1000),
        (UNET, "encoder_hid_dim", 64),  # DeepFloyd
        (UNET, "encoder_hid_dim_type", "text_image_proj"),  # Kandinsky
        (UNET, "attention_type", "gated"),  # GLIGEN
        (UNET, "_class_name", "UNet3DConditionModel"),
        (UNET, "a_setting_of_tomorrow", 0.5),
        (VAE, "shift_factor", 0.1),  # SD3, Flux
        (VAE, "latents_mean", [0.0, 0.1, 0.0, 0.0]),  # playground
        (VAE, "_class_name", "AutoencoderTiny"),
        (VAE, "a_setting_of_tomorrow", "on"),
        (TEXT, "model_type", "t5"),
        (TEXT, "a_setting_of_tomorrow", True),
        (SCHEDULER, "prediction_type", "sample"),
        (SCHEDULER, "prediction_type", "flow_prediction"),
        (SCHEDULER, "rescale_betas_zero_snr", True),  # with predicted noise
        (SCHEDULER, "thresholding", True),
        (SCHEDULER, "use_flow_sigmas", True),
        (SCHEDULER, "variance_type", "learned_range"),
        (SCHEDULER, "timestep_type", "continuous"),
        (SCHEDULER, "original_inference_steps", 50),  # LCM
        (SCHEDULER, "shift", 3.0),  # SD3
        (SCHEDULER, "_class_name", "FlowMatchEulerDiscreteScheduler"),
        (INDEX, "text_encoder_2", ["transformers", "CLIPTextModelWithProjection"]),
        (INDEX, "text_encoder", ["transformers", "T5EncoderModel"]),
        (INDEX, "unet", ["diffusers", "UNet3DConditionModel"]),
        (INDEX, "unet", 3),
    ],
)
def test_what_is_not_understood_is_refused_by_name(model: Path, file: str, name: str, value: object) -> None:
    edit(model / file, **{name: value})
    with pytest.raises(ModelError) as caught:
        locate(str(model))
    assert str(model / file) in str(caught.value)
    assert (name.removeprefix("_") in str(caught.value)) or (name == "_class_name" and "input should be" in str(caught))
    assert "stable-diffusion-v1-5" in caught.value.hint


@pytest.mark.parametrize("off", [None, False, 0, "", [], {}, [None, None]])
def test_what_is_off_changes_nothing(model: Path, off: object) -> None:
    for file in (UNET, VAE, TEXT, SCHEDULER, INDEX):
        edit(model / file, a_setting_of_tomorrow=off, _a_note=[1, "x"])
    located = locate(str(model))
    same = [load(each, "cpu").prompts.embed("A photo of a seven")[0] for each in (located, locate("digits"))]
    assert torch.equal(*same)


def test_a_sampler_is_not_the_models(model: Path) -> None:
    edit(
        model / SCHEDULER,
        _class_name="EulerAncestralDiscreteScheduler",
        timestep_spacing="leading",
        steps_offset=1,
        use_karras_sigmas=True,
        clip_sample=True,
    )
    assert load(locate(str(model)), "cpu").prediction == "epsilon"


def test_a_snapshot_need_not_have_an_index(model: Path) -> None:
    (model / INDEX).unlink()
    locate(str(model))


class Told(Observer):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.mark.filterwarnings("ignore:The configuration file of the unet:FutureWarning")
@pytest.mark.parametrize(
    ("size", "version"),
    [
        (4, "0.6.0"),
        (8, "0.8.1"),
        (8, "0.9.0.dev0"),
        (8, "0.9.0"),
        (8, "0.10.2"),
        (64, "0.6.0"),
        (96, "0.2.2"),
        (4, "1.0"),
    ],
)
def test_sizes_of_2022_are_put_right_as_diffusers_does(model: Path, size: int, version: str) -> None:
    from diffusers import StableDiffusionPipeline

    edit(model / UNET, sample_size=size, _diffusers_version=version)
    told = Told()
    located = locate(str(model), observer=told)
    found = configuration.read(model).unet
    wanted = StableDiffusionPipeline.from_pretrained(model).unet.config.sample_size
    assert found.side == wanted
    assert len(told.warnings) == (wanted != size)
    said = rf"diffusers {re.escape(version)}.* 64 is used.* not {size}$"
    assert not told.warnings or re.search(said, told.warnings[0])
    assert load(located, "cpu").latent_shape == (4, wanted, wanted)


def as_two_files(model: Path) -> Path:
    """The tokenizer as older versions write it; returns its folder."""
    folder = model / "tokenizer"
    content = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(content["vocab"]))
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in content["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs]))
    return folder


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_merges_that_are_cut_off_are_not_whole(model: Path, kept: int) -> None:
    """Every word would be read letter by letter: other tokens, of which none is wrong by itself."""
    folder = as_two_files(model)
    lines = (folder / "merges.txt").read_text().splitlines(keepends=True)
    (folder / "merges.txt").write_text("".join(lines[:kept]))
    with pytest.raises(ModelError, match=rf"{re.escape(str(folder))} is damaged.*merges"):
        Tokenizer(locate(str(model)))


def test_a_tokenizer_without_its_vocabulary_is_not_whole(model: Path) -> None:
    (model / "tokenizer/tokenizer.json").unlink()
    (model / "tokenizer/special_tokens_map.json").write_text('{"bos_token": "<|startoftext|>"}')
    with pytest.raises(ModelError, match=r"has no tokenizer/vocab\.json, tokenizer/merges\.txt"):
        locate(str(model))


def in_cache(tmp_path: Path) -> Path:
    """A snapshot as it lies in a cache of the hub that is not this machine's: links to contents."""
    repository = tmp_path / "hub/models--somebody--tiny"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "blobs").mkdir()
    path = copied(repository / "snapshots" / "0123abcd")
    for number, file in enumerate(path.glob("*/*.safetensors")):
        file.rename(repository / "blobs" / str(number))
        file.symlink_to(os.path.relpath(repository / "blobs" / str(number), file.parent))
    return path


def lose_contents(path: Path) -> None:
    for blob in (path.parents[1] / "blobs").iterdir():
        blob.rename(blob.with_name(f"{blob.name}.incomplete"))


def lose_a_shard(path: Path) -> None:
    weights = path / "unet/diffusion_pytorch_model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content)
    split(weights)[1].unlink()


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (lose_contents, "unet/diffusion_pytorch_model.fp16.safetensors.* a part is there"),
        (lose_a_shard, "unet/diffusion_pytorch_model-00002-of-00002.safetensors"),
        (lambda path: (path / TEXT).unlink(), TEXT),
    ],
)
def test_half_a_download_is_named_with_the_line_that_completes_it(
    tmp_path: Path, damage: Callable[[Path], object], lost: str
) -> None:
    path = in_cache(tmp_path)
    locate(str(path))
    damage(path)
    with pytest.raises(ModelError, match=f"is only partly downloaded: it has no .*{lost}") as caught:
        locate(str(path))
    assert "hf download somebody/tiny --revision 0123abcd" in caught.value.hint
    assert f"--cache-dir {tmp_path / 'hub'}" in caught.value.hint


def test_half_a_download_into_a_folder_is_named(model: Path) -> None:
    aside = model / ".cache/huggingface/download/vae"
    aside.mkdir(parents=True)
    (model / "vae/diffusion_pytorch_model.safetensors").rename(aside / "x.incomplete")
    with pytest.raises(ModelError, match=r"only partly downloaded: it has no vae/.*a part is there") as caught:
        locate(str(model))
    assert f"hf download OWNER/NAME --local-dir {model}" in caught.value.hint


@pytest.mark.parametrize("above", ["", "snapshots"])
def test_a_folder_above_a_snapshot_says_what_to_type(tmp_path: Path, above: str) -> None:
    path = in_cache(tmp_path)
    (path.parents[1] / "refs").mkdir()
    (path.parents[1] / "refs/main").write_text(path.name)
    copied(path.parent / "89efcdab")
    with pytest.raises(ModelError, match="and no snapshot") as caught:
        locate(str(path.parents[1] / above))
    assert list(caught.value.hints) == [
        "--model somebody/tiny --revision main",
        "--model somebody/tiny --revision 89efcdab",
    ]


@pytest.mark.parametrize("name", [UNET, VAE, TEXT, SCHEDULER, INDEX])
def test_sizes_of_another_type_are_refused_without_a_traceback(model: Path, name: str) -> None:
    whole = json.loads((model / name).read_text())
    for key in whole:
        for value in ("x", 3.5, {"a": 1}, [["x"]]):
            edit(model / name, **(whole | {key: value}))
            with suppress(ModelError):
                configuration.read(model)
