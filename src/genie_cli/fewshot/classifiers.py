"""Linear classifiers for few-shot learning, from scikit-learn, on L2-normalised features.

Labels have shape (N, C), are >= 0, and may be soft: rows sum to 1. A row with a soft label is fitted as one weighted
row per class, which for logistic regression is exactly cross-entropy with soft labels.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from genie_cli.backbones.features import normalised

Features = NDArray[np.float32]
Labels = NDArray[np.float64]


class Classifier(StrEnum):
    """The classifier that is fitted to a support set."""

    LR = "lr"  # logistic regression, C = 1, lbfgs: the paper's few-shot setting
    SVM = "svm"  # linear SVM, C = 1: the paper's fine-grained setting
    PROTOTYPE = "prototype"  # nearest class mean (Snell et al., "Prototypical networks", 2017)

    def predict(self, support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
        """Fit the support set and classify the query set.

        Args:
            support: features, shape (N, D).
            labels: shape (N, C). A class without support is never predicted.
            query: features, shape (Q, D).

        Returns:
            Class indices, shape (Q,).
        """
        return _PREDICT[self](normalised(support), labels, normalised(query))


def one_hot(numbers: NDArray[np.int64], classes: int) -> Labels:
    """Class indices, shape (N,), as labels, shape (N, classes)."""
    return np.eye(classes)[numbers]


def _logistic_regression(support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
    from sklearn.linear_model import LogisticRegression

    rows, classes = np.nonzero(labels)
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit(support[rows], classes, sample_weight=labels[rows, classes])
    return np.asarray(model.predict(query))


def _svm(support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
    from sklearn.svm import LinearSVC

    rows, classes = np.nonzero(labels)
    model = LinearSVC(C=1.0, random_state=0, max_iter=10_000)
    model.fit(support[rows], classes, sample_weight=labels[rows, classes])
    return np.asarray(model.predict(query))


def _prototype(support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
    means = labels.T @ support / np.maximum(labels.sum(axis=0)[:, None], 1e-12)
    distances = ((query[:, None] - means[None]) ** 2).sum(axis=2)
    distances[:, labels.sum(axis=0) == 0] = np.inf
    return np.asarray(distances.argmin(axis=1))


_PREDICT: dict[Classifier, Callable[[Features, Labels, Features], NDArray[np.int64]]] = {
    Classifier.LR: _logistic_regression,
    Classifier.SVM: _svm,
    Classifier.PROTOTYPE: _prototype,
}
