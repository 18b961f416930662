"""LoRAs: every layout gives W + scale * alpha / rank * up @ down, and a tensor that finds no place is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from genie_cli.diffusion import adapters
from genie_cli.diffusion.locate import Located, found_here, locate, on
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ModelError, UsageError
from tests.diffusion.snapshots import Tensors, tiny

RANK = 2
UNET = "down_blocks.1.attentions.0.transformer_blocks.0.attn1."
TEXT = "encoder.layers.1.self_attn."
LAYERS = [f"unet.{UNET}{name}" for name in ("to_q", "to_out.0")] + [f"text_encoder.{TEXT}v_proj"]
NAMES_OF_2023 = {"q_proj": "to_q", "v_proj": "to_v", "out_proj": "to_out"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Located:
    return locate(str(tiny(tmp_path_factory.mktemp("lora") / "model")))


@pytest.fixture(scope="module")
def plain(model: Located) -> Snapshot:
    return load(model, "cpu")


def network(snapshot: Snapshot, part: str) -> torch.nn.Module:
    encoders = dict(zip(snapshot.prompts.family.text_encoders, snapshot.prompts.networks, strict=True))
    found: torch.nn.Module = encoders.get(part) or getattr(snapshot, part)
    return found


def weight(snapshot: Snapshot, layer: str) -> torch.Tensor:
    part, _, name = layer.partition(".")
    found = network(snapshot, part).get_submodule(name).weight
    assert isinstance(found, torch.Tensor)
    return found


def factors(snapshot: Snapshot, layer: str, rank: int = RANK) -> tuple[torch.Tensor, torch.Tensor]:
    """Down and up for a layer: the first (rank, inputs ...), the second (outputs, rank)."""
    shape = weight(snapshot, layer).shape
    generator = torch.Generator().manual_seed(len(layer))
    ends = (1,) * (len(shape) - 2)
    return torch.randn(rank, *shape[1:], generator=generator), torch.randn(shape[0], rank, *ends, generator=generator)


def of_peft(layer: str) -> tuple[str, str, str]:
    """Names as diffusers writes them today; the third is that of alpha."""
    part, _, name = layer.partition(".")
    stem = f"{part}.{'text_model.' if part == 'text_encoder' else ''}{name}"
    return f"{stem}.lora_A.weight", f"{stem}.lora_B.weight", f"{stem}.alpha"


def of_diffusers(layer: str) -> tuple[str, str, str]:
    stem = of_peft(layer)[2].removesuffix(".alpha")
    return f"{stem}.lora.down.weight", f"{stem}.lora.up.weight", f"{stem}.alpha"


def of_diffusers_in_2023(layer: str) -> tuple[str, str, str]:
    """The attention's processor has the weights of all of its layers."""
    stem = of_peft(layer)[2].removesuffix(".alpha").removesuffix(".0")
    attention, _, name = stem.rpartition(".")
    stem = f"{attention}.processor.{name}" if layer.startswith("unet") else f"{attention}.{NAMES_OF_2023[name]}"
    return f"{stem}_lora.down.weight", f"{stem}_lora.up.weight", f"{stem}_lora.alpha"


def of_diffusers_training(layer: str) -> tuple[str, str, str]:
    stem = of_peft(layer)[2].removesuffix(".alpha")
    return f"{stem}.lora_linear_layer.down.weight", f"{stem}.lora_linear_layer.up.weight", f"{stem}.alpha"


def of_kohya(layer: str) -> tuple[str, str, str]:
    part, _, name = layer.partition(".")
    stem = ("lora_unet_" if part == "unet" else "lora_te_text_model_") + name.replace(".", "_")
    return f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", f"{stem}.alpha"


LAYOUTS = [of_peft, of_diffusers, of_diffusers_in_2023, of_diffusers_training, of_kohya]
Names = Callable[[str], tuple[str, str, str]]


def content(snapshot: Snapshot, names: Names, layers: list[str], alpha: float | None = None) -> Tensors:
    found = {}
    for layer in layers:
        down, up = factors(snapshot, layer)
        found[names(layer)[0]], found[names(layer)[1]] = down, up
        if alpha is not None:
            found[names(layer)[2]] = torch.tensor(alpha)
    return found


def added(model: Located, *loras: str) -> Snapshot:
    return load(on(model, adapters.found(loras, ())), "cpu")


def expected(snapshot: Snapshot, layer: str, scale: float) -> torch.Tensor:
    down, up = factors(snapshot, layer)
    change = torch.einsum("or,r...->o...", up.flatten(1), down)
    return weight(snapshot, layer) + scale * change


@pytest.mark.parametrize("names", LAYOUTS)
@pytest.mark.parametrize("alpha", [None, 1.0])
def test_it_is_added_to_its_layers_and_to_no_others(
    model: Located, plain: Snapshot, tmp_path: Path, names: Names, alpha: float | None
) -> None:
    if names is of_diffusers_in_2023 and alpha is not None:
        pytest.skip("those files have no alpha")
    file = tmp_path / "x.safetensors"
    save_file(content(plain, names, LAYERS, alpha), file)
    found = added(model, f"{file}:0.5")
    times = 0.5 * (1.0 if alpha is None else alpha / RANK)
    for layer in LAYERS:
        assert torch.allclose(weight(found, layer), expected(plain, layer, times), atol=1e-5), layer
    for part in ("unet", "text_encoder", "vae"):
        for name, tensor in network(plain, part).state_dict().items():
            if f"{part}.{name}".removesuffix(".weight") not in LAYERS:
                assert torch.equal(tensor, network(found, part).state_dict()[name]), name


def test_a_unets_layers_alone_need_no_prefix(model: Located, plain: Snapshot, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    layers = [layer for layer in LAYERS if layer.startswith("unet")]
    save_file({key.removeprefix("unet."): v for key, v in content(plain, of_diffusers_in_2023, layers).items()}, file)
    found = added(model, str(file))
    assert torch.allclose(weight(found, layers[0]), expected(plain, layers[0], 1.0), atol=1e-5)


@pytest.mark.parametrize("layer", ["conv_in", "down_blocks.0.resnets.0.conv1", "time_embedding.linear_1"])
def test_convolutions_are_changed_too(model: Located, plain: Snapshot, tmp_path: Path, layer: str) -> None:
    file = tmp_path / "x.safetensors"
    layer = f"unet.{layer}"
    save_file(content(plain, of_kohya, [layer], 1.0), file)
    assert torch.allclose(weight(added(model, str(file)), layer), expected(plain, layer, 1 / RANK), atol=1e-5)


def test_several_add_up_and_minus_takes_back(model: Located, plain: Snapshot, tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    save_file(content(plain, of_kohya, LAYERS[:1]), one)
    save_file(content(plain, of_peft, LAYERS[:1]), two)
    assert torch.allclose(weight(added(model, f"{one}:2", f"{two}:-2"), LAYERS[0]), weight(plain, LAYERS[0]), atol=1e-5)
    assert torch.allclose(weight(added(model, str(one), str(two)), LAYERS[0]), expected(plain, LAYERS[0], 2), atol=1e-5)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("lora_unet_input_blocks_1_1_proj_in.lora_down.weight", (2, 32)),
        ("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", (2, 32)),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.dora_scale", (64, 1)),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_k.hada_w1_a", (64, 2)),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_k.lora_mid.weight", (2, 2)),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_k.lora_up.weight", (64, 2)),  # a half
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_k.alpha", ()),
        ("text_encoder.text_model.encoder.layers.9.self_attn.q_proj.lora_A.weight", (2, 32)),
        ("bundle_emb.word.string_to_param.*", (2, 32)),
    ],
)
def test_a_tensor_without_a_place_is_an_error_that_names_it(
    model: Located, plain: Snapshot, tmp_path: Path, key: str, shape: tuple[int, ...]
) -> None:
    file = tmp_path / "x.safetensors"
    save_file(content(plain, of_kohya, LAYERS, 1.0) | {key: torch.ones(shape)}, file)
    with pytest.raises(ModelError, match=r"1 of its 10 tensors have no place in it") as caught:
        added(model, str(file))
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found.update({of_kohya(LAYERS[0])[0]: torch.ones(2, 3)}), "its factors are"),
        (lambda found: found.update({of_kohya(LAYERS[0])[1]: torch.ones(64, 3)}), "its factors are"),
        (lambda found: found[of_kohya(LAYERS[0])[0]].fill_(float("nan")), "infinite or not a number"),
        (lambda found: found.update({of_kohya(LAYERS[0])[0]: torch.ones(2, 64).to(torch.int8)}), "not real numbers"),
        (lambda found: found.update({of_kohya(LAYERS[0])[2]: torch.ones(2)}), "cannot be added"),
    ],
)
def test_factors_that_are_not_the_layers_are_refused(
    model: Located, plain: Snapshot, tmp_path: Path, change: Callable[[Tensors], object], reason: str
) -> None:
    found = content(plain, of_kohya, LAYERS, 1.0)
    change(found)
    save_file(found, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=reason):
        added(model, str(tmp_path / "x.safetensors"))


def test_the_metadata_of_diffusers_may_say_alpha(model: Located, plain: Snapshot, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"

    def save(**said: object) -> None:
        metadata = {"lora_adapter_metadata": json.dumps({f"unet.{name}": value for name, value in said.items()})}
        save_file(content(plain, of_peft, LAYERS[:1]), file, metadata=metadata)

    save(r=RANK, lora_alpha=8, use_dora=False, alpha_pattern={})
    assert torch.allclose(weight(added(model, str(file)), LAYERS[0]), expected(plain, LAYERS[0], 4), atol=1e-4)
    save(r=RANK, lora_alpha=8, use_rslora=True)
    with pytest.raises(ModelError, match="use_rslora"):
        added(model, str(file))


def test_identity_has_content_and_scale(model: Located, plain: Snapshot, tmp_path: Path) -> None:
    file, other = tmp_path / "a detail+.safetensors", tmp_path / "b.safetensors"
    save_file(content(plain, of_kohya, LAYERS), file)
    save_file(content(plain, of_kohya, LAYERS, 1.0), other)

    def identity(*loras: str) -> str:
        return on(model, adapters.found(loras, ())).identity

    known = {
        identity(),
        identity(f"{file}"),
        identity(f"{file}:0.5"),
        identity(f"{other}"),
        identity(f"{file}", f"{other}"),
    }
    assert len(known | {identity(f"{other}", f"{file}")}) == 6
    assert identity(f"{file}:1") == identity(str(file))
    named = on(model, adapters.found([f"{file}:1e-05", f"{other}:-0.25"], ()))
    assert adapters.parted(named.identity) == (
        model.identity,
        {"lora": ["<path of a_detail_.safetensors>:1e-05", "<path of b.safetensors>:-0.25"]},
    )
    assert found_here(named) == named


@pytest.mark.parametrize("scale", ["0", "x", "nan", "inf", "101", ""])
def test_a_scale_that_is_none(tmp_path: Path, scale: str) -> None:
    save_file({"a": torch.ones(2, 2)}, tmp_path / "x.safetensors")
    with pytest.raises(UsageError, match="is no scale"):
        adapters.found([f"{tmp_path}/x.safetensors:{scale}"], ())


def test_a_file_that_is_none(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2, 2)}, tmp_path / "x.safetensors")
    (tmp_path / "x.pt").touch()
    with pytest.raises(ModelError, match="there is no such file"):
        adapters.found(["nowhere.safetensors:0.5"], ())
    with pytest.raises(ModelError, match="is pickled"):
        adapters.found((), [str(tmp_path / "x.pt")])
    with pytest.raises(ModelError, match="there is no such file"):
        adapters.found([str(tmp_path)], ())
    with pytest.raises(UsageError, match="is given twice"):
        adapters.found([f"{tmp_path}/x.safetensors", f"{tmp_path}/x.safetensors:0.5"], ())
