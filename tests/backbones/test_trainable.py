"""Checkpoints of LiVT and MAE in their authors' layouts, loaded strictly."""

import argparse
import os
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.errors import ModelError, UsageError

NAME = "vit_tiny_patch16_224"


def _finetuned() -> dict[str, torch.Tensor]:
    """What LiVT's second stage and MAE's fine-tuning save: a ViT that averages its tokens."""
    torch.manual_seed(0)
    network = timm.create_model(NAME, num_classes=10, global_pool="avg")
    return {key: torch.randn_like(tensor) for key, tensor in network.state_dict().items()}


def _pretrained() -> dict[str, torch.Tensor]:
    """What MAE's pretraining and LiVT's first stage save: an encoder with its norm, and the decoder."""
    encoder = {k: v for k, v in _finetuned().items() if not k.startswith(("head.", "fc_norm."))}
    width = encoder["cls_token"].shape[-1]
    decoder = {
        "mask_token": torch.zeros(1, 1, 512),
        "decoder_pos_embed": torch.zeros(1, 197, 512),
        "decoder_embed.weight": torch.zeros(512, width),
        "decoder_blocks.0.attn.qkv.weight": torch.zeros(1536, 512),
        "decoder_pred.bias": torch.zeros(768),
    }
    return {**encoder, "norm.weight": torch.ones(width), "norm.bias": torch.zeros(width), **decoder}


def _saved(path: Path, weights: Any) -> Path:
    """A checkpoint as those scripts save it: the weights, the training state and the parsed options."""
    args = argparse.Namespace(model="vit_base_patch16", blr=1e-3, cls_num=[3, 2, 1])
    torch.save(
        {"model": weights, "optimizer": {"state": {}}, "epoch": 99, "scaler": {"scale": 1.0}, "args": args}, path
    )
    return path


def test_a_fine_tuned_checkpoint_is_loaded_whole(tmp_path: Path) -> None:
    weights = _finetuned()
    network = build(NetworkSpec(NAME, 10, 0.1, checkpoint=_saved(tmp_path / "livt.pth", weights)))
    loaded = network.state_dict()
    assert set(loaded) == set(weights)
    assert {"fc_norm.weight", "fc_norm.bias", "head.weight"} <= set(loaded)
    assert not any(key.startswith("norm.") for key in loaded)
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)


def test_so_is_one_from_training_on_several_devices(tmp_path: Path) -> None:
    weights = {f"module.{key}": tensor for key, tensor in _finetuned().items()}
    network = build(NetworkSpec(NAME, 10, 0.1, checkpoint=_saved(tmp_path / "livt.pth", weights)))
    assert torch.equal(network.head.weight, weights["module.head.weight"])


def test_a_pretrained_checkpoint_gives_the_encoder_and_the_head_is_new(tmp_path: Path) -> None:
    weights = _pretrained()
    network = build(NetworkSpec(NAME, 10, 0.1, checkpoint=_saved(tmp_path / "mae.pth", weights)))
    loaded = network.state_dict()
    for key, tensor in loaded.items():
        if not key.startswith(("head.", "fc_norm.")):
            assert torch.equal(tensor, weights[key]), key
    assert 1e-5 < float(loaded["head.weight"].std()) < 4e-5
    assert not loaded["head.bias"].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("blocks.3.attn.qkv.weight"), r"missing: blocks\.3\.attn\.qkv\.weight"),
        (lambda w: w.update({"blocks.12.norm1.bias": torch.zeros(192)}), r"unexpected: blocks\.12\.norm1\.bias"),
        (
            lambda w: w.update({"blocks.0.norm1.bias": torch.zeros(7)}),
            r"blocks\.0\.norm1\.bias is \(7,\) and should be \(192,\)",
        ),
        (lambda w: w.pop("fc_norm.bias"), r"missing: fc_norm\.bias"),
    ],
)
def test_a_weight_that_does_not_fit_is_named(tmp_path: Path, change: Any, message: str) -> None:
    weights = _finetuned()
    change(weights)
    with pytest.raises(ModelError, match=message):
        build(NetworkSpec(NAME, 10, 0.1, checkpoint=_saved(tmp_path / "livt.pth", weights)))


def test_a_pretrained_checkpoint_that_lacks_a_block_is_refused_too(tmp_path: Path) -> None:
    weights = {key: value for key, value in _pretrained().items() if not key.startswith("blocks.11.")}
    with pytest.raises(ModelError, match=r"missing: blocks\.11"):
        build(NetworkSpec(NAME, 10, 0.1, checkpoint=_saved(tmp_path / "mae.pth", weights)))


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"model": _finetuned(), "args": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="unpickling those could run any code"):
        build(NetworkSpec(NAME, 10, 0.1, checkpoint=tmp_path / "evil.pth"))
    assert not (tmp_path / "owned").exists()


def test_other_files_and_names_are_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="no weights in a known layout; it has: epoch, lr"):
        build(NetworkSpec(NAME, 10, 0.1, checkpoint=tmp_path / "other.pth"))
    with pytest.raises(UsageError, match="no network 'vit_base_patch16_22'; did you mean vit_base_patch16_224"):
        build(NetworkSpec("vit_base_patch16_22", 10, 0.1))
    with pytest.raises(ModelError, match="there is no file"):
        build(NetworkSpec(NAME, 10, 0.1, checkpoint=tmp_path / "none.pth"))


def test_a_vit_is_built_for_the_size_of_its_images() -> None:
    for name in ("test_vit", "test_resnet"):
        assert build(NetworkSpec(name, 10, 0.1, image_size=32)).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_stochastic_depth_reaches_the_last_block() -> None:
    network = build(NetworkSpec("test_vit", 10, 0.3, image_size=32))
    rates = [getattr(block.drop_path1, "drop_prob", 0.0) for block in network.blocks]
    assert rates[0] == 0
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.3)
