"""The linear classifiers of few-shot learning, on L2-normalised features; scikit-learn does the work.

Labels may be soft: (N, C), rows sum to 1. A soft row enters as one weighted row a class, which for logistic
regression is exactly cross-entropy with soft labels.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Labels = NDArray[np.float64]


class Classifier(StrEnum):
    """What is fitted to a support set."""

    LR = "lr"  # logistic regression, C = 1, lbfgs: the paper's few-shot setting
    SVM = "svm"  # linear SVM, C = 1: the paper's fine-grained setting
    PROTOTYPE = "prototype"  # nearest class mean (Snell et al., "Prototypical networks", 2017)

    def predict(self, support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
        """Class indices, (Q,), of ``query``, (Q, D), after fitting ``support``, (N, D), with ``labels``, (N, C)."""
        return _PREDICT[self](normalised(support), labels, normalised(query))


def normalised(features: Features) -> Features:
    """Rows of unit length."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def one_hot(numbers: NDArray[np.int64], classes: int) -> Labels:
    """Class indices, (N,), as labels, (N, classes)."""
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
