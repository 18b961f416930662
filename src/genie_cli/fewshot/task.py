"""The two benchmarks on episodes, which differ only in what a `Task` says: `genie fewshot` and `genie finegrained`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from genie_cli.evaluate import paper
from genie_cli.evaluate.paper import Measured
from genie_cli.evaluate.paper_tables import Figure


@dataclass(frozen=True)
class Protocol:
    """Which views of the real support images a classifier is fitted to, besides the generated images.

    With augmentation ``none`` this is each image's center crop, once, in every protocol.

    Attributes:
        center_crop: with every augmentation each image's center crop is used, once.
        crops: number of random crops of each image; 0: as many as images are generated for it, ways - 1.
        crops_beside_generated: generative augmentations use these random crops, too.
        mixed_beside_crops: so do CutMix and MixUp.
        mix_alpha: CutMix and MixUp draw the mixing ratio from Beta(alpha, alpha); None: 1 and 0.2, as in their papers.
        crop_generated: a generated image is seen in a random crop, and not in its center crop.
        flip_vertically: strong augmentation turns half of the views upside down.
    """

    center_crop: bool
    crops: int
    crops_beside_generated: bool
    mixed_beside_crops: bool = False
    mix_alpha: float | None = None
    crop_generated: bool = False
    flip_vertically: bool = False

    def crops_for(self, ways: int) -> int:
        """Number of random crops of each support image in an episode with ``ways`` classes."""
        return self.crops or ways - 1


@dataclass(frozen=True)
class Task:
    """A benchmark of the paper.

    Attributes:
        name: the command; also the benchmark's name in `data.catalog`, and its section of the settings.
        augment: the augmentations that are compared unless others are named.
        protocol: which views of the real images a classifier is fitted to.
        classifier: the paper's.
        backbone: the paper's, used unless the data set or a person names another; empty: there is no default.
        has_checkpoint: whether the paper's backbone is a file of its authors', given with ``--checkpoint``.
        paper: the paper's figure for what was measured; None if it measured nothing alike.
        remark: what else the paper reports for a data set and a backbone; empty if nothing.
    """

    name: str
    augment: tuple[str, ...]
    protocol: Protocol
    classifier: str
    backbone: str
    has_checkpoint: bool
    paper: Callable[[Measured], Figure | None]
    remark: Callable[[str, str], str]


# The authors' code: five random crops of each support image, with generated images beside them.
FEWSHOT = Task(
    name="fewshot",
    augment=("none", "weak", "strong", "cutmix", "mixup", "img2img-l", "img2img-h", "txt2img", "genie"),
    protocol=Protocol(center_crop=False, crops=5, crops_beside_generated=True),
    classifier="lr",
    backbone="",
    has_checkpoint=True,
    paper=paper.fewshot,
    remark=paper.fewshot_remark,
)

# What the authors' code does beside the paper's text.
AS_AUTHORS = replace(
    FEWSHOT.protocol, mixed_beside_crops=True, mix_alpha=0.8, crop_generated=True, flip_vertically=True
)

# Paper, section 4.3: "no additional augmentation is used for generative methods", and the weak baseline has as many
# random crops as the others have generated images. So a classifier is fitted to ways * shots rows per class with every
# augmentation but none.
FINEGRAINED = Task(
    name="finegrained",
    augment=("weak", "img2img-l", "img2img-h", "txt2img", "genie"),
    protocol=Protocol(center_crop=True, crops=0, crops_beside_generated=False),
    classifier="svm",
    backbone="vit_giant_patch14_dinov2.lvd142m",
    has_checkpoint=False,
    paper=paper.finegrained,
    remark=paper.finegrained_remark,
)
