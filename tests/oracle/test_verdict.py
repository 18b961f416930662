"""Verdicts, and the early features that tell how much of a source is left."""

from __future__ import annotations

import pytest
import timm
import torch
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.oracle.verdict import KEPT, Verdict, can_measure, early_features


@pytest.mark.parametrize(
    ("consistent", "left", "verdict"),
    [
        (True, 1.0, "hard negative"),
        (True, KEPT, "hard negative"),
        (True, 0.5, "easy (source lost)"),
        (True, None, "correctly labelled"),
        (False, 1.0, "mislabelled"),
        (False, None, "mislabelled"),
    ],
)
def test_the_verdicts(consistent: bool, left: float | None, verdict: str) -> None:
    assert Verdict.of(consistent, left).value == verdict


@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mobilenetv3_small_050", "convnext_atto"])
def test_timms_models_show_early_features_that_know_a_picture_again(name: str) -> None:
    torch.manual_seed(0)
    preprocess = Preprocess(resize=224, size=224)
    network = timm.create_model(name, pretrained=False).eval()
    pictures = [Image.fromarray(DigitsInTheWild("test")[i].image) for i in range(4)]
    seen = Backbone("random@0", network, preprocess)
    assert can_measure(seen)
    features = early_features(seen, torch.stack([preprocess.center_crop(picture) for picture in pictures]))
    assert features.shape[0] == 4
    assert features.shape[1] % 16 == 0
    soft = [picture.resize((16, 16)).resize((32, 32)) for picture in pictures]
    blurred = early_features(seen, torch.stack([preprocess.center_crop(picture) for picture in soft]))
    mean = features.mean(axis=0)
    likeness = (blurred - mean) @ (features - mean).T
    assert likeness.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_network_that_shows_nothing_inside() -> None:
    class Closed(nn.Module):
        pass

    assert not can_measure(Backbone("closed@0", Closed(), Preprocess(32, 32)))
