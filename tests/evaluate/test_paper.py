"""The paper's tables as its text has them, row by row; and which figure stands beside which result."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from genie_cli.evaluate import paper
from genie_cli.evaluate.augmentations import CONTROLS, AugmentationName, choose
from genie_cli.evaluate.paper import Measured
from genie_cli.evaluate.paper_tables import RATIOS, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6, Figure, Row
from tests.evaluate import paper_text

# A mean and half an interval, which is always below ten: 63.140.77, 65.9 1.0.
FIGURE = re.compile(r"(\d+\.\d+?) ?(\d\.\d+)?")
LOST = {
    "-Encoder": "Delta-Encoder",
    "-Norm": "tau-Norm",
    "UniSiam + dist": "UniSiam+dist",
    "Robust + dist": "Robust+dist",
}


def rows_of(text: str, columns: int) -> list[Row]:
    """The rows of a table in the paper's text; headings of columns are left out."""
    network, found = "", []
    for line in text.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")[:-1]]
        if re.fullmatch(r"ResNet-\d+|ViT-B", cells[0]):
            network = cells[0]
        elif re.search(r"\d\.\d", line.partition("|")[2]):
            words = tuple(word_of(cell) for cell in cells[:-columns])
            found.append(Row(network, words, tuple(figure_of(cell) for cell in cells[-columns:])))
    return found


def word_of(cell: str) -> str:
    """Without references, "(Ours)" and the ratio whose number is lost."""
    plain = re.sub(r" ?\[\d+\]| ?\(Ours\)| ?\(r=\)", "", cell)
    return LOST.get(plain, plain)


def figure_of(cell: str) -> Figure | None:
    if cell == "-":
        return None
    found = FIGURE.fullmatch(cell)
    assert found, cell
    return Figure(float(found[1]), float(found[2]) if found[2] else None)


@pytest.mark.parametrize(
    ("table", "text", "columns", "count"),
    [
        (TABLE_1, paper_text.TABLE_1, 2, 49),
        (TABLE_2, paper_text.TABLE_2, 2, 31),
        (TABLE_3, paper_text.TABLE_3, 4, 29),
        (TABLE_4, paper_text.TABLE_4, 4, 6),
        (TABLE_5, paper_text.TABLE_5, 5, 2),
        (TABLE_6, paper_text.TABLE_6, 6, 5),
    ],
)
def test_every_row_is_the_papers(table: tuple[Row, ...], text: str, columns: int, count: int) -> None:
    assert list(table) == rows_of(text, columns)
    assert len(table) == count


def test_how_the_paper_writes_a_figure() -> None:
    assert figure_of("63.140.77") == Figure(63.14, 0.77)
    assert figure_of("57.80.8") == Figure(57.8, 0.8)
    assert figure_of("65.9 1.0") == Figure(65.9, 1.0)
    assert figure_of("59.9") == Figure(59.9)
    assert [str(figure) for figure in (Figure(63.1, 0.77), Figure(68.47, 0.7), Figure(59.9))] == [
        "63.10 ± 0.77",
        "68.47 ± 0.7",
        "59.90",
    ]


MINI = Measured("mini", "unisiam-resnet18", ways=5, shots=1, queries=15, episodes=600, augmentation="weak", steps=None)


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({}, Figure(63.14, 0.77)),
        ({"shots": 5, "augmentation": "strong"}, Figure(81.15, 0.55)),
        ({"backbone": "unisiam-resnet34", "augmentation": "strong"}, Figure(64.48, 0.81)),
        ({"backbone": "unisiam-resnet50", "shots": 5, "augmentation": "img2img-h", "steps": 50}, Figure(85.66, 0.46)),
        ({"augmentation": "genie r=0.8", "steps": 50}, Figure(75.45, 0.62)),  # Table 6 has fewer digits
        ({"augmentation": "genie r=0.9", "steps": 50}, Figure(75.96, 0.6)),
        ({"backbone": "unisiam-resnet34", "shots": 5, "augmentation": "genie r=0.7", "steps": 50}, Figure(86.3, 0.4)),
        ({"dataset": "tiered", "episodes": 1000}, Figure(63.08, 0.7)),
        (
            {
                "dataset": "tiered",
                "episodes": 1000,
                "backbone": "unisiam-resnet50",
                "augmentation": "txt2img",
                "steps": 50,
            },
            Figure(77.06, 0.58),
        ),
        # The same protocol in all but one thing.
        ({"dataset": "tiered"}, None),
        ({"episodes": 1000}, None),
        ({"episodes": 599}, None),
        ({"queries": 16}, None),
        ({"ways": 20}, None),
        ({"shots": 10}, None),
        ({"backbone": ""}, None),
        ({"backbone": "digits"}, None),
        ({"dataset": "digits"}, None),
        ({"augmentation": "none"}, None),
        ({"augmentation": "genie-ada", "steps": 50}, None),
        ({"augmentation": "genie r=0.85", "steps": 50}, None),
        ({"augmentation": "txt2img", "steps": None}, None),
        ({"augmentation": "genie r=0.8", "steps": 20}, None),
        ({"augmentation": "genie r=0.9", "steps": 20}, None),
        ({"dataset": "tiered", "episodes": 1000, "augmentation": "genie r=0.5", "steps": 50}, None),
    ],
)
def test_few_shot_figures(changes: dict[str, Any], figure: Figure | None) -> None:
    assert paper.fewshot(replace(MINI, **changes)) == figure


@pytest.mark.parametrize("dataset", ["mini", "tiered"])
@pytest.mark.parametrize("depth", [18, 34, 50])
def test_every_augmentation_of_the_paper_goes_by_the_name_it_has_here(dataset: str, depth: int) -> None:
    labels = [augmentation.label for augmentation in choose(list(AugmentationName), [])]
    episodes = 600 if dataset == "mini" else 1000
    like = replace(MINI, dataset=dataset, backbone=f"unisiam-resnet{depth}", episodes=episodes, steps=50)
    found = {label: paper.fewshot(replace(like, augmentation=label)) for label in labels}
    assert {label for label, figure in found.items() if not figure} == {
        "none",
        "genie-ada",
        *(augmentation.label for augmentation in choose(CONTROLS, [])),
    }


BIRDS = Measured("cub", "vit_giant_patch14_dinov2.lvd142m", 20, 1, queries=0, episodes=100, augmentation="weak")


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({}, 90.34),
        ({"dataset": "cars", "augmentation": "img2img-h", "steps": 50}, 56.39),
        ({"dataset": "food", "augmentation": "img2img-l", "steps": 50}, 87.4),
        ({"dataset": "aircraft", "augmentation": "txt2img", "steps": 50}, 41.73),
        ({"augmentation": "genie r=0.8", "steps": 50}, None),  # the paper's ratio is not known
        ({"augmentation": "txt2img", "steps": 20}, None),
        ({"augmentation": "none"}, None),
        ({"augmentation": "strong"}, None),
        ({"dataset": "folder"}, None),
        ({"dataset": "digits"}, None),
        ({"backbone": ""}, None),
        ({"shots": 5}, None),
        ({"ways": 5}, None),
        ({"queries": 15}, None),
        ({"episodes": 600}, None),
    ],
)
def test_fine_grained_figures(changes: dict[str, Any], figure: float | None) -> None:
    found = paper.finegrained(replace(BIRDS, **changes))
    assert found == (None if figure is None else Figure(figure))


@pytest.mark.parametrize(
    ("augmentation", "means"),
    [
        ("none", [73.6, 56.4, 41.0, 60.9]),
        ("img2img-l", [74.26, 56.37, 34.31, 60.46]),
        ("img2img-h", [73.83, 56.35, 45.32, 61.56]),
        ("txt2img", [74.86, 55.59, 48.32, 62.18]),
        ("genie r=0.8", [74.46, 56.71, 50.85, 62.80]),
    ],
)
def test_long_tailed_figures(augmentation: str, means: list[float]) -> None:
    found = paper.longtail("imagenet-lt", "vit_base_patch16_224", augmentation, 50)
    assert found == tuple(map(Figure, means))
    assert (paper.longtail("imagenet-lt", "vit_base_patch16_224", augmentation, 20) is None) == (augmentation != "none")
    assert paper.longtail("digits", "vit_base_patch16_224", augmentation, 50) is None
    assert paper.longtail("imagenet-lt", "resnet50", augmentation, 50) is None


def test_another_ratio_is_not_in_the_long_tailed_table() -> None:
    assert paper.longtail("imagenet-lt", "vit_base_patch16_224", "genie r=0.7", 50) is None


def test_the_oracles_row_by_ratio() -> None:
    found = [paper.oracle(r) for r in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    assert found == [
        Figure(73.43, 0.51),
        Figure(85.77, 0.43),
        Figure(94.52, 0.23),
        Figure(98.21, 0.1),
        Figure(99.26, 0.06),
        None,
    ]


def test_table_5_repeats_a_column_of_table_6() -> None:
    """By this its ratios are known, which its text has lost."""
    assert [row.words for row in TABLE_6] == [(f"r={r}",) for r in RATIOS]
    assert TABLE_5[1].figures == tuple(row.figures[3] for row in TABLE_6)


def test_what_else_the_paper_reports() -> None:
    assert paper.fewshot_remark("mini", "unisiam-resnet34").endswith("65.55 ± 0.36 1-shot, 83.40 ± 0.24 5-shot")
    assert paper.fewshot_remark("tiered", "unisiam-resnet50").endswith("69.60 ± 0.38 1-shot, 86.51 ± 0.26 5-shot")
    assert paper.fewshot_remark("mini", "unisiam-resnet50") == ""  # not in Table 1
    assert paper.fewshot_remark("digits", "unisiam-resnet18") == paper.fewshot_remark("mini", "digits") == ""
    assert "92.49 and 92.52 for GeNIe" in paper.finegrained_remark("cub", BIRDS.backbone)
    assert paper.finegrained_remark("cub", "resnet18") == paper.finegrained_remark("folder", BIRDS.backbone) == ""
