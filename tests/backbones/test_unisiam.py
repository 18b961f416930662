"""UniSiam checkpoints as their authors save them, and what is refused."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models

from genie_cli.backbones.backbone import Preprocess
from genie_cli.backbones.load import load, load_classifier
from genie_cli.errors import ModelError, UsageError


@cache
def resnet(name: str) -> nn.Module:
    """A random network with random batch statistics, without its last layer."""
    torch.manual_seed(0)
    network: nn.Module = models.get_model(name, weights=None)
    network.fc = nn.Identity()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None:
            nn.init.uniform_(part.running_mean, -0.1, 0.1)
    return network.eval()


def saved(path: Path, name: str = "resnet18", prefix: str = "encoder.module.", **more: Any) -> Path:
    """A file of the authors' layout: the encoder, both heads, the epoch."""
    weights = {f"{prefix}{key}": value for key, value in resnet(name).state_dict().items()}
    outer = "module." if prefix.startswith("module.") else ""
    heads = {"proj.0.weight": torch.zeros(8, 8), "proj.1.running_mean": torch.zeros(8), "pred.0.bias": torch.zeros(8)}
    weights |= {f"{outer}{key}": value for key, value in heads.items()}
    torch.save({"model": weights | more, "epoch": 400}, path)
    return path


@pytest.mark.parametrize("prefix", ["encoder.module.", "encoder.", "module.encoder.", "module.encoder.module."])
def test_every_prefix_gives_torchvisions_features(tmp_path: Path, prefix: str) -> None:
    backbone = load("unisiam-resnet18", saved(tmp_path / "last.pth", prefix=prefix), "cpu")
    images = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    with torch.inference_mode():
        expected = resnet("resnet18")(backbone.normalize(images))
    assert backbone.preprocess == Preprocess(resize=256, size=224)
    assert backbone.run(images).shape == (2, 512)
    torch.testing.assert_close(torch.from_numpy(backbone.run(images)), expected)


@pytest.mark.parametrize(("name", "width"), [("resnet34", 512), ("resnet50", 2048)])
def test_the_other_depths(tmp_path: Path, name: str, width: int) -> None:
    backbone = load(f"unisiam-{name}", saved(tmp_path / "last.pth", name), "cpu")
    assert backbone.run(torch.zeros(1, 3, 224, 224, dtype=torch.uint8)).shape == (1, width)
    assert backbone.name.startswith(f"unisiam-{name}@")


def test_identity_follows_the_weights_and_not_the_file(tmp_path: Path) -> None:
    one = load("unisiam-resnet18", saved(tmp_path / "a.pth"), "cpu")
    same = load("unisiam-resnet18", saved(tmp_path / "b.pth", prefix="encoder."), "cpu")
    changed: dict[str, Any] = {"encoder.module.bn1.bias": torch.ones(64)}
    other = load("unisiam-resnet18", saved(tmp_path / "c.pth", **changed), "cpu")
    assert one.name == same.name != other.name


def test_another_depth_is_recognized(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not fit unisiam-resnet34: missing: layer1\.2") as caught:
        load("unisiam-resnet34", saved(tmp_path / "last.pth"), "cpu")
    assert "it looks like unisiam-resnet18" in caught.value.hint


def test_a_surplus_and_a_misshaped_weight_are_named(tmp_path: Path) -> None:
    more: dict[str, Any] = {"encoder.module.extra": torch.zeros(1), "encoder.module.bn1.bias": torch.zeros(3)}
    with pytest.raises(ModelError, match=r"unexpected: extra; bn1\.bias is \(3,\) and should be \(64,\)"):
        load("unisiam-resnet18", saved(tmp_path / "last.pth", **more), "cpu")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"state_dict": {}, "epoch": 1}, "no weights in a known layout; it has: state_dict, epoch"),
        (
            {"model": {"layer.weight": torch.zeros(2)}},
            r"is not a checkpoint of UniSiam: it has no encoder\.\*, but layer\.weight",
        ),
        ({"model": {"encoder.conv1.weight": 3}}, "holds no weights in a known layout"),
        (torch.zeros(3), "holds a Tensor, not a dictionary"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, content: Any, reason: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(ModelError, match=reason):
        load("unisiam-resnet18", tmp_path / "other.pth", "cpu")


class Harmful:
    """Unpickling it creates a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_could_run_code_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    file, trace = tmp_path / "harmful.pth", tmp_path / "ran"
    torch.save({"model": Harmful(trace)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"is refused: .*mkdir.* could run any code") as caught:
        load("unisiam-resnet18", file, "cpu")
    assert "torch.save({'model'" in caught.value.hint
    assert not trace.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "network.pth")
    with pytest.raises(ModelError, match=r"is refused: .*Linear"):
        load("unisiam-resnet18", tmp_path / "network.pth", "cpu")


@pytest.mark.parametrize("kept", [0, 100, 10_000])
def test_a_truncated_file_is_reported(tmp_path: Path, kept: int) -> None:
    file = saved(tmp_path / "last.pth")
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"last\.pth cannot be read"):
        load("unisiam-resnet18", file, "cpu")


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file"):
        load("unisiam-resnet18", tmp_path / "none.pth", "cpu")
    with pytest.raises(ModelError, match="is a folder"):
        load("unisiam-resnet18", tmp_path, "cpu")


def test_it_needs_a_checkpoint_and_is_not_a_classifier() -> None:
    with pytest.raises(UsageError, match="needs a checkpoint"):
        load("unisiam-resnet18", None, "cpu")
    with pytest.raises(UsageError, match="is not a classifier: it gives features and has no classes"):
        load_classifier("unisiam-resnet18", None, "cpu")
