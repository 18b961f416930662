"""A checkpoint in the layout of Stable Diffusion's authors is converted once, completely, and kept by its content."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genie_cli import provenance
from genie_cli.diffusion import clip_vocabulary, configuration, hub, single_file
from genie_cli.diffusion.locate import Located, found_here, is_local, locate
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import ModelError, OutputError
from genie_cli.generate.command import command_of_image
from tests.conftest import Genie
from tests.diffusion import ldm
from tests.diffusion.snapshots import Tensors, configurations_of, tiny

PROMPT = "A photo of a seven"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("original") / "model")


@pytest.fixture(scope="module")
def configurations(snapshot: Path) -> Path:
    return configurations_of(snapshot, snapshot.parent / "bundled", "stable-diffusion-1")


@pytest.fixture
def file(tmp_path: Path, snapshot: Path, configurations: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny model as one file; the package's configurations are its own."""
    monkeypatch.setattr(single_file, "CONFIGURATIONS", configurations)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ldm.write(snapshot, tmp_path / "tiny.safetensors")


def test_libraries_draw_nothing_meanwhile(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.enable_progress_bar()
    locate(str(file))
    assert capfd.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_is_told(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=str(tmp_path / "file")):
        locate(str(file))


def weights(found: Snapshot) -> Tensors:
    networks = {"unet": found.unet, "vae": found.vae, "text_encoder": found.prompts.networks[0]}
    return {f"{part}.{key}": value for part, network in networks.items() for key, value in network.state_dict().items()}


def test_it_is_the_snapshot_that_it_was_made_from(file: Path, snapshot: Path) -> None:
    converted, original = load(locate(str(file)), "cpu"), load(locate(str(snapshot)), "cpu")
    assert weights(converted).keys() == weights(original).keys()
    for key, tensor in weights(original).items():
        assert torch.equal(weights(converted)[key], tensor), key
    assert torch.equal(converted.prompts.embed(PROMPT)[0], original.prompts.embed(PROMPT)[0])
    assert torch.equal(converted.alphas_cumprod, original.alphas_cumprod)


def test_it_is_converted_once_and_known_by_its_content(file: Path, tmp_path: Path) -> None:
    first = locate(str(file))
    name, digest = first.identity.split("@")
    assert (name, len(digest)) == ("tiny.safetensors", 12)
    assert first.path.is_relative_to(tmp_path / "cache/genie/models")
    kept = first.path / "unet/config.json"
    written = kept.stat().st_mtime_ns
    (tmp_path / "elsewhere").mkdir()
    copy = Path(shutil.copy(file, tmp_path / "elsewhere/renamed.safetensors"))
    assert locate(str(copy)).path == first.path
    assert kept.stat().st_mtime_ns == written
    assert found_here(first) == first
    kept.unlink()  # the cache may be deleted, if only in part
    assert locate(str(file)).identity == first.identity
    assert kept.is_file()
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name]  # nothing is left beside it


def test_a_process_that_was_faster_keeps_its_own(file: Path, tmp_path: Path) -> None:
    there = locate(str(file)).path
    made = Path(shutil.copytree(there, tmp_path / "made"))
    (there / "of-the-other").touch()
    single_file._put(made, there)
    assert (there / "of-the-other").is_file()


def test_it_keeps_its_precision(file: Path, snapshot: Path) -> None:
    half = {key: tensor.half() for key, tensor in ldm.checkpoint(snapshot).items()}
    save_file(half, file)
    stored = load_file(locate(str(file)).path / "unet/diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}


@pytest.mark.parametrize("extra", [["v_pred"], ["v_pred", "ztsnr"]])
def test_marks_say_what_it_predicts(file: Path, snapshot: Path, extra: list[str]) -> None:
    ldm.write(snapshot, file, **{name: torch.zeros(1) for name in extra})
    found = configuration.read(locate(str(file)).path).scheduler
    assert found.prediction_type == "v_prediction"
    assert found.rescale_betas_zero_snr == ("ztsnr" in extra)


def test_what_training_leaves_besides_is_no_part_of_it(file: Path, snapshot: Path) -> None:
    before = locate(str(file))
    extra = {
        "model_ema.num_updates": torch.tensor(3),
        "betas": torch.ones(4),
        "cond_stage_model.logit_scale": torch.ones(1),
    }
    extra["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(32)[None]
    ldm.write(snapshot, file, **extra)
    after = locate(str(file))
    assert after.identity != before.identity
    assert torch.equal(load(after, "cpu").prompts.embed(PROMPT)[0], load(before, "cpu").prompts.embed(PROMPT)[0])


def without(piece: str) -> Callable[[Tensors], Tensors]:
    return lambda content: {key: tensor for key, tensor in content.items() if piece not in key}


def with_key(key: str, *shape: int) -> Callable[[Tensors], Tensors]:
    return lambda content: content | {key: torch.ones(*shape)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("first_stage_model."), "no whole Stable Diffusion 1.x model: it has no vae"),
        (without("cond_stage_model."), "it has no text_encoder"),
        (without("middle_block.0.emb_layers.1.bias"), "cannot be converted"),
        (without("mid.attn_1.k.weight"), "cannot be converted"),
        (without("encoder.layers.1.mlp.fc1.bias"), "cannot be converted: its text_encoder has"),
        (with_key("model.diffusion_model.input_blocks.7.1.extra.weight", 3, 3), "cannot be converted: its unet has"),
        (with_key("first_stage_model.extra.weight", 3, 3), "cannot be converted: its vae has"),
        (with_key("model.diffusion_model.input_blocks.0.0.weight", 32, 9, 3, 3), "inpainting"),
        (with_key("conditioner.embedders.0.model.ln_final.weight", 3), "it is the refiner of Stable Diffusion XL"),
        (with_key("conditioner.embedders.1.model.ln_final.weight", 3), "XL model: it has no text_encoder"),
        (with_key("cond_stage_model.model.ln_final.weight", 3), "it is Stable Diffusion 2.x"),
        (with_key("model.diffusion_model.joint_blocks.0.x", 3), "it is Stable Diffusion 3"),
        (with_key("double_blocks.0.x", 3), "it is Flux"),
        (lambda _: {"lora_unet_mid_block.lora_up.weight": torch.ones(3, 3)}, "it is a LoRA"),
        (lambda _: {"emb_params": torch.ones(3, 3)}, "it is a textual inversion"),
        (lambda _: {"down_blocks.0.resnets.0.conv1.weight": torch.ones(3, 3)}, "a single part of a snapshot"),
        (lambda _: {"something": torch.ones(3, 3)}, "it has no unet, vae, text_encoder"),
        (lambda content: {key: tensor.to(torch.int8) for key, tensor in content.items()}, "not real numbers"),
    ],
)
def test_what_is_no_whole_model_is_refused_and_named(
    file: Path, snapshot: Path, tmp_path: Path, change: Callable[[Tensors], Tensors], message: str
) -> None:
    save_file(change(ldm.checkpoint(snapshot)), file)
    with pytest.raises(ModelError, match=message):
        locate(str(file))
    assert not list((tmp_path / "cache/genie").glob("models/*"))


def test_a_file_that_is_cut_off_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"tiny\.safetensors cannot be read"):
        locate(str(file))


@pytest.mark.parametrize("suffix", ["CKPT", "pt"])
def test_a_pickle_is_refused_with_the_way_to_convert_it(
    file: Path, snapshot: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = locate(str(file)).identity
    pickled = tmp_path / f"it is.{suffix}"
    torch.save({"state_dict": load_file(file), "epoch": 3}, pickled)
    with pytest.raises(ModelError, match="is pickled, and reading it could run any code") as caught:
        locate(str(pickled))
    command, _, model = caught.value.hints[0].removeprefix("convert it: ").partition(", then --model ")
    words = shlex.split(command)
    subprocess.run([sys.executable, *words[1:]], check=True)
    converted = locate(shlex.split(model)[0])
    assert converted.name == "it is.safetensors"
    assert len(identity) == len("tiny.safetensors@") + 12


def test_a_path_is_never_asked_of_the_hub(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "snapshot", lambda *_: pytest.fail("the hub was asked"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/notes.txt").write_text("x")
    file.rename(tmp_path / "models/x.safetensors")
    assert is_local("models/x.safetensors")
    assert locate("models/x.safetensors").name == "x.safetensors"
    with pytest.raises(ModelError, match=r"notes\.txt is a file, and no model"):
        locate("models/notes.txt")
    with pytest.raises(ModelError, match=r"there is no file models/y\.ckpt"):
        locate("models/y.ckpt")


def test_images_are_made_with_it(file: Path, photos: Path, genie: Genie, tmp_path: Path) -> None:
    words = ["--model", file, "--src-dir", photos, "--targets", "lynx", "--per-target", 1, "--out", "o"]
    done = genie("generate", *words, cache=tmp_path / "cache")
    assert done.exit_code == 0, done.output
    [image] = (tmp_path / "o").rglob("*.jpg")
    assert "'--model=<path of tiny.safetensors>'" in command_of_image(image, provenance.read(image))


def test_the_packages_configurations_are_stable_diffusion_15s() -> None:
    found = configuration.read(single_file.CONFIGURATIONS / "stable-diffusion-1")
    assert (found.image_side, found.text_encoders[0].vocab_size, found.unet.block_out_channels[0]) == (512, 49408, 320)


def test_the_packages_vocabulary_is_clips(tmp_path: Path) -> None:
    """Of a prompt, the ids are those that CLIP's own tokenizer gives."""
    folder = Path(shutil.copytree(single_file.CONFIGURATIONS / "stable-diffusion-1", tmp_path / "model"))
    clip_vocabulary.write(single_file.CONFIGURATIONS / "clip/merges.txt", folder / "tokenizer")
    tokenizer = Tokenizer(Located("sd", folder, "sd@0"))
    ids = tokenizer.ids("a photo of a cat")[0].tolist()
    assert ids[:8] == [49406, 320, 1125, 539, 320, 2368, 49407, 49407]
    assert len(ids) == 77
