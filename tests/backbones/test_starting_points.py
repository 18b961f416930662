"""Fine-tuning from files in the layouts of timm, DeiT, DINOv2 and MAE, and from timm's own weights."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from genie_cli.backbones.trainable import NetworkSpec, build, image_size
from genie_cli.errors import ModelError
from tests.backbones.test_layouts import Told, seeded, under

NAME, CLASSES = "vit_tiny_patch16_224", 3
DINOV2 = "vit_small_patch14_dinov2"
CLS = seeded(0, NAME)  # a classifier with a class token and 1000 classes, as DeiT's and most of timm's
AVERAGED = seeded(0, NAME, global_pool="avg")  # as MAE's fine-tuning
ENCODER = {key: tensor for key, tensor in CLS.items() if not key.startswith("head.")}
MAE = ENCODER | {
    "mask_token": torch.zeros(1, 1, 32),
    "decoder_pos_embed": torch.zeros(1, 197, 32),
    "decoder_embed.weight": torch.ones(32, 192),
    "decoder_blocks.0.attn.qkv.weight": torch.ones(96, 32),
}
ARGS = argparse.Namespace(model="mae_vit", output_dir=Path("/x"))
LAYOUTS: dict[str, Any] = {
    "timm.pth": CLS,
    "timm.safetensors": CLS,
    "timm-train.pth.tar": {"epoch": 9, "arch": NAME, "state_dict": MAE, "state_dict_ema": CLS, "metric": 0.5},
    "deit.pth": {"model": CLS},
    "mae-pretrain.pth": {
        "model": MAE,
        "optimizer": {"state": {}},
        "epoch": 799,
        "scaler": {"scale": 1.0},
        "args": ARGS,
    },
    "mae-finetuned.pth": {"model": AVERAGED},
    "dinov2-train.pth": {"teacher": under("backbone.", ENCODER) | {"dino_head.mlp.0.weight": torch.ones(8, 192)}},
}


def saved(path: Path, content: Any) -> Path:
    (save_file if path.suffix == ".safetensors" else torch.save)(content, path)
    return path


def started(path: Path, told: Told | None = None, **more: Any) -> dict[str, torch.Tensor]:
    spec = NetworkSpec(more.pop("name", NAME), more.pop("classes", CLASSES), 0.1, checkpoint=path, **more)
    weights: dict[str, torch.Tensor] = build(spec, told).state_dict()
    return weights


@pytest.mark.parametrize("file", LAYOUTS)
def test_every_layout_gives_its_encoder_and_a_new_head(tmp_path: Path, file: str) -> None:
    told = Told()
    ours = started(saved(tmp_path / file, LAYOUTS[file]), told)
    same = [key for key in ours if not key.startswith(("head.", "fc_norm."))]
    assert len(same) == len(CLS) - 4
    assert all(torch.equal(ours[key], CLS[key]) for key in same)
    assert ours["head.weight"].shape == (CLASSES, 192)
    assert 0 < float(ours["head.weight"].abs().max()) < 1e-4  # 2e-5, cut off at two standard deviations or more
    assert not ours["head.bias"].any()
    words = " ".join(told.words)
    assert "the last layer is new, for 3 classes" in words
    averages = "fc_norm.weight" in LAYOUTS[file].get("model", {})
    assert torch.equal(ours["fc_norm.weight"], AVERAGED["fc_norm.weight"] if averages else torch.ones(192))
    assert averages != ("left out, since the network has no place for them" in words)
    assert averages != ("norm.*" in words)


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    told = Told()
    started(saved(tmp_path / "mae.pth", {"model": MAE}), told)
    [line] = [word for word in told.words if "left out" in word]
    assert all(name in line for name in ("mask_token", "decoder_pos_embed", "decoder_embed.*", "norm.*"))
    assert "the last layer is new, for 3 classes; the file has none" in " ".join(told.words)
    told = Told()
    started(saved(tmp_path / "deit.pth", {"model": CLS}), told)
    assert "in the file head.weight is (1000, 192)" in " ".join(told.words)


def test_a_head_of_the_same_classes_is_kept_and_nothing_is_said(tmp_path: Path) -> None:
    told = Told()
    theirs = seeded(0, NAME, num_classes=CLASSES, global_pool="avg")
    ours = started(saved(tmp_path / "mae.pth", {"model": theirs}), told)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert told.words == []


@pytest.mark.parametrize("pixels", [96, 256])
def test_positions_are_resampled_by_timm(tmp_path: Path, pixels: int) -> None:
    ours = started(saved(tmp_path / "mae.pth", {"model": MAE}), image_size=pixels)["pos_embed"]
    prefix, side = CLS["pos_embed"].shape[1] - 14 * 14, pixels // 16
    wanted = timm.layers.resample_abs_pos_embed(CLS["pos_embed"], [side, side], [14, 14], num_prefix_tokens=prefix)
    torch.testing.assert_close(ours, wanted)


def test_dinov2s_file_at_its_own_size_starts_one_of_224_pixels(tmp_path: Path) -> None:
    """As the authors publish it: 37 x 37 positions, a mask token of two dimensions, layer scales and no last layer."""
    torch.manual_seed(0)
    theirs = timm.create_model(DINOV2).state_dict()
    theirs["pos_embed"] = torch.randn_like(theirs["pos_embed"])
    assert theirs["pos_embed"].shape == (1, 1 + 37 * 37, 384)
    ours = started(saved(tmp_path / "dinov2.pth", theirs | {"mask_token": torch.zeros(1, 384)}), name=DINOV2)
    wanted = timm.layers.resample_abs_pos_embed(theirs["pos_embed"], [16, 16], [37, 37], num_prefix_tokens=1)
    torch.testing.assert_close(ours["pos_embed"], wanted)
    assert torch.equal(ours["blocks.3.ls1.gamma"], theirs["blocks.3.ls1.gamma"])
    assert image_size(NetworkSpec(DINOV2, 3, 0.1)) == 224


def test_a_convolutional_network_gets_a_new_head_too(tmp_path: Path) -> None:
    theirs = seeded(0, "test_resnet")
    told = Told()
    ours = started(
        saved(tmp_path / "lightning.ckpt", {"state_dict": under("model.", theirs)}), told, name="test_resnet"
    )
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs if not key.startswith("fc."))
    assert ours["fc.weight"].shape == (CLASSES, theirs["fc.weight"].shape[1])
    assert len(told.words) == 1


def test_names_that_timm_converts(tmp_path: Path) -> None:
    """ConvNeXt's, as its authors call them, with distributed training's prefix."""
    theirs = seeded(0, "convnext_atto")
    words = {
        "stem.": "downsample_layers.0.",
        ".blocks.": ".",
        "conv_dw": "dwconv",
        "mlp.fc": "pwconv",
        "head.fc": "head",
    }
    named = {}
    for key, tensor in theirs.items():
        name = re.sub(r"^stages\.(\d)\.downsample", r"downsample_layers.\1", key).replace("head.norm", "norm")
        for ours, authors in words.items():
            name = name.replace(ours, authors)
        named[name] = tensor
    assert "stages.0.0.dwconv.weight" in named
    file = saved(tmp_path / "convnext.pth", {"model": under("module.", named)})
    told = Told()
    loaded = started(file, told, name="convnext_atto")
    same = [key for key in loaded if not key.startswith("head.fc.")]
    assert all(torch.equal(loaded[key].flatten(), theirs[key].flatten()) for key in same)
    assert loaded["head.fc.weight"].shape == (CLASSES, theirs["head.fc.weight"].shape[1])
    assert len(told.words) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("blocks.1.attn.qkv.weight"), r"missing: blocks\.1\.attn\.qkv\.weight"),
        (lambda w: w.update({"blocks.12.norm1.bias": torch.zeros(192)}), r"unexpected: blocks\.12\.norm1\.bias"),
        (lambda w: w.update({"norm_pre.bias": torch.zeros(192)}), r"unexpected: norm_pre\.bias"),
        (lambda w: w.update({"blocks.0.norm1.bias": torch.zeros(9)}), r"norm1\.bias is \(9,\) and should be \(192,\)"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    weights = dict(CLS)
    change(weights)
    with pytest.raises(ModelError, match=message):
        started(saved(tmp_path / "own.pth", {"model": weights}))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """timm's weights of a name with a tag, as if they were in the hub's cache."""
    cache = tmp_path / "cached.safetensors"
    save_file(CLS, cache)
    monkeypatch.setattr("timm.models._hub.hf_hub_download", lambda *_, **__: str(cache))
    monkeypatch.setattr("genie_cli.backbones.weights_download.announce", lambda *_: None)
    return cache


def test_a_name_with_a_tag_starts_from_timms_weights(hub: Path) -> None:
    spec = NetworkSpec(f"{NAME}.augreg_in21k_ft_in1k", CLASSES, 0.1)
    assert spec.starts_from_timm
    told = Told()
    ours = build(spec, told).state_dict()
    assert all(torch.equal(ours[key], CLS[key]) for key in ours if not key.startswith(("head.", "fc_norm.")))
    assert "the last layer is new, for 3 classes; in the file head.weight is (1000, 192)" in told.words[0]
    assert hub.exists()


def test_a_name_without_a_tag_starts_from_random_weights_and_asks_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timm.models._hub.hf_hub_download", lambda *_, **__: pytest.fail("asked the hub"))
    spec = NetworkSpec(NAME, CLASSES, 0.1)
    assert not spec.starts_from_timm
    assert build(spec).state_dict()["head.weight"].shape == (CLASSES, 192)


def test_a_network_of_another_name_averages_if_the_file_says_so(tmp_path: Path) -> None:
    """What timm calls deit_* has a class token; MAE's fine-tuned files have none of its norm."""
    theirs, told = seeded(0, "test_vit", global_pool="avg"), Told()
    ours = started(saved(tmp_path / "mae.pth", {"model": theirs}), told, name="test_vit")
    assert torch.equal(ours["fc_norm.weight"], theirs["fc_norm.weight"])
    assert "average its tokens" in told.words[0]
