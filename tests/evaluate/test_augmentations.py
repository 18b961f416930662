"""The augmentations by name: their methods and noise ratios are the paper's, and every one has a label of its own."""

from __future__ import annotations

import pytest

from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.jobs import ADA_RATIOS, Method

PLAIN = (
    AugmentationName.NONE,
    AugmentationName.WEAK,
    AugmentationName.STRONG,
    AugmentationName.CUTMIX,
    AugmentationName.MIXUP,
    AugmentationName.REPEAT,
    AugmentationName.PASTE,
)


@pytest.mark.parametrize(
    ("name", "method", "ratios"),
    [
        (AugmentationName.IMG2IMG_L, Method.IMG2IMG, (0.3,)),
        (AugmentationName.IMG2IMG_H, Method.IMG2IMG, (0.7,)),
        (AugmentationName.IMG2IMG, Method.IMG2IMG, (0.8,)),
        (AugmentationName.TXT2IMG, Method.TXT2IMG, (1.0,)),
        (AugmentationName.GENIE, Method.GENIE, (0.8,)),
        (AugmentationName.GENIE_ADA, Method.GENIE, (0.5, 0.6, 0.7, 0.8, 0.9)),
    ],
)
def test_methods_and_ratios_are_the_papers(name: AugmentationName, method: Method, ratios: tuple[float, ...]) -> None:
    (augmentation,) = choose([name], [])
    assert (augmentation.method, augmentation.ratios) == (method, ratios)


def test_the_order_is_that_of_the_names_and_nothing_comes_twice() -> None:
    names = [
        AugmentationName.GENIE,
        AugmentationName.WEAK,
        AugmentationName.GENIE,
        AugmentationName.TXT2IMG,
        AugmentationName.WEAK,
    ]
    chosen = choose(names, [0.8, 0.5, 0.8])
    assert [augmentation.label for augmentation in chosen] == ["genie r=0.5", "genie r=0.8", "weak", "txt2img"]


def test_ratios_are_those_of_genie_and_of_its_control_alone() -> None:
    names = [AugmentationName.IMG2IMG_H, AugmentationName.GENIE_ADA, AugmentationName.GENIE, AugmentationName.IMG2IMG]
    assert choose(names, [0.25]) == [
        Augmentation(AugmentationName.IMG2IMG_H, (0.7,)),
        Augmentation(AugmentationName.GENIE_ADA, ADA_RATIOS),
        Augmentation(AugmentationName.GENIE, (0.25,)),
        Augmentation(AugmentationName.IMG2IMG, (0.25,)),
    ]


def test_the_others_make_no_images() -> None:
    assert choose(PLAIN, [0.5]) == [Augmentation(name) for name in PLAIN]
    assert not any(augmentation.generates for augmentation in choose(PLAIN, []))
    generative = [augmentation for augmentation in choose(list(AugmentationName), []) if augmentation.generates]
    assert len(generative) + len(PLAIN) == len(AugmentationName)


def test_every_one_has_a_label_of_its_own() -> None:
    labels = [augmentation.label for augmentation in choose(list(AugmentationName), [0.5, 0.55, 1])]
    assert len(set(labels)) == len(labels)
    assert {"genie r=0.5", "genie r=0.55", "genie r=1", "img2img r=0.55", "genie-ada", "img2img-l"} <= set(labels)
