"""The exact rows and labels that a classifier is fitted to, with every augmentation and every protocol.

Images say in their colours which they are (`tests.fewshot.colours`). What is expected is written down here from the
descriptions of the augmentations and protocols, not taken from the code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from genie_cli.data.dataset import Crops, Dataset
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import ADA_RATIOS, Augmentation, AugmentationName, choose
from genie_cli.evaluate.generated import GeneratedImages
from genie_cli.fewshot.augment import PHOTO_CROPS, RandomAugment
from genie_cli.fewshot.episodes import Episode, EpisodeSpec, draw
from genie_cli.fewshot.evaluator import Outcome
from genie_cli.fewshot.needs import EpisodeJobs
from genie_cli.fewshot.support import SupportSets
from genie_cli.fewshot.task import AS_AUTHORS, FEWSHOT, FINEGRAINED, Protocol
from genie_cli.fewshot.views import Views
from genie_cli.jobs import Job, Source
from tests.fewshot.colours import PREPROCESS, Fitted, Seen, draw_picture, fitted, generate, picture, seen
from tests.fewshot.test_ada_in_episodes import as_its_authors

WAYS, SHOTS, EPISODES = 3, 2, 2
ADDED = (WAYS - 1) * SHOTS
PROTOCOLS = {"few-shot": FEWSHOT.protocol, "fine-grained": FINEGRAINED.protocol, "as authors": AS_AUTHORS}
EACH = pytest.mark.parametrize("protocol", PROTOCOLS)
ROWS = tuple[Seen, int]  # what is seen, and the class that it is labelled with


def named(name: str, *, probe: bool = False) -> Augmentation:
    (augmentation,) = choose([AugmentationName(name)], [], probe=probe)
    return augmentation


@dataclass(frozen=True)
class Paster:
    """Red of the object, green of the scene."""

    number_of: dict[str, int]

    def paste(self, target: Source, onto: Source) -> Image.Image:
        return self._both(self.number_of[target.sha256], onto)

    def paste_generated(self, image: Image.Image, onto: Source) -> Image.Image:
        return self._both(image.getpixel((0, 0))[0], onto)  # type: ignore[index]

    def _both(self, number: int, onto: Source) -> Image.Image:
        return picture(number, picture(self.number_of[onto.sha256]).getpixel((0, 0))[1])  # type: ignore[index]


@dataclass
class World:
    """Numbered images of four classes, episodes of them, and what was generated, numbered too."""

    folder: Path
    number_of: dict[str, int]
    dataset: Dataset
    episodes: list[Episode]
    made: dict[str, int] = field(default_factory=dict)  # the number of each job's image, by the job's id

    def numbers(self, sources: Sequence[Source]) -> list[int]:
        return [self.number_of[source.sha256] for source in sources]

    def generate(self, jobs: Sequence[Job], *, probes: bool = False, **oracle: Any) -> GeneratedImages:
        numbers = iter(range(100 if probes else 30, 250))

        def draw_next(job: Job, path: Path) -> str:
            self.made[f"{'probe ' if probes else ''}{job.id}"] = number = next(numbers)
            return draw_picture(path, number)

        return generate(jobs, self.folder / ("probes" if probes else "images"), draw_next, probes=probes, **oracle)

    def fitted(
        self,
        augmentation: Augmentation,
        protocol: Protocol = FEWSHOT.protocol,
        crops: Crops = PHOTO_CROPS,
        needs: EpisodeJobs | None = None,
        images: GeneratedImages | None = None,
        **support: Any,
    ) -> tuple[list[Fitted], list[NDArray[np.float32]], Outcome]:
        needs = needs or EpisodeJobs(str, "")
        if images is None:
            images = self.generate(list(needs.needed(self.episodes, [augmentation])))
        augment = RandomAugment(PREPROCESS, crops, protocol.flip_vertically)
        views = Views(self.dataset.root, augment, Paster(self.number_of))
        return fitted(self.episodes, SupportSets(views, needs, images, protocol=protocol, **support), augmentation)

    def counted(self, augmentation: Augmentation, protocol: Protocol, **more: Any) -> list[Counter[ROWS]]:
        """Of each episode the rows, which all have hard labels."""
        found = []
        for rows, labels in self.fitted(augmentation, protocol, **more)[0]:
            assert set(labels.ravel()) <= {0, 1}
            assert (labels.sum(axis=1) == 1).all()
            found.append(Counter((seen(row), int(label.argmax())) for row, label in zip(rows, labels, strict=True)))
        return found

    def real(self, episode: Episode, *, whole: int, crops: int) -> Counter[ROWS]:
        """Every support image so many times whole and in crops."""
        return Counter(
            {
                (Seen(number, None, view), label): count
                for label, part in enumerate(episode.support)
                for number in self.numbers(part)
                for view, count in (("whole", whole), ("crop", crops))
                if count
            }
        )

    def of_others(self, episode: Episode, label: int) -> list[int]:
        """The other classes' support images: of each class the first, then of each the second."""
        parts = [self.numbers(part) for place, part in enumerate(episode.support) if place != label]
        return [part[shot] for shot in range(SHOTS) for part in parts]

    def jobs_of(self, augmentation: Augmentation, episode: Episode, **needs: Any) -> list[list[Job]]:
        return EpisodeJobs(str, "", **needs).jobs(episode, augmentation)


@pytest.fixture
def world(tmp_path: Path) -> World:
    number_of = {}
    for place, name in enumerate(("ant", "bee", "cow", "doe")):
        for image in range(5):
            number = 1 + 5 * place + image
            number_of[draw_picture(tmp_path / f"photos/{name}/{image}.png", number)] = number
    found = tuple(scan(tmp_path / "photos").sources)
    dataset = Dataset(tmp_path / "photos", found, found)
    return World(tmp_path, number_of, dataset, draw(dataset, EpisodeSpec(ways=WAYS, shots=SHOTS, queries=2), EPISODES))


def one(*numbers: int, label: int, onto: Sequence[int] = (), view: Any = "whole") -> Counter[ROWS]:
    """Rows of one class."""
    return Counter((Seen(n, o, view), label) for n, o in zip(numbers, onto or [None] * len(numbers), strict=True))


# How often each real image is seen whole and in crops: with what is made of real images, and beside what is added.
BASIS = {"few-shot": ((0, 5), (0, 5)), "fine-grained": ((1, WAYS - 1), (1, 0)), "as authors": ((0, 5), (0, 5))}


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
    chosen = []
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
    needed = list(EpisodeJobs(str, "").needed(world.episodes, [augmentation]))
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
        for label, jobs in enumerate(by_class):
            expected += one(*(world.made[job.id] for job in jobs), label=label, view=view)
        assert own == expected


def test_probes_that_show_what_the_images_show_choose_the_same(world: World) -> None:
    needed = list(EpisodeJobs(str, "").needed(world.episodes, [named("genie-ada")]))
    images = world.generate(needed)
    probes = generate(
        needed, world.folder / "probes", lambda job, path: draw_picture(path, world.made[job.id]), probes=True
    )
    whole = world.fitted(named("genie-ada"), images=images)[0]
    probed = world.fitted(named("genie-ada", probe=True), images=images, probes=probes)[0]
    for (one, labels), (other, same) in zip(whole, probed, strict=True):
        assert np.array_equal(one, other)
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
    jobs = list(EpisodeJobs(str, "").needed(world.episodes, [named("genie-ada")]))
    images = generate(jobs, world.folder / "images", lambda job, path: draw_picture(path, 40 if job.r < 0.65 else 240))
    for name in ("genie-ada", "genie-ada-random"):
        assert world.fitted(named(name), images=images)[2].chosen == {0.7: EPISODES * WAYS * ADDED}


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
        for _, labels in world.fitted(named(name), needs=EpisodeJobs(str, "", added=added))[0]:
            assert labels.sum(axis=0).tolist() == [5 * SHOTS + added] * WAYS


@pytest.mark.parametrize("name", ["repeat", "paste"])
def test_fewer_rows_are_among_those_of_more(world: World, name: str) -> None:
    """So that a curve over their number adds rows, and does not exchange them."""
    two, four, seven = (
        world.counted(named(name), FEWSHOT.protocol, needs=EpisodeJobs(str, "", added=added)) for added in (2, 4, 7)
    )
    assert all(not less - more for less, more in (*zip(two, four, strict=True), *zip(four, seven, strict=True)))


def test_soft_labels_are_the_oracles_shares_of_the_episodes_classes(world: World) -> None:
    augmentation = named("genie")
    needs = EpisodeJobs(str, "")
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
    needs = EpisodeJobs(str, "")
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
