"""The classifiers are scikit-learn's; soft labels count as that many copies; only directions matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from genie_cli.backbones.features import normalised
from genie_cli.fewshot.classifiers import Classifier, one_hot

CLEAR = 0.01  # below this gap between the two best scores, rounding may decide
SEEDS = st.integers(0, 2**32 - 1)
KINDS = pytest.mark.parametrize("kind", list(Classifier))

Array = NDArray[np.floating[Any]]


def problem(seed: int, ways: int, shots: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Support features, their classes, and query features; the classes overlap."""
    rng = np.random.default_rng(seed)
    centres, numbers = rng.normal(size=(ways, 12)), rng.permutation(np.repeat(np.arange(ways), shots))
    support = centres[numbers] + rng.normal(size=(len(numbers), 12))
    query = centres[rng.integers(ways, size=60)] + rng.normal(size=(60, 12))
    return support.astype(np.float32), numbers, query.astype(np.float32)


def directly(
    kind: Classifier, support: Array, numbers: NDArray[np.int64], query: Array, c: float = 1.0
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What scikit-learn predicts, and for which rows the decision is clear."""
    support, query = normalize(support), normalize(query)
    if kind is Classifier.PROTOTYPE:
        model = NearestCentroid().fit(support, numbers)
        scores = -np.linalg.norm(query[:, None] - model.centroids_, axis=2)
    else:
        model = LogisticRegression(C=c, max_iter=1000) if kind is Classifier.LR else LinearSVC(C=c, max_iter=10_000)
        scores = model.fit(support, numbers).decision_function(query)
    scores = np.sort(np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores, axis=1)
    clear = scores[:, -1] - scores[:, -2] > CLEAR
    assert clear.mean() > 0.5
    return model.predict(query), clear


@KINDS
@pytest.mark.parametrize("ways", [2, 3, 5])
@settings(max_examples=10)
@given(seed=SEEDS)
def test_hard_labels_give_what_scikit_learn_gives(kind: Classifier, ways: int, seed: int) -> None:
    support, numbers, query = problem(seed, ways)
    expected, clear = directly(kind, support, numbers, query)
    found = kind.predict(support, one_hot(numbers, ways), query)
    assert found[clear].tolist() == expected[clear].tolist()


@KINDS
@settings(max_examples=10)
@given(seed=SEEDS)
def test_a_soft_row_is_that_many_copies_of_it(kind: Classifier, seed: int) -> None:
    """Labels in quarters: four copies of each row, each counting a quarter."""
    support, numbers, query = problem(seed, 3)
    quarters = one_hot(numbers, 3) + np.random.default_rng(seed).multinomial(3, [0.5, 0.3, 0.2], len(numbers))
    rows, classes = np.nonzero(quarters)
    copies = np.repeat(np.arange(len(rows)), quarters[rows, classes].astype(int))
    expected, clear = directly(kind, support[rows[copies]], classes[copies], query, c=0.25)
    found = kind.predict(support, quarters / 4, query)
    assert found[clear].tolist() == expected[clear].tolist()


@KINDS
@settings(max_examples=10)
@given(seed=SEEDS)
def test_the_order_of_classes_and_of_rows_does_not_matter(kind: Classifier, seed: int) -> None:
    support, numbers, query = problem(seed, 4)
    _, clear = directly(kind, support, numbers, query)
    rng = np.random.default_rng(seed)
    classes, rows = rng.permutation(4), rng.permutation(len(support))
    plain = kind.predict(support, one_hot(numbers, 4), query)
    found = kind.predict(support[rows], one_hot(numbers, 4)[rows][:, classes], query)
    assert classes[found][clear].tolist() == plain[clear].tolist()


@KINDS
@settings(max_examples=10)
@given(seed=SEEDS, ways=st.integers(2, 6), shots=st.integers(1, 3))
def test_features_that_tell_classes_apart_give_every_answer(kind: Classifier, seed: int, ways: int, shots: int) -> None:
    rng = np.random.default_rng(seed)
    numbers, asked = np.repeat(np.arange(ways), shots), rng.integers(ways, size=20)
    support, query = (
        (np.eye(ways, 8)[of] + rng.uniform(-0.1, 0.1, (len(of), 8))).astype(np.float32) for of in (numbers, asked)
    )
    # Lengths say nothing: every row gets one of its own.
    lengths = rng.uniform(0.01, 100, (20, 1)).astype(np.float32)
    assert kind.predict(support, one_hot(numbers, ways), query * lengths).tolist() == asked.tolist()


@KINDS
def test_a_class_without_rows_is_never_the_answer(kind: Classifier) -> None:
    support, numbers, query = problem(0, 2)
    labels = np.insert(one_hot(numbers, 2), 1, 0, axis=1)
    found = kind.predict(support, labels, query)
    assert found.tolist() == (2 * kind.predict(support, one_hot(numbers, 2), query)).tolist()


def test_rows_have_unit_length_and_nothing_stays_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    assert np.allclose(np.linalg.norm(normalised(rows), axis=1), 1)
    assert np.allclose(normalised(rows), normalize(rows))
    assert not normalised(np.zeros((2, 3), np.float32)).any()


def test_one_hot() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
