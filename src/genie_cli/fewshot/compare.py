"""Paired differences between two augmentations on the same episodes, with two confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from genie_cli.evaluate.clusters import Clustered, Observed, clustered
from genie_cli.fewshot.episodes import EpisodeList
from genie_cli.fewshot.evaluator import Outcome, truth
from genie_cli.fewshot.results import Comparison
from genie_cli.jobs import Source


def difference(pairs: Sequence[tuple[EpisodeList, Outcome, Outcome]], original_of: Originals) -> Clustered:
    """The mean difference between two augmentations, as a share of the query images, -1..1.

    Args:
        pairs: lists of episodes, each with the outcomes of both augmentations. Several are put together, as of several
            pools.
        original_of: names what an image was made from, for the place of its list; equal names are one cluster.
    """
    return clustered(
        [
            Observed(
                (first == right).astype(np.float64) - (second == right),
                [original_of(place, source) for part in episode.query for source in part],
                [original_of(place, source) for _, source in episode.labelled_support()],
            )
            for place, (listed, one, other) in enumerate(pairs)
            for episode, first, second in zip(listed.episodes, one.predicted, other.predicted, strict=True)
            for right in [truth(episode)]
        ]
    )


Originals = Callable[[int, Source], Hashable]


def comparison(
    listed: EpisodeList,
    outcomes: Mapping[str, Outcome],
    pair: tuple[str, str],
    original_of: Callable[[Source], Hashable],
    conditions: Mapping[str, str],
) -> Comparison:
    """Compare two augmentations on one list of episodes.

    Args:
        outcomes: by the augmentations' labels.
        original_of: see `Dataset.original_of`.
        conditions: data set, backbone and classifier.
    """
    first, second = pair
    found = difference([(listed, outcomes[first], outcomes[second])], lambda _, source: original_of(source))
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
        p_value=round(found.p_value, 6),
    )
