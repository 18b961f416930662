"""The exact rows and labels that a classifier is fitted to, with every augmentation and every protocol.

Images say in their colours which they are (`tests.fewshot.colours`). What is expected is written down here from the
descriptions of the augmentations and protocols, not taken from the code.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from genie_cli.data.dataset import Crops
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.task import FEWSHOT, FINEGRAINED
from tests.fewshot.colours import Fitted, Seen, seen
from tests.fewshot.numbered import (
    ADDED,
    BASIS,
    EACH,
    EPISODES,
    PROTOCOLS,
    SHOTS,
    WAYS,
    World,
    named,
    one,
    one_prompt,
    world,
)

__all__ = ["world"]  # a fixture


@EACH
def test_none_is_every_image_once_and_whole(world: World, protocol: str) -> None:
    found = world.counted(named("none"), PROTOCOLS[protocol])
    assert found == [world.real(episode, whole=1, crops=0) for episode in world.episodes]


@EACH
def test_weak_is_every_image_in_different_crops(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][0]
    found = world.counted(named("weak"), PROTOCOLS[protocol])
    assert found == [world.real(episode, whole=whole, crops=crops) for episode in world.episodes]
    for rows, _ in world.fitted(named("weak"), PROTOCOLS[protocol])[0]:
        assert len({row.tobytes() for row in rows}) == len(rows)


@EACH
def test_strong_is_as_many_crops_of_which_most_have_other_colours(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][0]
    for found, episode in zip(world.counted(named("strong"), PROTOCOLS[protocol]), world.episodes, strict=True):
        assert Counter(label for _, label in found.elements()) == dict.fromkeys(range(WAYS), SHOTS * (whole + crops))
        images = {place for part in episode.support for place in world.numbers(part)}
        recognized = [row for row, _ in found.elements() if row.number in images and row.onto is None]
        assert len([row for row in recognized if row.view == "whole"]) == SHOTS * WAYS * whole
        assert len([row for row in recognized if row.view != "whole"]) < 0.5 * SHOTS * WAYS * crops


@pytest.mark.parametrize(("protocol", "flip", "some"), [
    ("few-shot", True, False), ("fine-grained", True, False), ("as authors", True, True), ("as authors", False, False),
])  # fmt: skip
def test_only_strong_as_authors_turns_photographs_upside_down(
    world: World, protocol: str, flip: bool, some: bool
) -> None:
    def turned(name: str) -> float:
        found = world.counted(named(name), PROTOCOLS[protocol], crops=Crops(0.5, flip=flip))
        return float(np.mean([row.view == "upside down" for own in found for row, _ in own.elements()]))

    assert turned("weak") == 0
    low, high = (0.3, 0.7) if some else (0, 0.1)  # a change of hue can turn the blue round
    assert low <= turned("strong") < high


def mixtures(world: World, name: str, protocol: str) -> list[tuple[Episode, Fitted]]:
    """The rows of mixed images, after taking away those of the images themselves."""
    whole, crops = {"few-shot": (0, 0), "fine-grained": (1, 0), "as authors": (0, 5)}[protocol]
    found = []
    for episode, (rows, labels) in zip(world.episodes, world.fitted(named(name), PROTOCOLS[protocol])[0], strict=True):
        passes = FINEGRAINED.protocol.crops_for(WAYS) if protocol == "fine-grained" else 5
        mixed = passes * WAYS * SHOTS
        plain = zip(rows[mixed:], labels[mixed:], strict=True)
        counted = Counter((seen(row), int(label.argmax())) for row, label in plain)
        assert counted == world.real(episode, whole=whole, crops=crops)
        found.append((episode, (rows[:mixed], labels[:mixed])))
    return found


@EACH
@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_a_mixture_is_labelled_with_the_shares_of_what_is_in_it(world: World, name: str, protocol: str) -> None:
    """Red is the mean of the images' numbers by their shares, so that labels and colours say the same."""
    soft = 0
    for episode, (rows, labels) in mixtures(world, name, protocol):
        assert np.allclose(labels.sum(axis=1), 1, atol=1e-6)
        numbers = [world.numbers(part) for part in episode.support]
        for row, label in zip(rows, labels, strict=True):
            classes = int((label > 1e-6).sum())
            assert 1 <= classes <= 2
            soft += classes == 2
            reds = possible(numbers, label)
            assert min(abs(255 * float(row[0]) - red) for red in reds) < 0.7
        for start in range(0, len(rows), WAYS * SHOTS):  # a pass: every image is in two mixtures, and in all once
            own = slice(start, start + WAYS * SHOTS)
            assert labels[own].sum(axis=0) == pytest.approx(np.full(WAYS, SHOTS), abs=1e-5)
            everything = sum(number for part in numbers for number in part)
            assert 255 * rows[own, 0].astype(float).sum() == pytest.approx(everything, abs=0.6 * WAYS * SHOTS)
    assert soft > 0.5 * EPISODES * WAYS * SHOTS


def possible(numbers: list[list[int]], label: NDArray[np.float64]) -> list[float]:
    """What red can be in a mixture with this label, to the half."""
    (classes,) = np.nonzero(label > 1e-6)
    if len(classes) == 2:
        first, second = classes
        return [label[first] * a + label[second] * b for a in numbers[first] for b in numbers[second]]
    own = numbers[classes[0]]
    return list(np.arange(min(own), max(own) + 0.5, 0.5))


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_as_authors_mixes_by_another_distribution(world: World, name: str) -> None:
    usual, authors = (mixtures(world, name, protocol) for protocol in ("few-shot", "as authors"))
    for (_, (_, one_labels)), (_, (_, other_labels)) in zip(usual, authors, strict=True):
        assert one_labels.shape == other_labels.shape
        assert not np.allclose(one_labels, other_labels, atol=1e-3)


@EACH
def test_repeat_adds_the_images_themselves(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][1]
    assert world.counted(named("repeat"), PROTOCOLS[protocol]) == [
        world.real(episode, whole=whole + ADDED // SHOTS, crops=crops) for episode in world.episodes
    ]


@EACH
def test_paste_puts_each_image_before_the_others_in_turn(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][1]
    for found, episode in zip(world.counted(named("paste"), PROTOCOLS[protocol]), world.episodes, strict=True):
        expected = world.real(episode, whole=whole, crops=crops)
        for label, part in enumerate(episode.support):
            own = world.numbers(part)
            expected += one(own[0], own[1], own[0], own[1], label=label, onto=world.of_others(episode, label))
        assert found == expected


def test_queries_are_seen_whole_and_once(world: World) -> None:
    _, asked, outcome = world.fitted(named("strong"))
    for episode, rows, accuracy in zip(world.episodes, asked, outcome.accuracies, strict=True):
        numbers = [number for part in episode.query for number in world.numbers(part)]
        assert [seen(row) for row in rows] == [Seen(number, None, "whole") for number in numbers]
        assert accuracy == pytest.approx(1 / WAYS)  # the recorder always says class 0


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        *((name, (1, 3, 7)) for name in ("genie", "img2img", "txt2img", "txt2img-paste", "genie-ada")),
        *((name, (1, 90)) for name in ("repeat", "paste")),
    ],
)
def test_another_number_of_images_is_added(world: World, name: str, numbers: tuple[int, ...]) -> None:
    for added in numbers:
        for _, labels in world.fitted(named(name), needs=EpisodeJobs(one_prompt, "", added=added))[0]:
            assert labels.sum(axis=0).tolist() == [5 * SHOTS + added] * WAYS


@pytest.mark.parametrize("name", ["repeat", "paste"])
def test_fewer_rows_are_among_those_of_more(world: World, name: str) -> None:
    """So that a curve over their number adds rows, and does not exchange them."""
    two, four, seven = (
        world.counted(named(name), FEWSHOT.protocol, needs=EpisodeJobs(one_prompt, "", added=added))
        for added in (2, 4, 7)
    )
    assert all(not less - more for less, more in (*zip(two, four, strict=True), *zip(four, seven, strict=True)))
