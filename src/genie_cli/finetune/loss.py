"""Bal-BCE, the loss of the paper's section 4.2: binary cross-entropy with logits shifted by each class's prior
(Xu et al., "Learning imbalanced data with vision transformers", CVPR 2023; LiVT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def prior_logits(counts: Sequence[float]) -> Tensor:
    """The logit of each class's share pi of all images: log(pi) - log(1 - pi), (C,), float32.

    Args:
        counts: images per class, above 0, for at least two classes; soft labels count as fractions.
    """
    import torch

    numbers = torch.tensor(counts, dtype=torch.float64)
    pi = numbers / numbers.sum()
    return (pi.log() - (1 - pi).log()).float()


def binary_cross_entropy(logits: Tensor, targets: Tensor, bias: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, summed over classes and averaged over images: a scalar, float32.

    Args:
        logits: (N, C), in any precision.
        targets: (N, C), soft labels in 0..1.
        bias: (C,), added to the logits: `prior_logits` for Bal-BCE, None for plain BCE. It is used in training only:
            at test time the classes count as equally likely, and the logits are used as they are.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    shifted = logits.float() if bias is None else logits.float() + bias
    return logits.shape[1] * binary_cross_entropy_with_logits(shifted, targets.float())
