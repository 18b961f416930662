"""The exact rows and labels that a classifier is fitted to, where images are generated; see `test_rows`."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from genie_cli.fewshot.episodes import Episode
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.jobs import ADA_RATIOS, Job
from tests.fewshot.colours import draw_picture, generate, seen
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
from tests.fewshot.test_ada_in_episodes import as_its_authors

__all__ = ["world"]  # a fixture


@EACH
@pytest.mark.parametrize("name", ["img2img-l", "img2img-h", "img2img", "txt2img", "genie"])
def test_generated_images_are_added_under_their_target(world: World, name: str, protocol: str) -> None:
    whole, crops = BASIS[protocol][1]
    augmentation = named(name)
    found = world.counted(augmentation, PROTOCOLS[protocol])
    view = "crop" if protocol == "as authors" else "whole"
    for own, episode in zip(found, world.episodes, strict=True):
        expected = world.real(episode, whole=whole, crops=crops)
        for label, jobs in enumerate(world.jobs_of(augmentation, episode)):
            assert {job.target for job in jobs} == {episode.classes[label]}
            shown = [world.number_of[job.source.sha256] for job in jobs if job.source]
            support = world.numbers(episode.support[label])
            assert shown == {"txt2img": [], "genie": world.of_others(episode, label)}.get(name, support * 2)
            expected += one(*(world.made[job.id] for job in jobs), label=label, view=view)
        assert sum(own.values()) == WAYS * (SHOTS * (whole + crops) + ADDED)
        assert own == expected


@EACH
def test_txt2img_paste_puts_generated_objects_before_the_others_in_turn(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][1]
    augmentation = named("txt2img-paste")
    for found, episode in zip(world.counted(augmentation, PROTOCOLS[protocol]), world.episodes, strict=True):
        expected = world.real(episode, whole=whole, crops=crops)
        for label, jobs in enumerate(world.jobs_of(augmentation, episode)):
            assert jobs == world.jobs_of(named("txt2img"), episode)[label]
            expected += one(*(world.made[job.id] for job in jobs), label=label, onto=world.of_others(episode, label))
        assert found == expected


def features(number: int) -> NDArray[np.float64]:
    """Of a whole image: red, green and the mean of blue, and what blue rises by."""
    return np.array([number, 7 * number % 251, 60 + 2.5 * 31, 32, 48])


def adaptive(world: World, episode: Episode, *, probes: bool = False) -> list[list[int]]:
    """The place of the candidate that GeNIe-Ada chooses of each group, for each class."""
    support = [[features(number) for number in world.numbers(part)] for part in episode.support]
    chosen: list[list[int]] = []
    for label, jobs in enumerate(world.jobs_of(named("genie-ada"), episode)):
        chosen.append([])
        for start in range(0, len(jobs), len(ADA_RATIOS)):
            group = jobs[start : start + len(ADA_RATIOS)]
            numbers = [world.made[f"{'probe ' if probes else ''}{job.id}"] for job in group]
            assert group[0].source
            source = features(world.number_of[group[0].source.sha256])
            chosen[-1].append(as_its_authors([features(number) for number in numbers], source, support, label))
    return chosen


@EACH
def test_genie_ada_adds_one_image_of_each_group(world: World, protocol: str) -> None:
    whole, crops = BASIS[protocol][1]
    found = world.counted(named("genie-ada"), PROTOCOLS[protocol])
    view = "crop" if protocol == "as authors" else "whole"
    places = []
    for own, episode in zip(found, world.episodes, strict=True):
        expected = world.real(episode, whole=whole, crops=crops)
        jobs = world.jobs_of(named("genie-ada"), episode)
        for label, chosen in enumerate(adaptive(world, episode)):
            numbers = [world.made[jobs[label][5 * group + place].id] for group, place in enumerate(chosen)]
            expected += one(*numbers, label=label, view=view)
            places += chosen
        assert own == expected
    assert len(set(places)) > 1


@EACH
def test_genie_ada_by_probe_chooses_by_probes_and_adds_whole_images(world: World, protocol: str) -> None:
    """Only the chosen images are there."""
    whole, crops = BASIS[protocol][1]
    augmentation = named("genie-ada", probe=True)
    needed = list(EpisodeJobs(one_prompt, "").needed(world.episodes, [augmentation]))
    probes = world.generate(needed, probes=True)
    chosen: list[list[list[Job]]] = []
    for episode in world.episodes:
        jobs = world.jobs_of(augmentation, episode)
        places = adaptive(world, episode, probes=True)
        chosen.append([[jobs[label][5 * group + place] for group, place in enumerate(own)]
                       for label, own in enumerate(places)])  # fmt: skip
    images = world.generate([job for own in chosen for jobs in own for job in jobs])
    assert len(images) < len(probes)
    found = world.counted(augmentation, PROTOCOLS[protocol], images=images, probes=probes)
    view = "crop" if protocol == "as authors" else "whole"
    for own, episode, by_class in zip(found, world.episodes, chosen, strict=True):
        expected = world.real(episode, whole=whole, crops=crops)
        for label, own_jobs in enumerate(by_class):
            expected += one(*(world.made[job.id] for job in own_jobs), label=label, view=view)
        assert own == expected


def test_probes_that_show_what_the_images_show_choose_the_same(world: World) -> None:
    needed = list(EpisodeJobs(one_prompt, "").needed(world.episodes, [named("genie-ada")]))
    images = world.generate(needed)
    probes = generate(
        needed, world.folder / "probes", lambda job, path: draw_picture(path, world.made[job.id]), probes=True
    )
    whole = world.fitted(named("genie-ada"), images=images)[0]
    probed = world.fitted(named("genie-ada", probe=True), images=images, probes=probes)[0]
    for (rows, labels), (others, same) in zip(whole, probed, strict=True):
        assert np.array_equal(rows, others)
        assert np.array_equal(labels, same)


def test_genie_ada_random_adds_one_of_each_group_by_the_marginal_of_genie_ada(world: World) -> None:
    _, _, adas = world.fitted(named("genie-ada"))
    rows, _, outcome = world.fitted(named("genie-ada-random"))
    assert sum(outcome.chosen.values()) == sum(adas.chosen.values()) == EPISODES * WAYS * ADDED
    assert set(outcome.chosen) <= set(adas.chosen)
    by_chance = []
    for episode, (found, labels) in zip(world.episodes, rows, strict=True):
        numbers = {(seen(row).number, int(label.argmax())) for row, label in zip(found, labels, strict=True)}
        for label, jobs in enumerate(world.jobs_of(named("genie-ada-random"), episode)):
            for start in range(0, len(jobs), 5):
                group = jobs[start : start + 5]
                (place,) = (place for place, job in enumerate(group) if (world.made[job.id], label) in numbers)
                by_chance.append(place)
    by_ada = [place for episode in world.episodes for own in adaptive(world, episode) for place in own]
    assert Counter(ADA_RATIOS[place] for place in by_chance) == outcome.chosen
    assert by_chance != by_ada


def test_a_ratio_that_genie_ada_never_chooses_is_never_drawn(world: World) -> None:
    """Up to r = .6 every image is another one than from .7 on, so GeNIe-Ada always chooses .7."""
    jobs = list(EpisodeJobs(one_prompt, "").needed(world.episodes, [named("genie-ada")]))
    images = generate(jobs, world.folder / "images", lambda job, path: draw_picture(path, 40 if job.r < 0.65 else 240))
    for name in ("genie-ada", "genie-ada-random"):
        assert world.fitted(named(name), images=images)[2].chosen == {0.7: EPISODES * WAYS * ADDED}


def test_soft_labels_are_the_oracles_shares_of_the_episodes_classes(world: World) -> None:
    augmentation = named("genie")
    needs = EpisodeJobs(one_prompt, "")
    shares = {"ant": 0.1, "bee": 0.2, "cow": 0.3, "doe": 0.4}
    images = world.generate(
        list(needs.needed(world.episodes, [augmentation])), oracle=lambda _: {"accepted": True, "soft_label": shares}
    )
    found = world.fitted(augmentation, images=images, soft_labels=True)[0]
    for episode, (rows, labels) in zip(world.episodes, found, strict=True):
        own = np.array([shares[label] for label in episode.classes])
        assert own.sum() < 1
        generated = np.array([(seen(row).number or 0) >= 30 for row in rows])
        assert generated.sum() == WAYS * ADDED
        assert labels[generated] == pytest.approx(np.tile(own / own.sum(), (WAYS * ADDED, 1)))
        assert set(labels[~generated].ravel()) == {0, 1}


def test_what_the_oracle_rejected_is_missing_and_counted(world: World) -> None:
    needs = EpisodeJobs(one_prompt, "")
    jobs = list(needs.needed(world.episodes, [named("genie")]))
    images = world.generate(jobs, oracle=lambda job: {"accepted": job.target != "bee"})
    found, _, outcome = world.fitted(named("genie"), images=images)
    classes = [label for episode in world.episodes for label in episode.classes]
    assert 0 < classes.count("bee") < len(classes)
    for episode, (_, labels) in zip(world.episodes, found, strict=True):
        assert labels.sum(axis=0).tolist() == [5 * SHOTS + ADDED * (label != "bee") for label in episode.classes]
    assert outcome.rejected == pytest.approx(classes.count("bee") / len(classes))
    assert outcome.added == pytest.approx(ADDED * (1 - outcome.rejected))
    assert outcome.chosen == {0.8: ADDED * (len(classes) - classes.count("bee"))}
