"""timm's models from files, folders and the hub's cache; names, classes, and what is refused."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_model_data_config

from genie_cli.backbones.backbone import Preprocess
from genie_cli.backbones.load import load, load_classifier
from genie_cli.errors import ModelError, UsageError

NAME = "test_efficientnet"
Save = Callable[[dict[str, torch.Tensor], Path], None]


def network(name: str = NAME, **arguments: Any) -> Any:
    torch.manual_seed(0)
    return timm.create_model(name, **arguments).eval()


def saved(path: Path, name: str = NAME, entries: dict[str, Any] | None = None, **arguments: Any) -> Path:
    torch.save({"model": network(name, **arguments).state_dict(), **(entries or {})}, path)
    return path


WRAPPINGS: dict[str, Save] = {
    "plain.safetensors": save_file,
    "plain.pth": torch.save,
    "model.pth": lambda w, path: torch.save({"model": w, "epoch": 3, "args": argparse.Namespace(lr=1.0)}, path),
    "state_dict.pth": lambda w, path: torch.save({"state_dict": w, "optimizer": {}}, path),
    "module.pth": lambda w, path: torch.save({"model": {f"module.{key}": value for key, value in w.items()}}, path),
}


@pytest.mark.parametrize("file", WRAPPINGS)
def test_a_checkpoint_is_read_in_every_known_layout(tmp_path: Path, file: str) -> None:
    theirs = network()
    WRAPPINGS[file](theirs.state_dict(), tmp_path / file)
    backbone = load(NAME, tmp_path / file, "cpu")
    images = torch.randint(0, 256, (2, 3, 160, 160), dtype=torch.uint8)
    with torch.inference_mode():
        expected = theirs.forward_head(theirs.forward_features(backbone.normalize(images)), pre_logits=True)
    torch.testing.assert_close(torch.from_numpy(backbone.run(images)), expected)
    assert backbone.classes == ()
    assert backbone.name == load(NAME, saved(tmp_path / "again.pth"), "cpu").name


def test_the_head_may_have_any_number_of_classes_or_be_missing(tmp_path: Path) -> None:
    images = torch.zeros(1, 3, 160, 160, dtype=torch.uint8)
    for count in (0, 7):
        backbone = load("test_vit", saved(tmp_path / "own.pth", "test_vit", num_classes=count), "cpu")
        assert backbone.run(images).shape == (1, 64)


@pytest.mark.parametrize("name", ["test_vit", NAME])
def test_images_are_preprocessed_as_by_timm(tmp_path: Path, name: str) -> None:
    backbone = load(name, saved(tmp_path / "own.pth", name), "cpu")
    noise = np.random.default_rng(0).integers(0, 256, (230, 190, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    theirs = create_transform(**resolve_model_data_config(network(name)))(image)
    torch.testing.assert_close(backbone.normalize(backbone.preprocess.center_crop(image)[None])[0], theirs)


def test_the_papers_oracle_crops_nine_tenths(tmp_path: Path) -> None:
    name = "deit_tiny_patch16_224.fb_in1k"  # preprocesses as DeiT-Base does, with a fifteenth of its weights
    backbone = load_classifier(name, saved(tmp_path / "deit.pth", name), "cpu")
    assert backbone.preprocess == Preprocess(resize=248, size=224, interpolation="bicubic")
    assert backbone.classes[134] == "n02012849"  # the bird
    assert backbone.classes[517] == "n03126707"  # the machine
    assert backbone.run(torch.zeros(1, 3, 224, 224, dtype=torch.uint8)).shape == (1, 1000)


def test_dinov2_takes_224_pixels_as_its_authors_evaluate_it(tmp_path: Path) -> None:
    name = "vit_small_patch14_dinov2"
    backbone = load(name, saved(tmp_path / "dinov2.pth", name), "cpu")
    assert backbone.preprocess == Preprocess(resize=256, size=224, interpolation="bicubic")
    assert backbone.run(torch.zeros(1, 3, 224, 224, dtype=torch.uint8)).shape == (1, 384)


@pytest.mark.parametrize("entry", ["class_names", "label_names"])
def test_a_fine_tuned_checkpoint_names_its_classes(tmp_path: Path, entry: str) -> None:
    file = saved(tmp_path / "own.pth", entries={entry: ["lynx", "ocelot", "puma"]}, num_classes=3)
    assert load_classifier(NAME, file, "cpu").classes == ("lynx", "ocelot", "puma")


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({}, "has 3 classes, and their names are not known"),
        ({"class_names": ["lynx", "ocelot"]}, "has 3 classes, and names for 2"),
        ({"class_names": ["crane", "lynx", "crane"]}, "several classes have the same name: crane"),
        ({"class_names": {"lynx": 0, "ocelot": 1, "puma": 2}}, "not a list of strings"),
    ],
)
def test_classes_without_good_names_are_refused(tmp_path: Path, entries: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load_classifier(NAME, saved(tmp_path / "own.pth", entries=entries, num_classes=3), "cpu")


def test_a_network_without_a_head_is_not_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a classifier: it has no last layer"):
        load_classifier(NAME, saved(tmp_path / "own.pth", num_classes=0), "cpu")


@pytest.mark.parametrize("make", [load, load_classifier])
def test_another_architecture_is_refused(tmp_path: Path, make: Callable[..., Any]) -> None:
    with pytest.raises(ModelError, match=r"does not fit test_vit: missing: .* and \d+ more; unexpected: "):
        make("test_vit", saved(tmp_path / "own.pth", num_classes=3), "cpu")


def test_a_missing_and_a_misshaped_weight_are_named(tmp_path: Path) -> None:
    weights = network().state_dict()
    del weights["bn2.weight"]
    weights["bn2.bias"] = torch.zeros(3)
    torch.save(weights, tmp_path / "own.pth")
    with pytest.raises(ModelError, match=r"missing: bn2\.weight; bn2\.bias is \(3,\) and should be"):
        load(NAME, tmp_path / "own.pth", "cpu")


@pytest.mark.parametrize("name", ["own.safetensors", "own.pth", "own.npz"])
def test_a_file_of_anything_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x02}q\x00(X" + bytes(range(256)))
    with pytest.raises(ModelError, match="cannot be read"):
        load(NAME, tmp_path / name, "cpu")


def test_a_training_state_without_weights_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "own.pth")
    with pytest.raises(ModelError, match="no weights in a known layout; it has: epoch, lr"):
        load(NAME, tmp_path / "own.pth", "cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model in timm's layout, with two classes."""
    path = tmp_path / "model"
    timm.models.save_for_hf(
        network(num_classes=2), path, model_config={"label_names": ["lynx", "ocelot"]}, safe_serialization=True
    )
    return path


def test_a_folder_of_timms_layout(folder: Path) -> None:
    backbone = load_classifier(f"local-dir:{folder}", None, "cpu")
    assert backbone.classes == ("lynx", "ocelot")
    assert backbone.name.startswith(f"{NAME}@")
    images = torch.randint(0, 256, (1, 3, 160, 160), dtype=torch.uint8)
    features = load(f"local-dir:{folder}", None, "cpu").run(images)
    head = network(num_classes=2).classifier
    with torch.inference_mode():
        torch.testing.assert_close(head(torch.from_numpy(features)), torch.from_numpy(backbone.run(images)))


def test_a_folder_that_an_older_timm_saved(folder: Path) -> None:
    """Before 1.0.31 a fine-tuned model kept the number of classes that it was pretrained with beside its own."""
    config = json.loads((folder / "config.json").read_text())
    config["pretrained_cfg"]["num_classes"] = 1000
    (folder / "config.json").write_text(json.dumps(config))
    assert load_classifier(f"local-dir:{folder}", None, "cpu").classes == ("lynx", "ocelot")


def test_identity_follows_the_preprocessing(folder: Path) -> None:
    before = load(f"local-dir:{folder}", None, "cpu").name
    config = json.loads((folder / "config.json").read_text())
    config["pretrained_cfg"]["crop_pct"] = 0.5
    (folder / "config.json").write_text(json.dumps(config))
    backbone = load(f"local-dir:{folder}", None, "cpu")
    assert backbone.preprocess.resize == 320
    assert backbone.name != before


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("{", "is not a model's configuration: not valid JSON"),
        ("[]", "is not a model's configuration"),
        ('{"architecture": "nonsense"}', "Unknown model"),
        (json.dumps({"architecture": NAME, "num_classes": 5}), r"classifier\.weight is \(2, 256\) and should be \(5,"),
    ],
)
def test_a_folder_with_a_bad_configuration_is_refused(folder: Path, config: str, reason: str) -> None:
    (folder / "config.json").write_text(config)
    with pytest.raises(ModelError, match=reason):
        load(f"local-dir:{folder}", None, "cpu")


def test_a_folder_without_model_or_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(f"local-dir:{tmp_path}", None, "cpu")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        load(f"local-dir:{folder}", None, "cpu")
    with pytest.raises(UsageError, match="would not be used"):
        load(f"local-dir:{folder}", tmp_path / "own.pth", "cpu")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty hub cache and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("make", [load, load_classifier])
@pytest.mark.parametrize(
    ("name", "instead"), [("test_vit.r160_in1k", "--checkpoint"), ("hf-hub:somebody/model", "local-dir:")]
)
@pytest.mark.usefixtures("offline")
def test_without_a_network_it_says_how_to_get_the_weights(make: Callable[..., Any], name: str, instead: str) -> None:
    with pytest.raises(
        ModelError,
        match=f"model {name} is not on this machine and could not be downloaded: HF_HUB_OFFLINE forbids downloads",
    ) as caught:
        make(name, None, "cpu")
    assert f'timm.create_model("{name}", pretrained=True)' in caught.value.hint
    assert instead in caught.value.hint


def test_for_an_unknown_name_the_nearest_is_suggested() -> None:
    with pytest.raises(UsageError, match=r"no model 'resnet18\.a1_in1'; did you mean resnet18\.a1_in1k"):
        load("resnet18.a1_in1", None, "cpu")
    with pytest.raises(UsageError, match="did you mean unisiam-resnet18"):
        load("unisiam-resnet19", None, "cpu")
    with pytest.raises(UsageError, match="'timm/x@y'") as caught:
        load_classifier("timm/x@y", None, "cpu")
    assert "hf-hub:owner/name" in caught.value.hint


def test_a_model_without_published_weights_needs_a_checkpoint() -> None:
    untrained = next(name for name in timm.list_models() if not timm.models.is_model_pretrained(name))
    with pytest.raises(UsageError, match=f"timm has no weights for '{untrained}'") as caught:
        load(untrained, None, "cpu")
    assert "--checkpoint" in caught.value.hint


def test_the_bundled_ones_take_no_checkpoint(tmp_path: Path) -> None:
    assert load("digits", None, "cpu").run(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).shape == (1, 256)
    assert load_classifier("digits", None, "cpu").classes[3] == "three"
    for make in (load, load_classifier):
        with pytest.raises(UsageError, match="digits has its own weights"):
            make("digits", tmp_path / "own.pth", "cpu")


def test_a_device_that_does_not_exist_is_reported() -> None:
    with pytest.raises(ModelError, match="device 'abacus' cannot be used"):
        load("digits", None, "abacus")
