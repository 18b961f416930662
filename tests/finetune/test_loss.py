"""Bal-BCE: computed by hand, in its limit case, and its effect."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from genie_cli.finetune.loss import binary_cross_entropy, prior_logits


def test_a_case_computed_by_hand() -> None:
    # Two classes of 3 and 1 images: pi = .75, .25, so log(pi) - log(1 - pi) is log 3 and -log 3.
    bias = prior_logits([3, 1])
    torch.testing.assert_close(bias, torch.tensor([math.log(3), -math.log(3)]))
    # Logits 0: the shifted ones are +-log 3, their sigmoids .75 and .25. The image is of the second class, so the loss
    # is the mean of -log(1 - .75) and -log(.25), both log 4, times two classes.
    loss = binary_cross_entropy(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), bias)
    assert float(loss) == pytest.approx(2 * math.log(4), rel=1e-6)


@given(st.integers(2, 20), st.integers(1, 1000), st.integers(0, 100))
def test_equal_priors_give_plain_bce_of_logits_shifted_by_a_constant(classes: int, count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, targets = torch.randn(5, classes, generator=generator), torch.rand(5, classes, generator=generator)
    shift = math.log(1 / classes) - math.log(1 - 1 / classes)
    balanced = binary_cross_entropy(logits, targets, prior_logits([count] * classes))
    torch.testing.assert_close(balanced, binary_cross_entropy(logits + shift, targets))


def test_without_a_prior_it_is_torchs_times_the_number_of_classes() -> None:
    logits, targets = torch.randn(4, 7), torch.rand(4, 7)
    expected = 7 * binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(binary_cross_entropy(logits, targets), expected)


@given(st.lists(st.integers(1, 500), min_size=2, max_size=30))
def test_the_more_images_a_class_has_the_more_its_logit_is_raised(counts: list[int]) -> None:
    raised = prior_logits(counts).tolist()
    assert [raised[i] for i in sorted(range(len(counts)), key=counts.__getitem__)] == sorted(raised)


def test_half_precision_is_summed_in_float32() -> None:
    logits = torch.full((64, 1000), -4.0, dtype=torch.float16)
    loss = binary_cross_entropy(logits, torch.zeros(64, 1000))
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(1000 * math.log1p(math.exp(-4)), rel=1e-4)
