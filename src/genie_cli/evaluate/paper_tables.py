"""All rows of the paper's Tables 1 to 6, in its order. Figures are in %, those after ± half of a 95 % interval.

References and "(Ours)" are left out. Letters that the paper's text version has lost are in words: Delta-Encoder,
tau-Norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure of the paper, in %.

    Attributes:
        half_width: half the width of the 95 % confidence interval; None if the paper gives none.
    """

    mean: float
    half_width: float | None = None

    @classmethod
    def parse(cls, text: str) -> Figure | None:
        """A figure such as ``63.14 ± 0.77`` or ``59.9``; None for ``-``."""
        mean, _, half_width = text.partition(" ± ")
        return None if mean == "-" else cls(float(mean), float(half_width) if half_width else None)

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.half_width is None else f"{self.mean:.2f} ± {self.half_width:g}"


@dataclass(frozen=True)
class Row:
    """One method with one network.

    Attributes:
        network: the heading that the row stands under, such as ``ResNet-18``; empty if there is none.
        words: what the row says before its figures: the method, and in Tables 1 and 2 augmentation and pretraining.
        figures: in the order of the table's columns; None where the paper has none.
    """

    network: str
    words: tuple[str, ...]
    figures: tuple[Figure | None, ...]


def _rows(table: str, columns: int) -> Iterator[Row]:
    """The rows of a table as it is written below, with so many columns of figures."""
    network = ""
    for line in table.strip().splitlines():
        cells = line.split(" | ")
        if len(cells) == 1:
            network = line
        else:
            yield Row(network, tuple(cells[:-columns]), tuple(map(Figure.parse, cells[-columns:])))


# Few-shot, mini-ImageNet, 5-way: 1-shot, 5-shot. Some tables call strong augmentation "Heavy".
TABLE_1 = tuple(
    _rows(
        """
ResNet-18
Delta-Encoder | - | sup. | 59.9 | 69.7
SNCA | - | sup. | 57.8 ± 0.8 | 72.8 ± 0.7
iDeMe-Net | - | sup. | 59.14 ± 0.86 | 74.63 ± 0.74
Robust+dist | - | sup. | 63.73 ± 0.62 | 81.19 ± 0.43
AFHN | - | sup. | 62.38 ± 0.72 | 78.16 ± 0.56
ProtoNet+SSL | Weak | sup.+ssl | - | 76.6
Neg-Cosine | Weak | sup. | 62.33 ± 0.82 | 80.94 ± 0.59
Centroid Align | - | sup. | 59.88 ± 0.67 | 80.35 ± 0.73
Baseline | - | sup. | 59.55 ± 0.75 | 77.31 ± 0.59
Baseline++ | - | sup. | 58.95 ± 0.77 | 76.65 ± 0.61
PSST | Weak | sup.+ssl | 59.52 ± 0.46 | 77.43 ± 0.46
UMTRA | Weak | unsup. | 43.09 ± 0.35 | 53.42 ± 0.31
ProtoCLR | Weak | unsup. | 50.90 ± 0.36 | 71.59 ± 0.29
SimCLR | Weak | unsup. | 62.58 ± 0.37 | 79.66 ± 0.27
SimSiam | Weak | unsup. | 62.80 ± 0.37 | 79.85 ± 0.27
UniSiam+dist | Weak | unsup. | 64.10 ± 0.36 | 82.26 ± 0.25
UniSiam | Weak | unsup. | 63.14 ± 0.77 | 81.40 ± 0.53
UniSiam | Heavy | unsup. | 62.80 ± 0.77 | 81.15 ± 0.55
UniSiam | CutMix | unsup. | 62.67 ± 0.79 | 80.63 ± 0.55
UniSiam | MixUp | unsup. | 62.14 ± 0.78 | 80.74 ± 0.55
UniSiam | Img2ImgL | unsup. | 63.86 ± 0.77 | 82.05 ± 0.53
UniSiam | Img2ImgH | unsup. | 69.06 ± 0.73 | 83.89 ± 0.48
UniSiam | Txt2Img | unsup. | 74.14 ± 0.63 | 84.62 ± 0.47
UniSiam | GeNIe | unsup. | 75.45 ± 0.62 | 85.38 ± 0.44
ResNet-34
MatchingNet | - | sup. | 53.20 ± 0.78 | 68.32 ± 0.66
ProtoNet | - | sup. | 53.90 ± 0.83 | 74.65 ± 0.64
MAML | - | sup. | 51.46 ± 0.90 | 65.90 ± 0.79
RelationNet | - | sup. | 51.74 ± 0.83 | 69.61 ± 0.67
Baseline | - | sup. | 49.82 ± 0.73 | 73.45 ± 0.65
Baseline++ | - | sup. | 52.65 ± 0.83 | 76.16 ± 0.63
SimCLR | Weak | unsup. | 63.98 ± 0.37 | 79.80 ± 0.28
SimSiam | Weak | unsup. | 63.77 ± 0.38 | 80.44 ± 0.28
UniSiam+dist | Weak | unsup. | 65.55 ± 0.36 | 83.40 ± 0.24
UniSiam | Weak | unsup. | 64.26 ± 0.79 | 82.33 ± 0.53
UniSiam | Strong | unsup. | 64.48 ± 0.81 | 82.13 ± 0.55
UniSiam | CutMix | unsup. | 63.99 ± 0.80 | 81.69 ± 0.56
UniSiam | MixUp | unsup. | 63.65 ± 0.78 | 80.12 ± 0.78
UniSiam | Img2ImgL | unsup. | 65.52 ± 0.79 | 82.92 ± 0.51
UniSiam | Img2ImgH | unsup. | 70.46 ± 0.75 | 84.79 ± 0.47
UniSiam | Txt2Img | unsup. | 75.36 ± 0.61 | 85.45 ± 0.45
UniSiam | GeNIe | unsup. | 77.08 ± 0.60 | 86.28 ± 0.42
ResNet-50
UniSiam | Weak | unsup. | 64.55 ± 0.79 | 83.39 ± 0.51
UniSiam | Strong | unsup. | 64.76 ± 0.79 | 83.24 ± 0.51
UniSiam | CutMix | unsup. | 64.25 ± 0.80 | 83.24 ± 0.45
UniSiam | MixUp | unsup. | 63.75 ± 0.80 | 84.55 ± 0.51
UniSiam | Img2ImgL | unsup. | 66.00 ± 0.78 | 84.01 ± 0.49
UniSiam | Img2ImgH | unsup. | 71.14 ± 0.73 | 85.66 ± 0.46
UniSiam | Txt2Img | unsup. | 76.44 ± 0.61 | 86.50 ± 0.42
UniSiam | GeNIe | unsup. | 77.28 ± 0.60 | 87.22 ± 0.40
""",
        columns=2,
    )
)

# The same, tiered-ImageNet.
TABLE_2 = tuple(
    _rows(
        """
ResNet-18
Transd-CNAPS | - | sup. | 65.9 ± 1.0 | 81.8 ± 0.7
FEAT | - | sup. | 70.80 | 84.79
SimCLR | Weak | unsup. | 63.38 ± 0.42 | 79.17 ± 0.34
SimSiam | Weak | unsup. | 64.05 ± 0.40 | 81.40 ± 0.30
UniSiam+dist | Weak | unsup. | 67.01 ± 0.39 | 84.47 ± 0.28
UniSiam | Weak | unsup. | 63.08 ± 0.70 | 81.04 ± 0.51
UniSiam | Heavy | unsup. | 62.84 ± 0.71 | 80.94 ± 0.51
UniSiam | CutMix | unsup. | 62.11 ± 0.71 | 78.90 ± 0.55
UniSiam | MixUp | unsup. | 62.10 ± 0.70 | 78.35 ± 0.55
UniSiam | Img2ImgL | unsup. | 63.89 ± 0.69 | 81.76 ± 0.49
UniSiam | Img2ImgH | unsup. | 68.68 ± 0.66 | 83.45 ± 0.46
UniSiam | Txt2Img | unsup. | 72.91 ± 0.61 | 84.15 ± 0.45
UniSiam | GeNIe | unsup. | 73.62 ± 0.62 | 85.00 ± 0.43
ResNet-34
UniSiam+dist | Weak | unsup. | 68.65 ± 0.39 | 85.70 ± 0.27
UniSiam | Weak | unsup. | 65.02 ± 0.71 | 82.51 ± 0.50
UniSiam | Heavy | unsup. | 64.81 ± 0.72 | 82.42 ± 0.51
UniSiam | CutMix | unsup. | 63.77 ± 0.72 | 80.34 ± 0.55
UniSiam | MixUp | unsup. | 64.12 ± 0.73 | 80.03 ± 0.55
UniSiam | Img2ImgL | unsup. | 66.12 ± 0.70 | 83.11 ± 0.49
UniSiam | Img2ImgH | unsup. | 70.38 ± 0.66 | 84.74 ± 0.45
UniSiam | Txt2Img | unsup. | 74.99 ± 0.61 | 85.35 ± 0.44
UniSiam | GeNIe | unsup. | 75.74 ± 0.62 | 86.02 ± 0.43
ResNet-50
UniSiam+dist | Weak | unsup. | 69.60 ± 0.38 | 86.51 ± 0.26
UniSiam | Weak | unsup. | 66.75 ± 0.70 | 84.72 ± 0.47
UniSiam | Heavy | unsup. | 66.46 ± 0.71 | 84.52 ± 0.48
UniSiam | CutMix | unsup. | 65.99 ± 0.71 | 83.29 ± 0.50
UniSiam | MixUp | unsup. | 66.12 ± 0.45 | 84.05 ± 0.78
UniSiam | Img2ImgL | unsup. | 67.76 ± 0.69 | 85.28 ± 0.46
UniSiam | Img2ImgH | unsup. | 72.38 ± 0.65 | 86.65 ± 0.42
UniSiam | Txt2Img | unsup. | 77.06 ± 0.58 | 87.25 ± 0.41
UniSiam | GeNIe | unsup. | 78.01 ± 0.58 | 88.00 ± 0.39
""",
        columns=2,
    )
)

# Long-tailed, ImageNet-LT: Many, Med, Few, all classes. The text version does not say what the star means.
TABLE_3 = tuple(
    _rows(
        """
ResNet-50
CE | 64.0 | 33.8 | 5.8 | 41.6
LDAM | 60.4 | 46.9 | 30.7 | 49.8
c-RT | 61.8 | 46.2 | 27.3 | 49.6
tau-Norm | 59.1 | 46.9 | 30.7 | 49.4
Causal | 62.7 | 48.8 | 31.6 | 51.8
Logit Adj. | 61.1 | 47.5 | 27.6 | 50.1
RIDE(4E) | 68.3 | 53.5 | 35.9 | 56.8
MiSLAS | 62.9 | 50.7 | 34.3 | 52.7
DisAlign | 61.3 | 52.2 | 31.4 | 52.9
ACE | 71.7 | 54.6 | 23.5 | 56.6
PaCo | 68.0 | 56.4 | 37.2 | 58.2
TADE | 66.5 | 57.0 | 43.5 | 58.8
TSC | 63.5 | 49.7 | 30.4 | 52.4
GCL | 63.0 | 52.7 | 37.1 | 54.5
TLC | 68.9 | 55.7 | 40.8 | 55.1
BCL | 67.6 | 54.6 | 36.6 | 57.2
NCL | 67.3 | 55.4 | 39.0 | 57.7
SAFA | 63.8 | 49.9 | 33.4 | 53.1
DOC | 65.1 | 52.8 | 34.2 | 55.0
DLSA | 67.8 | 54.5 | 38.8 | 57.5
ViT-B
LiVT* | 76.4 | 59.7 | 42.7 | 63.8
ViT | 50.5 | 23.5 | 6.9 | 31.6
MAE | 74.7 | 48.2 | 19.4 | 54.5
DeiT | 70.4 | 40.9 | 12.8 | 48.4
LiVT | 73.6 | 56.4 | 41.0 | 60.9
LiVT + Img2ImgL | 74.26 | 56.37 | 34.31 | 60.46
LiVT + Img2ImgH | 73.83 | 56.35 | 45.32 | 61.56
LiVT + Txt2Img | 74.86 | 55.59 | 48.32 | 62.18
LiVT + GeNIe | 74.46 | 56.71 | 50.85 | 62.80
""",
        columns=4,
    )
)

# Fine-grained, 20-way 1-shot, DINOv2 ViT-G/14: CUB-200-2011, Stanford Cars, Food-101, FGVC-Aircraft. "Baseline" is weak
# augmentation. The text version lacks the noise ratios of GeNIe's two rows.
TABLE_4 = tuple(
    _rows(
        """
Baseline | 90.34 | 49.77 | 82.92 | 29.19
Img2ImgL | 90.73 | 50.38 | 87.4 | 30.99
Img2ImgH | 91.31 | 56.39 | 91.7 | 34.73
Txt2Img | 92.01 | 81.29 | 92.95 | 41.73
GeNIe | 92.49 | 87.74 | 93.06 | 46.49
GeNIe | 92.52 | 87.92 | 92.88 | 47.01
""",
        columns=4,
    )
)

# GeNIe on mini-ImageNet, at these noise ratios in this order. The text version lacks them here, but not in Table 6,
# which has the same 5-shot accuracies for ResNet-34.
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)
TABLE_5 = tuple(
    _rows(
        """
Oracle Acc | 73.43 ± 0.51 | 85.77 ± 0.43 | 94.52 ± 0.23 | 98.21 ± 0.10 | 99.26 ± 0.06
5-shot Acc | 84.66 ± 0.5 | 85.48 ± 0.4 | 86.30 ± 0.4 | 86.28 ± 0.4 | 86.17 ± 0.4
""",
        columns=5,
    )
)

# 1- and 5-shot with ResNet-18, then with ResNet-34 and with ResNet-50.
TABLE_6 = tuple(
    _rows(
        """
r=0.5 | 68.47 ± 0.7 | 83.66 ± 0.5 | 70.21 ± 0.7 | 84.66 ± 0.5 | 70.55 ± 0.7 | 85.71 ± 0.4
r=0.6 | 71.59 ± 0.6 | 84.69 ± 0.5 | 73.17 ± 0.7 | 85.48 ± 0.4 | 73.65 ± 0.7 | 86.62 ± 0.4
r=0.7 | 73.96 ± 0.6 | 85.45 ± 0.4 | 75.79 ± 0.6 | 86.30 ± 0.4 | 76.04 ± 0.6 | 87.18 ± 0.4
r=0.8 | 75.45 ± 0.6 | 85.38 ± 0.4 | 77.08 ± 0.6 | 86.28 ± 0.4 | 77.28 ± 0.6 | 87.22 ± 0.4
r=0.9 | 75.96 ± 0.6 | 85.29 ± 0.4 | 77.63 ± 0.6 | 86.17 ± 0.4 | 78.03 ± 0.6 | 87.10 ± 0.4
""",
        columns=6,
    )
)
