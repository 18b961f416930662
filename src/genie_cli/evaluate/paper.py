"""Which of the paper's figures may stand beside a result: those that were measured alike, in all that is known.

- Tables 1 (mini-ImageNet), 2 (tiered-ImageNet) and 6 (noise ratios, mini-ImageNet): UniSiam's encoders.
- Table 3 (long-tailed): ImageNet-LT, LiVT's recipe.
- Table 4 (fine-grained): DINOv2 ViT-G/14.
- Table 5 (label consistency, mini-ImageNet): DeiT-Base as the oracle.

`paper_tables` has all of their rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from genie_cli.evaluate.paper_tables import (
    RATIOS,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    Figure,
    Row,
)

STEPS = 50  # of the solver
# The paper's names of augmentations, and genie's.
_AUGMENTATIONS = {
    "Weak": "weak",
    "Heavy": "strong",
    "Strong": "strong",
    "CutMix": "cutmix",
    "MixUp": "mixup",
    "Img2ImgL": "img2img-l",
    "Img2ImgH": "img2img-h",
    "Txt2Img": "txt2img",
    "GeNIe": "genie r=0.8",
}
_WITHOUT_IMAGES = ("none", "weak", "strong", "cutmix", "mixup")


@dataclass(frozen=True)
class Measured:
    """What was measured in episodes, as far as the paper's figures depend on it.

    Attributes:
        backbone: the network's name; empty if its weights, the data or the classifier are not the paper's.
        queries: per class and episode; 0: all test images.
        augmentation: its label, such as ``genie r=0.8``.
        steps: of the solver, for the generated images; None: not known, or the images were used otherwise than in the
            paper.
    """

    dataset: str
    backbone: str
    ways: int
    shots: int
    queries: int
    episodes: int
    augmentation: str
    steps: int | None = None

    @property
    def protocol(self) -> tuple[int, int, int]:
        """Ways, queries and episodes."""
        return self.ways, self.queries, self.episodes

    @property
    def has_papers_images(self) -> bool:
        """Whether generated images, if there are any, were made in as many steps as the paper's."""
        return self.augmentation in _WITHOUT_IMAGES or self.steps == STEPS


_FEWSHOT = {"mini": (TABLE_1, (5, 15, 600)), "tiered": (TABLE_2, (5, 15, 1000))}


def fewshot(measured: Measured) -> Figure | None:
    """The paper's accuracy in Tables 1, 2 and 6, in %; None where nothing was measured alike."""
    table, protocol = _FEWSHOT.get(measured.dataset, ((), ()))
    if measured.protocol != protocol or measured.shots not in (1, 5) or not measured.has_papers_images:
        return None
    column = 0 if measured.shots == 1 else 1
    for row in table:
        method, augmentation, _ = row.words
        is_ours = method == "UniSiam" and _AUGMENTATIONS[augmentation] == measured.augmentation
        if is_ours and _unisiam(row.network) == measured.backbone:
            return row.figures[column]
    return _at_another_ratio(measured, column) if measured.dataset == "mini" else None


def _unisiam(network: str) -> str:
    """The backbone's name for a heading of Tables 1 and 2."""
    return f"unisiam-{network.lower().replace('-', '')}"


def _at_another_ratio(measured: Measured, column: int) -> Figure | None:
    """GeNIe's accuracy in Table 6, whose columns are the networks in this order, each 1- and 5-shot."""
    networks = [_unisiam(network) for network in ("ResNet-18", "ResNet-34", "ResNet-50")]
    if measured.backbone not in networks:
        return None
    for row in TABLE_6:
        if measured.augmentation == f"genie {row.words[0]}":
            return row.figures[2 * networks.index(measured.backbone) + column]
    return None


def fewshot_remark(dataset: str, backbone: str) -> str:
    """The paper's figures for the same network trained by distillation, which genie does not run; empty if none."""
    table, _ = _FEWSHOT.get(dataset, ((), ()))
    for row in table:
        if row.words[0] == "UniSiam+dist" and _unisiam(row.network) == backbone:
            one, five = row.figures
            return f"the paper also has UniSiam+dist, the encoder trained by distillation: {one} 1-shot, {five} 5-shot"
    return ""


_FINEGRAINED_BACKBONE = "vit_giant_patch14_dinov2.lvd142m"
_FINEGRAINED = ("cub", "cars", "food", "aircraft")  # Table 4's columns
_FINEGRAINED_PROTOCOL = (20, 0, 100)


def finegrained(measured: Measured) -> Figure | None:
    """The paper's accuracy in Table 4, in %; None where nothing was measured alike, or its noise ratio is not known."""
    if (measured.backbone, measured.shots, measured.protocol) != (_FINEGRAINED_BACKBONE, 1, _FINEGRAINED_PROTOCOL):
        return None
    if measured.dataset not in _FINEGRAINED or not measured.has_papers_images:
        return None
    for row in TABLE_4:
        (name,) = row.words
        if name != "GeNIe" and _AUGMENTATIONS.get(name, "weak") == measured.augmentation:
            return row.figures[_FINEGRAINED.index(measured.dataset)]
    return None


def finegrained_remark(dataset: str, backbone: str) -> str:
    """What else the paper reports for a data set with this network; empty if nothing."""
    if dataset not in _FINEGRAINED or backbone != _FINEGRAINED_BACKBONE:
        return ""
    column = _FINEGRAINED.index(dataset)
    one, other = (row.figures[column] for row in TABLE_4 if row.words == ("GeNIe",))
    said = f"the paper reports {one} and {other} for GeNIe, at two noise ratios that its text version lacks"
    if dataset == "aircraft":
        said += "; it counts 41 classes, the data set has 30 manufacturers"
    return said


def longtail(dataset: str, network: str, augmentation: str, steps: int | None) -> tuple[Figure, ...] | None:
    """The paper's accuracies in Table 3 on Many, Med, Few and all classes, in %; None where it has no such row.

    Args:
        steps: of the solver, for the generated images; None: not known.
    """
    if (dataset, network) != ("imagenet-lt", "vit_base_patch16_224"):
        return None
    if augmentation != "none" and steps != STEPS:
        return None
    for row in TABLE_3:
        if row.network == "ViT-B" and _livts(row) == augmentation:
            return tuple(figure for figure in row.figures if figure)
    return None


def _livts(row: Row) -> str:
    """Which augmentation a row of Table 3 has beside LiVT's own; empty for other methods."""
    method, _, augmentation = row.words[0].partition(" + ")
    if method != "LiVT":
        return ""
    return _AUGMENTATIONS[augmentation] if augmentation else "none"


def oracle(r: float) -> Figure | None:
    """Table 5: the share of GeNIe's images that the oracle takes for their label, in %; None for another ratio."""
    (row,) = (row for row in TABLE_5 if row.words == ("Oracle Acc",))
    return row.figures[RATIOS.index(r)] if r in RATIOS else None
