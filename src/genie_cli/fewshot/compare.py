"""Paired differences between two augmentations on the same episodes, with two confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from genie_cli.evaluate.clusters import Clustered, Observed, clustered
from genie_cli.fewshot.episodes import Episode, EpisodeList
from genie_cli.fewshot.evaluator import Outcome, truth
from genie_cli.fewshot.results import Comparison
from genie_cli.jobs import Source

Predicted = Sequence[NDArray[np.int64]]  # for each episode, the class that each query image was taken for
Originals = Callable[[Source], Hashable]  # names what an image was made from; equal names are one cluster


def accuracy(lists: Sequence[tuple[EpisodeList, Predicted]], original_of: Originals) -> Clustered:
    """The mean accuracy, 0..1.

    Args:
        lists: lists of episodes, each with predictions. Several are put together, as of several pools.
    """
    return clustered(
        [
            _observed(episode, (found == truth(episode)).astype(np.float64), original_of)
            for listed, predicted in lists
            for episode, found in zip(listed.episodes, predicted, strict=True)
        ]
    )


def difference(lists: Sequence[tuple[EpisodeList, Predicted, Predicted]], original_of: Originals) -> Clustered:
    """The mean difference between the accuracies of two augmentations, -1..1.

    Args:
        lists: lists of episodes, each with the predictions of both. Several are put together.
    """
    return clustered(
        [
            _observed(episode, (first == right).astype(np.float64) - (second == right), original_of)
            for listed, one, other in lists
            for episode, first, second in zip(listed.episodes, one, other, strict=True)
            for right in [truth(episode)]
        ]
    )


def _observed(episode: Episode, values: NDArray[np.float64], original_of: Originals) -> Observed:
    return Observed(
        values,
        [original_of(source) for part in episode.query for source in part],
        [original_of(source) for _, source in episode.labelled_support()],
    )


def comparison(
    listed: EpisodeList,
    outcomes: Mapping[str, Outcome],
    pair: tuple[str, str],
    original_of: Originals,
    conditions: Mapping[str, str],
) -> Comparison:
    """Compare two augmentations on one list of episodes.

    Args:
        outcomes: by the augmentations' labels.
        original_of: see `Dataset.original_of`.
        conditions: data set, backbone and classifier.
    """
    first, second = pair
    found = difference([(listed, outcomes[first].predicted, outcomes[second].predicted)], original_of)
    return Comparison(
        **conditions,
        ways=listed.spec.ways,
        shots=listed.spec.shots,
        episodes=len(listed.episodes),
        episode_list=listed.sha256,
        augmentation=first,
        baseline=second,
        difference=round(100 * found.mean, 4) + 0.0,
        episode_interval=round(100 * found.episodes.half_width, 4),
        clustered_interval=round(100 * found.half_width, 4),
        p_value=float(f"{found.p_value:.3g}"),
    )
