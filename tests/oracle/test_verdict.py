"""Verdicts, and the early features that tell how much of a source is left."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.digits import backbone
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.jobs import Job, Method, Source
from genie_cli.oracle.class_map import resolve
from genie_cli.oracle.judge import AcceptanceRule, Oracle
from genie_cli.oracle.manifests import read_images
from genie_cli.oracle.verdict import KEPT, SourceSimilarity, Verdict, can_measure, early_features
from genie_cli.oracle.vocabulary import Vocabulary


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


class Colours(nn.Module):
    """Early features (N, 3, H, W): the colours themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


SEEING = Backbone("colours@0", nn.Sequential(Colours(), nn.ReLU(), nn.ReLU()), Preprocess(8, 8, (0,) * 3, (1,) * 3))
HUES = {"fox": (0, 60), "owl": (120, 180, 240), "cat": (300,)}  # in degrees round gray, which is their mean


def shown(hue: int) -> Image.Image:
    angle = math.radians(hue)
    return Image.new("RGB", (8, 8), (round(128 + 100 * math.cos(angle)), round(128 + 100 * math.sin(angle)), 128))


def a_source(label: str, hue: int) -> Source:
    return Source(path=f"{label}/{hue}.png", sha256=f"{hue:064}", label=label)


SOURCES = [a_source(label, hue) for label, hues in HUES.items() for hue in hues]


@pytest.mark.parametrize(
    ("target", "source", "hue", "less_alike"),
    [
        ("cat", ("fox", 0), 0, (60, 120, 180, 240)),
        ("cat", ("fox", 0), 50, (120, 180, 240)),  # 60 is nearer than its source
        ("cat", ("fox", 0), 200, ()),
        ("owl", ("fox", 60), 60, (0, 300)),  # the owls are no sources for an owl
        ("owl", ("fox", 60), 20, (300,)),
        ("owl", ("fox", 60), 350, ()),
        ("fox", ("owl", 180), 200, (120, 240, 300)),
        ("fox", ("owl", 180), 230, (120, 300)),
    ],
)
def test_similarity_is_the_share_of_possible_sources_that_are_less_alike(
    target: str, source: tuple[str, int], hue: int, less_alike: tuple[int, ...]
) -> None:
    measured = SourceSimilarity(SEEING, lambda source: shown(int(source.sha256)), SOURCES)
    assert measured.measured
    job = Job(source=a_source(*source), target=target, prompt="", method=Method.GENIE, r=0.8, model="")
    image = SEEING.preprocess.center_crop(shown(hue))[None]
    others = [s for s in SOURCES if s.label != target and s != job.source]
    sources = [read() for read in measured.readers([job])]
    assert measured.of([job], image, sources) == [pytest.approx(len(less_alike) / len(others))]


def test_an_image_of_its_sources_own_class_is_no_hard_negative(_made: Path) -> None:  # noqa: PT019
    """However alike it is: Img2Img keeps the class that its source has."""
    images = read_images(_made / "out/manifest.jsonl")
    rows = [
        replace(row, job=row.job.model_copy(update={"method": Method.IMG2IMG, "source": source}))
        for row in images.rows
        if row.job.source
        for source in [row.job.source.model_copy(update={"label": row.job.target})]
    ]
    judged = Oracle(
        backbone("oracle"), resolve(CLASSES, Vocabulary(CLASSES)), replace(images, rows=tuple(rows)), AcceptanceRule()
    ).annotate()
    verdicts = Counter(row.judgement.verdict for row in judged if row.judgement)
    assert verdicts["correctly labelled"] > 0
    assert set(verdicts) <= {"correctly labelled", "mislabelled"}
