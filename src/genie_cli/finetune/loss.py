"""Bal-BCE: binary cross-entropy that knows how rare each class is (Xu et al., "Learning imbalanced data with vision
transformers", CVPR 2023: LiVT), which the paper's section 4.2 trains with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def prior_logits(counts: Sequence[float]) -> Tensor:
    """log(pi) - log(1 - pi) for each class, (C,), float32; pi is its share of all images.

    Args:
        counts: images of each class, above 0, of at least two classes; soft labels count in part.
    """
    import torch

    numbers = torch.tensor(counts, dtype=torch.float64)
    pi = numbers / numbers.sum()
    return (pi.log() - (1 - pi).log()).float()


def binary_cross_entropy(logits: Tensor, targets: Tensor, bias: Tensor | None = None) -> Tensor:
    """C times the mean of binary cross-entropy over images and classes, a scalar in float32.

    Args:
        logits: (N, C).
        targets: (N, C), soft labels in 0..1.
        bias: (C,), added to the logits: `prior_logits` for Bal-BCE. In training only: at test time classes are
            equally likely, and the logits are taken as they are.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    shifted = logits.float() if bias is None else logits.float() + bias
    return logits.shape[1] * binary_cross_entropy_with_logits(shifted, targets.float())
