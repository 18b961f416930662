"""Models in folders and of the hub: a configuration is within its ranges and weights are whole, or it is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from genie_cli.backbones.load import load, load_classifier
from genie_cli.errors import ModelError
from tests.backbones.test_hostile_weights import NAME, weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder in timm's layout, with three classes."""
    path = tmp_path / "model"
    network = timm.create_model(NAME, num_classes=3)
    timm.models.save_for_hf(network, path, model_config={"label_names": ["a", "b", "c"]}, safe_serialization=True)
    return path


def configure(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / "config.json").read_text())
    pretrained = changes.pop("pretrained_cfg", {})
    content |= changes
    content["pretrained_cfg"] |= pretrained
    (folder / "config.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_classes": 10**9},
        {"num_classes": -1},
        {"num_classes": "3"},
        {"num_classes": 7},
        {"architecture": 3},
        {"architecture": "local-dir:/"},
        {"architecture": "\x1b[31m\x00"},
        {"model_args": {"num_classes": 7}},
        {"model_args": {"pretrained_strict": False}},
        {"model_args": {"features_only": True}},
        {"model_args": {"in_chans": 1}},
        {"model_args": {"stem_size": 10**9}},
        {"model_args": {"stem_size": 16_000}},
        {"model_args": {"no_such_argument": 1}},
        {"model_args": {"act_layer": "nonsense"}},
        {"model_args": [1]},
        {"label_names": 3},
        {"pretrained_cfg": {"input_size": [3, 10**9, 10**9]}},
        {"pretrained_cfg": {"input_size": [3, 160]}},
        {"pretrained_cfg": {"input_size": "160"}},
        {"pretrained_cfg": {"crop_pct": 0}},
        {"pretrained_cfg": {"crop_pct": float("nan")}},
        {"pretrained_cfg": {"crop_pct": 1e-9}},
        {"pretrained_cfg": {"mean": [0.5]}},
        {"pretrained_cfg": {"std": [0, 0, 0]}},
        {"pretrained_cfg": {"std": [1, 1, "1"]}},
        {"pretrained_cfg": {"interpolation": "random"}},
    ],
)
def test_a_configuration_out_of_range(model: Path, changes: dict[str, Any]) -> None:
    configure(model, **changes)
    with pytest.raises(ModelError):
        load_classifier(f"local-dir:{model}", None, "cpu")


def test_what_a_configuration_says_of_where_weights_are_is_not_followed(model: Path, tmp_path: Path) -> None:
    before = load(f"local-dir:{model}", None, "cpu").name
    elsewhere = {"url": "file:///etc/passwd", "hf_hub_id": "somebody/else", "file": "/etc/passwd", "custom_load": True}
    configure(model, pretrained_cfg=elsewhere, auto_map={"AutoModel": "custom.Custom"})
    (model / "custom.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert load(f"local-dir:{model}", None, "cpu").name == before
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["missing", "renamed", "nan", "empty", "one number"])
def test_a_folder_whose_weights_are_not_whole(model: Path, kind: str) -> None:
    found = weights()
    change: dict[str, Callable[[], object]] = {
        "missing": lambda: found.pop("conv_stem.weight"),
        "renamed": lambda: found.update({"conv_stem.renamed": found.pop("conv_stem.weight")}),
        "nan": lambda: found["conv_stem.weight"].view(-1)[:1].fill_(float("nan")),
        "empty": lambda: found["conv_stem.weight"].zero_(),
        "one number": lambda: found["conv_stem.weight"].fill_(0.01),
    }
    change[kind]()
    save_file(found, model / "model.safetensors")
    for what in (load, load_classifier):
        with pytest.raises(ModelError, match=r"conv_stem\.weight"):
            what(f"local-dir:{model}", None, "cpu")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_in_a_folder_is_not_waited_for(model: Path, name: str) -> None:
    (model / name).unlink()
    os.mkfifo(model / name)
    with pytest.raises(ModelError, match="cannot be read: it is a named pipe"):
        load(f"local-dir:{model}", None, "cpu")


@pytest.fixture
def repository(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same model in the hub's cache, without a network."""
    from huggingface_hub import constants

    sha = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "hub/models--somebody--model/snapshots" / sha
    snapshot.parent.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text(sha)
    model.rename(snapshot)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return snapshot


def test_a_model_of_the_hub_is_held_to_the_same(repository: Path) -> None:
    assert load_classifier("hf-hub:somebody/model", None, "cpu").classes == ("a", "b", "c")
    torch.save(weights(), repository / "pytorch_model.bin")
    (repository / "model.safetensors").unlink()
    assert load("hf-hub:somebody/model", None, "cpu").name.startswith(f"{NAME}@")
    configure(repository, model_args={"pretrained_strict": False})
    with pytest.raises(ModelError, match="pretrained_strict"):
        load("hf-hub:somebody/model", None, "cpu")


@pytest.mark.parametrize("name", ["nowhere", "~nosuchuser", "a\nb"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError, match=f"there is no folder {name}"):
        load(f"local-dir:{name}", None, "cpu")


@pytest.mark.parametrize("value", [10**9, -(10**9), [10**9], {"a": {"b": 10**9}}, [0] * 65, [[[[[1]]]]], "n" * 201])
def test_arguments_of_no_network(model: Path, value: Any) -> None:
    configure(model, model_args={"stem_size": value})
    with pytest.raises(ModelError, match="no network is that large or deep: stem_size"):
        load(f"local-dir:{model}", None, "cpu")
