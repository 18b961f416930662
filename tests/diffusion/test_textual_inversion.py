"""Textual inversions: words that were learned, which a prompt may have, as in diffusers' own pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from genie_cli import provenance
from genie_cli.diffusion import adapters
from genie_cli.diffusion.locate import Located, locate, on
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import ModelError, UsageError
from genie_cli.generate.command import command_of_image
from tests.conftest import Genie
from tests.diffusion.snapshots import tiny

WIDTH = 32


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Located:
    return locate(str(tiny(tmp_path_factory.mktemp("inversion") / "model")))


def vectors(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def saved(file: Path, name: str, values: torch.Tensor) -> Path:
    save_file({name: values}, file)
    return file


def with_words(model: Located, *files: Path) -> Located:
    return on(model, adapters.found((), list(map(str, files))))


@torch.no_grad()
def theirs(model: Located, prompt: str, **words: torch.Tensor) -> torch.Tensor:
    """The embedding of a prompt in diffusers' pipeline, which was taught the words."""
    from diffusers import StableDiffusionPipeline

    pipeline: Any = StableDiffusionPipeline.from_pretrained(model.path, dtype=torch.float32)
    for word, values in words.items():
        pipeline.load_textual_inversion({word: values})
    embedding: torch.Tensor = pipeline.encode_prompt(prompt, "cpu", 1, do_classifier_free_guidance=False)[0][0]
    return embedding


@pytest.mark.parametrize(
    ("shape", "word", "prompt"),
    [
        ((WIDTH,), "<cat-toy>", "A photo of a {word}"),
        ((1, WIDTH), "sks", "a seven, {word} and {word}"),
        ((3, WIDTH), "<cat-toy>", "a seven, {word} and {word}"),
        ((3, WIDTH), "easynegative", "A photo of a {word}"),
        ((3, WIDTH), "sks", "A photo of a seven"),
    ],
)
def test_a_prompt_is_read_as_in_diffusers(
    model: Located, tmp_path: Path, shape: tuple[int, ...], word: str, prompt: str
) -> None:
    file = saved(tmp_path / "x.safetensors", word, vectors(*shape))
    said = prompt.format(word=word)
    mine = load(with_words(model, file), "cpu").prompts.embed(said)[0]
    assert torch.allclose(mine, theirs(model, said, **{word: vectors(*shape)}), atol=1e-5)


def test_files_of_the_web_ui_are_called_as_their_word(model: Located, tmp_path: Path) -> None:
    file = saved(tmp_path / "sks.safetensors", "emb_params", vectors(2, WIDTH))
    other = saved(tmp_path / "other.safetensors", "<x>", vectors(WIDTH))
    mine = load(with_words(model, file, other), "cpu").prompts.embed("a sks of <x>")[0]
    wanted = theirs(model, "a sks of <x>", **{"sks": vectors(2, WIDTH), "<x>": vectors(WIDTH)})
    assert torch.allclose(mine, wanted, atol=1e-5)


def test_vectors_count_as_tokens_whatever_the_case(model: Located, tmp_path: Path) -> None:
    file = saved(tmp_path / "x.safetensors", "<cat-toy>", vectors(20, WIDTH))
    tokenizer = Tokenizer(with_words(model, file))
    tokenizer.check("<cat-toy>")
    assert torch.equal(tokenizer.ids("<Cat-Toy>"), tokenizer.ids("<cat-toy>"))
    assert tokenizer.ids("<cat-toy>")[0, 1:22].tolist() == [*range(557, 577), 556]
    with pytest.raises(UsageError, match="42 tokens, the model reads 32"):
        tokenizer.check("<cat-toy> <cat-toy>")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"<x>": torch.ones(2, WIDTH + 1)}, "the text encoder's have 32 numbers"),
        ({"<x>": torch.ones(1, 2, WIDTH)}, "the text encoder's have 32 numbers"),
        ({"<x>": torch.full((WIDTH,), float("nan"))}, "not a number"),
        ({"<x>": torch.ones(WIDTH), "<y>": torch.ones(WIDTH)}, "it has 2 tensors"),
        ({"clip_l": torch.ones(1, WIDTH), "clip_g": torch.ones(1, WIDTH)}, "clip_g, clip_l"),  # Stable Diffusion XL's
        ({"<x>": torch.ones(WIDTH, dtype=torch.int8)}, "not real numbers"),
        ({" ": torch.ones(WIDTH)}, "is no word"),
        ({"<|endoftext|>": torch.ones(WIDTH)}, "which the model has already"),
    ],
)
def test_what_is_no_word_for_the_model_is_refused(
    model: Located, tmp_path: Path, content: dict[str, torch.Tensor], reason: str
) -> None:
    save_file(content, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=rf"x\.safetensors.*{reason}"):
        Tokenizer(with_words(model, tmp_path / "x.safetensors"))


def test_the_same_word_of_two_files_is_refused(model: Located, tmp_path: Path) -> None:
    one = saved(tmp_path / "one.safetensors", "<x>", vectors(2, WIDTH))
    two = saved(tmp_path / "two.safetensors", "<x>", vectors(WIDTH))
    with pytest.raises(ModelError, match="which the model has already"):
        Tokenizer(with_words(model, one, two))


def test_images_are_made_with_them_and_say_so(model: Located, photos: Path, genie: Genie, tmp_path: Path) -> None:
    """The same command without them, or with another scale, makes other images and shares no folder."""
    word = saved(tmp_path / "toy.safetensors", "<toy>", vectors(2, WIDTH))
    layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    change = {f"{layer}.lora_down.weight": vectors(2, 64), f"{layer}.lora_up.weight": vectors(64, 2)}
    save_file(change, tmp_path / "detail.safetensors")
    words = ["generate", "--model", model.path, "--src-dir", photos, "--targets", "lynx", "--per-target", 1]
    words += ["--prompt", "A photo of a {target}, <toy>", "--out", "o"]
    done = genie(*words, "--lora", "detail.safetensors:0.5", "--embedding", word)
    assert done.exit_code == 0, done.output
    assert "no effect" not in done.stderr
    [image] = (tmp_path / "o").rglob("*.jpg")
    record = provenance.read(image)
    assert record.settings["model"].startswith(f"{model.identity}+lora:detail@")
    assert record.job.model == record.settings["model"]
    command = command_of_image(image, record)
    assert "'--lora=<path of detail.safetensors>:0.5' '--embedding=<path of toy.safetensors>'" in command
    refused = genie(*words, "--lora", "detail.safetensors:0.25", "--embedding", word)
    assert refused.exit_code == 1
    assert "was made with other settings" in refused.output
    words[words.index("--prompt") + 1] = "A photo of a {target}"
    unused = genie(*words[:-1], "without", "--embedding", word)
    assert "no prompt has the word '<toy>', so its --embedding has no effect" in " ".join(unused.stderr.split())
