"""Stable Diffusion XL: what it has that other families have not. Its images are compared in test_families.py."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from genie_cli.diffusion import adapters, configuration, single_file, tokenizer
from genie_cli.diffusion.locate import Located, locate, on
from genie_cli.diffusion.lora_names import layer_of
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ModelError, UsageError
from tests.conftest import Genie
from tests.diffusion import ldm
from tests.diffusion.snapshots import configurations_of, edit, tiny_xl

PROMPT = "A photo of a seven"
RANK = 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Located:
    return locate(str(tiny_xl(tmp_path_factory.mktemp("xl") / "model")))


@pytest.fixture(scope="module")
def plain(model: Located) -> Snapshot:
    return load(model, "cpu")


@pytest.fixture
def copy(model: Located, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model.path, tmp_path / "copy"))


def test_the_packages_configurations_are_those_of_the_published_base() -> None:
    """The number of its UNet's parameters is known: 2,567,463,684."""
    folder = single_file.CONFIGURATIONS / "stable-diffusion-xl"
    assert configuration.read(folder).image_side == 1024
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(json.loads((folder / "unet/config.json").read_text()))
    assert sum(weight.numel() for weight in unet.parameters()) == 2_567_463_684


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: edit(m / "text_encoder_2/config.json", hidden_size=64), "the text encoders and unet are not of one"),
        (lambda m: edit(m / "text_encoder_2/config.json", projection_dim=32), "text_encoder_2 and unet are not of one"),
        (lambda m: edit(m / "unet/config.json", addition_time_embed_dim=16), "text_encoder_2 and unet are not of one"),
        (lambda m: edit(m / "model_index.json", force_zeros_for_empty_prompt="no"), "force_zeros_for_empty_prompt"),
        (lambda m: edit(m / "model_index.json", _class_name="StableDiffusionPipeline"), "_class_name"),
        (lambda m: (m / "text_encoder_2/model.safetensors").unlink(), "has no text_encoder_2/model"),
        (lambda m: (m / "tokenizer_2/tokenizer.json").unlink(), "it has no tokenizer_2/vocab.json"),
        (lambda m: shutil.rmtree(m / "tokenizer_2"), "it has no tokenizer_2"),
    ],
)
def test_parts_that_are_missing_or_of_another_model_are_named(
    copy: Path, change: Callable[[Path], object], message: str
) -> None:
    change(copy)
    with pytest.raises(ModelError, match=message):
        locate(str(copy))


def test_a_projection_that_is_not_there_is_named(copy: Path) -> None:
    file = copy / "text_encoder_2/model.safetensors"
    save_file({key: each for key, each in load_file(file).items() if key != "text_projection.weight"}, file)
    with pytest.raises(ModelError, match=r"text_encoder_2 is not whole.*text_projection\.weight"):
        load(locate(str(copy)), "cpu")


def test_what_no_prompt_is_belongs_to_the_identity(model: Located, copy: Path) -> None:
    assert locate(str(copy)).identity.partition("@")[2] == model.identity.partition("@")[2]
    edit(copy / "model_index.json", force_zeros_for_empty_prompt=False)
    assert locate(str(copy)).identity.partition("@")[2] != model.identity.partition("@")[2]


def test_in_float16_its_autoencoder_has_float32(model: Located, plain: Snapshot, copy: Path) -> None:
    half = load(model, "cpu", "float16")
    assert (half.unet.dtype, half.vae.dtype) == (torch.float16, torch.float32)
    latents = torch.randn(1, *half.latent_shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(half.decode(latents), plain.decode(latents))
    edit(copy / "vae/config.json", force_upcast=False)
    assert load(locate(str(copy)), "cpu", "float16").vae.dtype == torch.float16


def test_a_prompt_must_not_be_too_long_for_either_encoder(model: Located) -> None:
    tokenizer.check_for(model)(PROMPT)
    with pytest.raises(UsageError, match="the model reads 32"):
        tokenizer.check_for(model)("a photo of the digit " * 10)


class TestTextualInversion:
    @pytest.fixture
    def words(self) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        return {"clip_l": torch.randn(3, 32, generator=generator), "clip_g": torch.randn(3, 48, generator=generator)}

    @pytest.mark.parametrize("prompt", [PROMPT, "a seven, sks and a sks"])
    def test_a_prompt_is_read_as_in_diffusers(
        self, model: Located, tmp_path: Path, words: dict[str, torch.Tensor], prompt: str
    ) -> None:
        from diffusers import StableDiffusionXLPipeline

        save_file(words, tmp_path / "sks.safetensors")
        added = load(on(model, adapters.found((), [str(tmp_path / "sks.safetensors")])), "cpu")
        theirs = StableDiffusionXLPipeline.from_pretrained(model.path, dtype=torch.float32)
        theirs.load_textual_inversion(
            words["clip_l"], "sks", text_encoder=theirs.text_encoder, tokenizer=theirs.tokenizer
        )
        theirs.load_textual_inversion(
            words["clip_g"], "sks", text_encoder=theirs.text_encoder_2, tokenizer=theirs.tokenizer_2
        )
        with torch.no_grad():
            wanted, _, whole, _ = theirs.encode_prompt(prompt, device="cpu", do_classifier_free_guidance=False)
        mine = added.prompts.embed(prompt)
        assert torch.allclose(mine[0], wanted[0], atol=1e-5)
        assert torch.allclose(mine[1], whole[0], atol=1e-5)

    @pytest.mark.parametrize("content", [{"sks": torch.ones(1, 32)}, {"clip_l": torch.ones(1, 32)}])
    def test_a_file_for_one_encoder_is_refused(
        self, model: Located, tmp_path: Path, content: dict[str, torch.Tensor]
    ) -> None:
        save_file(content, tmp_path / "sks.safetensors")
        with pytest.raises(ModelError, match="it has no clip_"):
            tokenizer.of(on(model, adapters.found((), [str(tmp_path / "sks.safetensors")])))


# A layer of each network: its place, and what kohya's scripts call it.
ATTENTION = "attentions.0.transformer_blocks.1.attn1.to_q"
LAYERS = {
    f"unet.down_blocks.1.{ATTENTION}": "lora_unet_input_blocks_3_1_transformer_blocks_1_attn1_to_q",
    "unet.mid_block.resnets.1.conv1": "lora_unet_middle_block_2_in_layers_2",
    "unet.up_blocks.0.upsamplers.0.conv": "lora_unet_output_blocks_1_2_conv",
    "unet.add_embedding.linear_1": "lora_unet_label_emb_0_0",
    "text_encoder.encoder.layers.1.self_attn.v_proj": "lora_te1_text_model_encoder_layers_1_self_attn_v_proj",
    "text_encoder_2.text_model.encoder.layers.0.mlp.fc1": "lora_te2_text_model_encoder_layers_0_mlp_fc1",
}


def weight(snapshot: Snapshot, layer: str) -> torch.Tensor:
    part, _, name = layer.partition(".")
    network = snapshot.unet if part == "unet" else snapshot.prompts.networks[part == "text_encoder_2"]
    found: torch.Tensor = network.get_submodule(name).weight
    return found


class TestLora:
    @pytest.mark.parametrize(
        ("down", "up"),
        [("lora_down.weight", "lora_up.weight"), ("lora_A.weight", "lora_B.weight")],
        ids=["kohya", "peft"],
    )
    def test_each_layer_gets_its_own(self, model: Located, plain: Snapshot, tmp_path: Path, down: str, up: str) -> None:
        generator = torch.Generator().manual_seed(0)
        content, wanted = {}, {}
        for layer, of_kohya in LAYERS.items():
            name, before = of_kohya if "down" in down else layer, weight(plain, layer)
            first = torch.randn(RANK, *before.shape[1:], generator=generator)
            second = torch.randn(len(before), RANK, *[1] * (before.ndim - 2), generator=generator)
            content[f"{name}.{down}"], content[f"{name}.{up}"] = first, second
            wanted[layer] = before + torch.einsum("or,r...->o...", second.flatten(1), first)
        save_file(content, tmp_path / "x.safetensors")
        added = load(on(model, adapters.found([str(tmp_path / "x.safetensors")], ())), "cpu")
        for layer, after in wanted.items():
            assert torch.allclose(weight(added, layer), after, atol=1e-4), layer

    def test_blocks_are_those_that_diffusers_finds(self) -> None:
        """The attentions and resnets of the published model's blocks, by diffusers' own conversion."""
        from types import SimpleNamespace

        from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers

        places = [f"input_blocks_{n}_1" for n in (4, 5, 7, 8)] + ["middle_block_1"]
        places += [f"output_blocks_{n}_1" for n in range(6)] + [f"input_blocks_{n}_0" for n in (1, 2, 4, 5, 7, 8)]
        names = [f"lora_unet_{place}_x" for place in places]
        unet = SimpleNamespace(layers_per_block=2)
        theirs = [next(iter(_maybe_map_sgm_blocks_to_diffusers({name: 0}, unet))) for name in names]
        sides = {"lora_unet_": "unet.", "input_": "down_", "output_": "up_", "middle_": "mid_"}
        for old, new in sides.items():
            theirs = [name.replace(old, new) for name in theirs]
        assert [layer_of(name, set(theirs), 2) for name in names] == theirs


class TestSingleFile:
    @pytest.fixture
    def file(self, model: Located, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = configurations_of(model.path, tmp_path / "bundled", "stable-diffusion-xl")
        monkeypatch.setattr(single_file, "CONFIGURATIONS", folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return ldm.write(model.path, tmp_path / "xl.safetensors")

    def test_it_is_the_snapshot_that_it_was_made_from(self, file: Path, model: Located, plain: Snapshot) -> None:
        converted = locate(str(file))
        for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
            name = "model" if part.startswith("text") else "diffusion_pytorch_model"
            mine, theirs = (load_file(each.path / part / f"{name}.safetensors") for each in (converted, model))
            assert mine.keys() == theirs.keys()
            assert all(torch.equal(mine[key], theirs[key]) for key in theirs), part
        embedded = load(converted, "cpu").prompts.embed(PROMPT), plain.prompts.embed(PROMPT)
        assert all(torch.equal(*pair) for pair in zip(*embedded, strict=True))

    @pytest.mark.parametrize(
        ("lost", "message"),
        [
            ("conditioner.embedders.1", "no whole Stable Diffusion XL model: it has no text_encoder_2"),
            ("resblocks.1.attn.in_proj_bias", "cannot be converted"),
            ("text_projection", "cannot be converted"),
            ("label_emb.0.2.weight", "cannot be converted"),
        ],
    )
    def test_a_file_without_a_weight_is_refused(self, file: Path, model: Located, lost: str, message: str) -> None:
        save_file({key: each for key, each in ldm.checkpoint(model.path).items() if lost not in key}, file)
        with pytest.raises(ModelError, match=message):
            locate(str(file))

    def test_images_are_made_with_it(self, file: Path, photos: Path, genie: Genie, tmp_path: Path) -> None:
        words = ["--model", file, "--src-dir", photos, "--targets", "lynx", "--per-target", 1, "--out", "o"]
        done = genie("generate", *words, "--negative-prompt", "blurry", cache=tmp_path / "cache")
        assert done.exit_code == 0, done.output
        assert len(list((tmp_path / "o").rglob("*.jpg"))) == 1
