"""Each augmentation asks for the images of the paper: from which sources, how many, at which noise ratio."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.jobs import Job, Method, Source

NEEDS = EpisodeJobs(lambda label: (f"A photo of a {label}",), "tiny@1", seed=7)
GENERATIVE = [augmentation for augmentation in choose(list(AugmentationName), []) if augmentation.generates]
EACH = pytest.mark.parametrize("augmentation", GENERATIVE, ids=str)


def an_episode(ways: int, shots: int, number: int = 0) -> Episode:
    def image(label: str, place: int) -> Source:
        digest = hashlib.sha256(f"{label} {place}".encode()).hexdigest()
        return Source(path=f"{label}/{place}.png", sha256=digest, label=label)

    classes = tuple(f"class {place}" for place in range(ways))
    support = tuple(tuple(image(label, place) for place in range(shots)) for label in classes)
    query = tuple((image(label, shots),) for label in classes)
    return Episode(number, classes, support, query)


EPISODES = st.builds(an_episode, st.integers(2, 6), st.integers(1, 6), st.integers(0, 1000))


def everything(episode: Episode, augmentation: Augmentation) -> list[Job]:
    return [job for jobs in NEEDS.jobs(episode, augmentation) for job in jobs]


@EACH
@given(episode=EPISODES)
def test_each_class_gets_as_many_families_as_genie_has_sources(augmentation: Augmentation, episode: Episode) -> None:
    by_class = NEEDS.jobs(episode, augmentation)
    assert len(by_class) == len(episode.classes)
    for target, jobs in zip(episode.classes, by_class, strict=True):
        families = (len(episode.classes) - 1) * len(episode.support[0])
        assert len({job.id for job in jobs}) == len(jobs) == families * len(augmentation.ratios)
        assert {job.target for job in jobs} == {target}


@EACH
@given(episode=EPISODES)
def test_the_engine_takes_every_job(augmentation: Augmentation, episode: Episode) -> None:
    for job in everything(episode, augmentation):
        assert (job.source is not None) == job.method.uses_source
        assert job.source is None or job.method.accepts(job.source.label, job.target)
        assert (job.prompt, job.model, job.seed) == (f"A photo of a {job.target}", "tiny@1", 7)


@EACH
def test_the_same_episode_asks_for_the_same_images(augmentation: Augmentation) -> None:
    assert everything(an_episode(3, 2), augmentation) == everything(an_episode(3, 2), augmentation)


@given(EPISODES)
def test_genie_takes_every_support_image_of_every_other_class(episode: Episode) -> None:
    for own, jobs in enumerate(NEEDS.jobs(episode, Augmentation(AugmentationName.GENIE, (0.8,)))):
        others = [s for place, part in enumerate(episode.support) if place != own for s in part]
        assert Counter(job.source for job in jobs) == Counter(others)
        assert {job.replicate for job in jobs} == {0}


@given(EPISODES)
def test_img2img_takes_every_support_image_of_its_own_class_as_often(episode: Episode) -> None:
    ways = len(episode.classes)
    for own, jobs in zip(
        episode.support, NEEDS.jobs(episode, Augmentation(AugmentationName.IMG2IMG_L, (0.3,))), strict=True
    ):
        assert {(job.source, job.replicate) for job in jobs} == {(s, turn) for s in own for turn in range(ways - 1)}


@given(EPISODES)
def test_txt2img_takes_no_source_and_draws_from_a_pool(episode: Episode) -> None:
    for jobs in NEEDS.jobs(episode, Augmentation(AugmentationName.TXT2IMG, (1.0,))):
        assert {job.source for job in jobs} == {None}
        assert max(job.replicate for job in jobs) < max(80, len(jobs))


def test_episodes_share_txt2imgs_pool_and_draw_differently_from_it() -> None:
    drawn = [
        everything(an_episode(5, 5, number), Augmentation(AugmentationName.TXT2IMG, (1.0,))) for number in range(30)
    ]
    assert Counter(job.target for job in {job.id: job for jobs in drawn for job in jobs}.values()) == dict.fromkeys(
        an_episode(5, 5).classes, 80
    )
    assert len({tuple(job.id for job in jobs) for jobs in drawn}) == 30


@given(EPISODES)
def test_genie_ada_asks_for_families_of_rising_ratio(episode: Episode) -> None:
    (ada,) = choose([AugmentationName.GENIE_ADA], [])
    for jobs in NEEDS.jobs(episode, ada):
        families = [jobs[start : start + 5] for start in range(0, len(jobs), 5)]
        for family in families:
            assert len({(job.source, job.replicate) for job in family}) == 1
            assert [job.r for job in family] == [0.5, 0.6, 0.7, 0.8, 0.9]
        assert len({family[0].source for family in families}) == len(families)


@pytest.mark.parametrize(
    ("name", "method", "ratios"),
    [
        (AugmentationName.IMG2IMG_L, Method.IMG2IMG, (0.3,)),
        (AugmentationName.IMG2IMG_H, Method.IMG2IMG, (0.7,)),
        (AugmentationName.TXT2IMG, Method.TXT2IMG, (1.0,)),
        (AugmentationName.GENIE, Method.GENIE, (0.8,)),
        (AugmentationName.GENIE_ADA, Method.GENIE, (0.5, 0.6, 0.7, 0.8, 0.9)),
    ],
)
def test_methods_and_ratios_are_the_papers(name: AugmentationName, method: Method, ratios: tuple[float, ...]) -> None:
    (augmentation,) = choose([name], [])
    assert augmentation.ratios == ratios
    assert {(job.method, job.r) for job in everything(an_episode(3, 1), augmentation)} == {(method, r) for r in ratios}


def test_what_a_list_needs_is_what_its_episodes_need() -> None:
    episodes = [an_episode(3, 2, number) for number in range(4)]
    chosen = [Augmentation(AugmentationName.WEAK), *GENERATIVE]
    wanted = [job for episode in episodes for each in GENERATIVE for job in everything(episode, each)]
    assert list(NEEDS.needed(episodes, chosen)) == wanted
    assert list(NEEDS.needed(episodes, chosen[:1])) == []


@EACH
@given(episode=EPISODES, one=st.integers(1, 120), other=st.integers(1, 120))
def test_fewer_images_are_among_more(augmentation: Augmentation, episode: Episode, one: int, other: int) -> None:
    """So that a curve over their number adds images, and does not exchange them."""
    fewer, more = (replace(NEEDS, added=added).jobs(episode, augmentation) for added in sorted((one, other)))
    for less, own in zip(fewer, more, strict=True):
        assert len(less) == min(one, other) * len(augmentation.ratios)
        assert len({job.id for job in own}) == len(own) == max(one, other) * len(augmentation.ratios)
        assert {job.id for job in less} <= {job.id for job in own}
        if augmentation.method.uses_source:
            assert own[: len(less)] == less


@given(EPISODES)
def test_more_than_there_are_sources_starts_again_with_another_replicate(episode: Episode) -> None:
    sources = (len(episode.classes) - 1) * len(episode.support[0])
    for jobs in replace(NEEDS, added=2 * sources + 1).jobs(episode, Augmentation(AugmentationName.GENIE, (0.8,))):
        once = [job.source for job in jobs[:sources]]
        assert [job.source for job in jobs] == [*once, *once, once[0]]
        assert [job.replicate for job in jobs] == [0] * sources + [1] * sources + [2]


@given(EPISODES)
def test_sources_come_from_each_other_class_in_turn(episode: Episode) -> None:
    """So that few images are of as many classes as can be; targets begin with different ones."""
    for own, jobs in enumerate(NEEDS.jobs(episode, Augmentation(AugmentationName.GENIE, (0.8,)))):
        labels = [job.source.label for job in jobs if job.source]
        others = [episode.classes[(own + step) % len(episode.classes)] for step in range(1, len(episode.classes))]
        assert labels == others * len(episode.support[0])


def test_txt2img_draws_for_each_class_anew() -> None:
    """Else the images of the classes of an episode would be alike in more than chance has them."""
    drawn = NEEDS.jobs(an_episode(5, 1), Augmentation(AugmentationName.TXT2IMG, (1.0,)))
    assert len({tuple(job.replicate for job in jobs) for jobs in drawn}) == 5
