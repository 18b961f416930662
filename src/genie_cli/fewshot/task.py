"""What `genie fewshot` and `genie finegrained`, which measure in the same way, differ in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genie_cli.evaluate import paper
from genie_cli.fewshot import protocol
from genie_cli.fewshot.protocol import Protocol


@dataclass(frozen=True)
class Task:
    """A benchmark of the paper.

    Attributes:
        protocol: how often a classifier sees the real images.
        classifier: the paper's.
        backbone: the paper's, taken unless another is named; empty if a person must say which.
        paper: the paper's accuracy, by data set, backbone, ways, shots and augmentation; None where it has none.
        remark: what else the paper says of a data set; empty if nothing.
    """

    protocol: Protocol
    classifier: str
    backbone: str
    paper: Callable[[str, str, int, int, str], float | None]
    remark: Callable[[str], str] = lambda _: ""


FEWSHOT = Task(protocol.FEWSHOT, "lr", "", paper.fewshot)
FINEGRAINED = Task(
    protocol.FINEGRAINED, "svm", "vit_giant_patch14_dinov2.lvd142m", paper.finegrained, paper.remark_on_finegrained
)
