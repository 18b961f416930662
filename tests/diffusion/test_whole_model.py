"""A snapshot that is not whole is refused with the name of the part, before an image is made; a whole one is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genie_cli.diffusion import tensors
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import ModelError
from tests.diffusion.snapshots import REMOVED, Tensors, copied, edit, reweigh, split

UNET, VAE, TEXT = "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"
ALL = (UNET, VAE, TEXT)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copied(tmp_path / "model")


def tokens_file(model: Path) -> Path:
    return model / "tokenizer/tokenizer.json"


def as_two_files(model: Path) -> None:
    """The tokenizer as older versions write it: the vocabulary and the merges, each in a file."""
    content = json.loads(tokens_file(model).read_text())["model"]
    tokens_file(model).unlink()
    (model / "tokenizer/vocab.json").write_text(json.dumps(content["vocab"]))
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in content["merges"]]
    (model / "tokenizer/merges.txt").write_text("\n".join(["#version: 0.2", *pairs]))


def rename(key: str) -> Callable[[Tensors], object]:
    return lambda weights: weights.update({f"{key}.renamed": weights.pop(key)})


def spoil(key: str, value: float) -> Callable[[Tensors], object]:
    return lambda weights: weights[key].view(-1)[-1:].fill_(value)


def first_key(model: Path, stem: str) -> str:
    from safetensors import safe_open

    with safe_open(str(model / f"{stem}.safetensors"), framework="pt") as file:
        return str(sorted(file.keys())[0])


@pytest.mark.parametrize(
    "name",
    [
        "unet/config.json",
        "vae/config.json",
        "text_encoder/config.json",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer_config.json",
    ],
)
def test_every_part_needs_its_configuration(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelError, match=rf"is not whole: it has no {re.escape(name)}"):
        locate(str(model))


def test_a_vocabulary_is_one_file_or_both_of_two(model: Path) -> None:
    prompts = ("A photo of a three", "A photo of a zebra")
    whole = Tokenizer(locate(str(model)))
    as_two_files(model)
    for prompt in prompts:
        assert torch.equal(Tokenizer(locate(str(model))).ids(prompt), whole.ids(prompt))
    for name in ("merges.txt", "vocab.json"):
        (model / "tokenizer" / name).unlink()
        with pytest.raises(ModelError, match=f"it has no .*tokenizer/{name}"):
            locate(str(model))


def shorter(count: int) -> Callable[[Path], None]:
    def damage(model: Path) -> None:
        content = json.loads(tokens_file(model).read_text())
        content["model"]["vocab"] = dict(list(content["model"]["vocab"].items())[:count])
        content["model"]["merges"] = []
        tokens_file(model).write_text(json.dumps(content))

    return damage


def longer(model: Path) -> None:
    content = json.loads(tokens_file(model).read_text())
    content["model"]["vocab"]["zebra</w>"] = 557
    tokens_file(model).write_text(json.dumps(content))


def all_the_same(model: Path) -> None:
    """Ids in the right range, of words that no letters lead to."""
    content = json.loads(tokens_file(model).read_text())
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = {
        (token if token.startswith("<|") else f"word{number}"): number for token, number in vocabulary.items()
    }
    content["model"]["merges"] = []
    tokens_file(model).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda m: tokens_file(m).write_text("{}"), "is damaged"),
        (shorter(0), "tokens, and the text encoder knows 557"),
        (shorter(300), "tokens, and the text encoder knows 557"),
        (longer, "has 558 tokens, and the text encoder knows 557"),
        (all_the_same, "no tokens for some letters"),
        (lambda m: edit(m / "tokenizer/tokenizer_config.json", bos_token=None), "is damaged"),
        (lambda m: edit(m / "tokenizer/tokenizer_config.json", bos_token="a"), "start|letters"),
        (lambda m: edit(m / "tokenizer/tokenizer_config.json", padding_side="left"), "start and end"),
        (lambda m: tokens_file(m).write_bytes(b"\xff" * 99), r"tokenizer\.json is not JSON"),
    ],
)
def test_a_tokenizer_that_is_not_the_text_encoders_is_refused(
    model: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(model)
    with pytest.raises(ModelError, match=rf"{re.escape(str(model))}/tokenizer.*({reason})"):
        Tokenizer(locate(str(model)))


@pytest.mark.parametrize("limit", [REMOVED, 10**30, 1, -1, 77])
def test_the_text_encoder_limits_a_prompt_whatever_the_tokenizer_says(model: Path, limit: object) -> None:
    edit(model / "tokenizer/tokenizer_config.json", model_max_length=limit, max_length=REMOVED)
    tokenizer = Tokenizer(locate(str(model)))
    assert tokenizer.limit == 32
    assert torch.equal(tokenizer.ids("A photo of a seven"), Tokenizer(locate("digits")).ids("A photo of a seven"))


@pytest.mark.parametrize("stem", ALL)
@pytest.mark.parametrize("kind", ["missing", "renamed", "surplus", "misshaped", "nan", "infinite"])
def test_weights_that_are_not_the_networks_are_refused(model: Path, stem: str, kind: str) -> None:
    key = first_key(model, stem)
    change: dict[str, Callable[[Tensors], object]] = {
        "missing": lambda weights: weights.pop(key),
        "renamed": rename(key),
        "surplus": lambda weights: weights.update({"extra.weight": torch.zeros(3)}),
        "misshaped": lambda weights: weights.update({key: torch.zeros(3)}),
        "nan": spoil(key, float("nan")),
        "infinite": spoil(key, float("-inf")),
    }
    reweigh(model / f"{stem}.safetensors", change[kind])
    named = "extra.weight" if kind == "surplus" else key
    with pytest.raises(ModelError, match=rf"{stem.partition('/')[0]} .*{re.escape(named)}"):
        load(locate(str(model)), "cpu")


@pytest.mark.parametrize("stem", ALL)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.9])
def test_weights_whose_rest_is_zeros_are_refused(model: Path, stem: str, kept: float) -> None:
    """As a download leaves them that has reserved the file's full length and was cut off: they can be loaded."""
    file = model / f"{stem}.safetensors"
    content = file.read_bytes()
    data = 8 + int.from_bytes(content[:8], "little")
    end = data + int(kept * (len(content) - data))
    file.write_bytes(content[:end] + bytes(len(content) - end))
    with pytest.raises(ModelError, match=rf"{stem.partition('/')[0]} is not whole: weights are empty"):
        load(locate(str(model)), "cpu")


def test_a_hole_in_a_large_layer_is_found() -> None:
    network = torch.nn.Linear(1024, 256)
    assert not tensors.empty(network)
    network.weight.data[10:180] = 0
    assert tensors.empty(torch.nn.Sequential(network)) == "0.weight"


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.complex64, torch.bool])
def test_weights_of_other_kinds_are_refused(model: Path, dtype: torch.dtype) -> None:
    key = first_key(model, UNET)
    reweigh(model / f"{UNET}.safetensors", lambda weights: weights.update({key: weights[key].to(dtype)}))
    with pytest.raises(ModelError, match=rf"unet/.* not real numbers of 16 bits or more: {re.escape(key)}"):
        locate(str(model))


def of_an_older_version(weights: Tensors) -> Tensors:
    """CLIP's text model under the names of transformers before 5, with a buffer that was saved then."""
    old = {f"text_model.{key}": tensor for key, tensor in weights.items()}
    return old | {"text_model.embeddings.position_ids": torch.arange(32)[None]}


def of_a_whole_clip(weights: Tensors) -> Tensors:
    others = ("text_projection.weight", "visual_projection.weight", "vision_model.embeddings.class_embedding")
    return of_an_older_version(weights) | {key: torch.zeros(2, 2) for key in others} | {"logit_scale": torch.zeros(1)}


@pytest.mark.parametrize("change", [of_an_older_version, of_a_whole_clip])
def test_a_real_text_encoder_has_keys_that_are_not_needed(model: Path, change: Callable[[Tensors], Tensors]) -> None:
    before = load(locate(str(model)), "cpu").prompts.embed("A photo of a seven")[0]
    reweigh(model / f"{TEXT}.safetensors", change)
    assert torch.equal(load(locate(str(model)), "cpu").prompts.embed("A photo of a seven")[0], before)


def of_2022(weights: Tensors) -> Tensors:
    """The autoencoder's attention under the names of diffusers before 0.18, as in Stable Diffusion 1.5."""
    names = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    changed = {}
    for key, tensor in weights.items():
        for new, old in names.items():
            key = key.replace(new, old)
        changed[key] = tensor
    assert set(changed) != set(weights)
    return changed


def test_a_real_autoencoder_has_older_names(model: Path) -> None:
    before = load(locate(str(model)), "cpu").decode(torch.ones(1, 4, 8, 8))
    reweigh(model / f"{VAE}.safetensors", of_2022)
    edit(model / "vae/config.json", scaling_factor=REMOVED, shift_factor=REMOVED, force_upcast=REMOVED)
    found = load(locate(str(model)), "cpu")
    assert found.vae.config.scaling_factor == 0.18215
    scaled = found.decode(torch.ones(1, 4, 8, 8) * 0.18215 / 0.58163)
    assert torch.allclose(scaled, before, atol=1e-5)


@pytest.mark.parametrize("fp16", [False, True])
def test_weights_may_be_in_several_files_all_of_which_must_be_there(model: Path, fp16: bool) -> None:
    before = load(locate(str(model)), "cpu").prompts.embed("A photo of a seven")[0]
    files = [split(model / f"{stem}.safetensors", fp16) for stem in ALL]
    assert torch.equal(load(locate(str(model)), "cpu").prompts.embed("A photo of a seven")[0], before)
    for first, _ in files:
        first.rename(first.with_suffix(".away"))
        with pytest.raises(ModelError, match=f"it has no {first.parent.name}/{first.name}"):
            locate(str(model))
        first.with_suffix(".away").rename(first)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../b.safetensors"}}'],
)
def test_an_index_that_names_no_files_beside_it_is_refused(model: Path, content: str) -> None:
    split(model / f"{UNET}.safetensors")
    (model / f"{UNET}.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match=r"unet/.*index\.json cannot be read"):
        locate(str(model))


def test_parts_of_two_models_are_refused(model: Path) -> None:
    edit(model / "unet/config.json", cross_attention_dim=768)
    with pytest.raises(ModelError, match=r"hidden_size 64, .* cross_attention_dim 768"):
        locate(str(model))
