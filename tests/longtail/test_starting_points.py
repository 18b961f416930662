"""Trainings of a long-tailed benchmark that start from a file of another program, or from timm's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.errors import OutputError
from genie_cli.longtail.benchmark import Benchmark
from tests.longtail.test_benchmark import Told, prepared, settings_for

LAYOUTS: dict[str, Any] = {
    "deit.pth": lambda weights: {"model": weights},
    "lightning.ckpt": lambda weights: {"state_dict": {f"model.{key}": tensor for key, tensor in weights.items()}},
}


@pytest.fixture(scope="module")
def tail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five classes of 9 to 1 training images, and a test split."""
    root = tmp_path_factory.mktemp("tail") / "photos"
    for number, count in enumerate((9, 7, 5, 2, 1)):
        DigitsInTheWild("train").save_samples(root / "train", range(number, 10 * count, 10))
        DigitsInTheWild("test").save_samples(root / "test", range(number, 20, 10))
    return root


def theirs() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    weights: dict[str, torch.Tensor] = timm.create_model("test_vit").state_dict()
    return weights


def first_weights(found: Benchmark) -> dict[str, torch.Tensor]:
    """What a training starts from, by the folder that the benchmark wrote and its settings."""
    from genie_cli.backbones.trainable import build

    weights: dict[str, torch.Tensor] = build(found.trainings.network).state_dict()
    return weights


@pytest.mark.parametrize("file", LAYOUTS)
def test_from_a_file(tail: Path, tmp_path: Path, file: str) -> None:
    torch.save(LAYOUTS[file](theirs()), tmp_path / file)
    told = Told()
    found = prepared(tmp_path / "out", settings_for(tail), told, augment=("none",), checkpoint=tmp_path / file)
    [head] = [word for word in told.words if "the last layer is new" in word]
    assert "for 5 classes; in the file " in head
    assert "head.weight is (1000, 64)" in head
    assert not any("random weights" in word for word in told.words)
    assert torch.equal(first_weights(found)["cls_token"], theirs()["cls_token"])
    assert [record.seed for record in found.evaluate()] == [0, None]


def test_from_timms_weights(tail: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached, name = tmp_path / "cached.safetensors", "test_vit.r160_in1k"
    save_file(theirs(), cached)
    monkeypatch.setattr("timm.models._hub.hf_hub_download", lambda *_, **__: str(cached))
    monkeypatch.setattr("genie_cli.backbones.weights_download.announce", lambda *_: None)
    told, plain = Told(), settings_for(tail)
    settings = plain.model_copy(update={"longtail": plain.longtail.model_copy(update={"network": name})})
    found = prepared(tmp_path / "out", settings, told, augment=("none",))
    assert f"{name} starts from the weights that timm has under this name" in told.words
    assert torch.equal(first_weights(found)["cls_token"], theirs()["cls_token"])
    assert [record.network for record in found.evaluate()] == [name, name]
    trained = trained_at(tmp_path / "out")
    prepared(tmp_path / "out", settings, Told(), augment=("none",)).evaluate()
    assert trained_at(tmp_path / "out") == trained
    # Another day timm has other weights under the name: the training would be another one.
    save_file(theirs() | {"cls_token": theirs()["cls_token"] + 1}, cached)
    with pytest.raises(OutputError, match="was trained with other settings:\n  pretrained: "):
        prepared(tmp_path / "out", settings, Told(), augment=("none",)).evaluate()


def trained_at(folder: Path) -> list[int]:
    """When each training's network was written."""
    return [file.stat().st_mtime_ns for file in sorted(folder.glob("trainings/*/network.safetensors"))]
