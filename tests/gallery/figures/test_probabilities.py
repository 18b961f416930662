"""Probabilities over r, and their densities."""

from __future__ import annotations

import random

import pytest

from genie_cli.gallery.figures.probabilities import LINES, densities, trajectories
from genie_cli.jobs import Method, Source
from genie_cli.manifest import Row
from tests.gallery.drawn import judgement
from tests.manifests import a_job, a_row


def judged(r: float, target: float, replicate: int = 0) -> Row:
    return a_row(a_job(r=r, replicate=replicate)).judged(judgement(target))


def test_lines_and_their_means() -> None:
    rows = [judged(0.8, 0.9), judged(0.5, 0.3), judged(0.5, 0.5, 1), judged(0.8, 0.7, 1), judged(0.6, 1.0, 2)]
    (found,) = trajectories(rows)["methods"]
    assert (found["method"], found["sweeps"]) == ("genie", 2)
    assert sorted([point["target"] for point in line["points"]] for line in found["lines"]) == [[0.3, 0.9], [0.5, 0.7]]
    assert {(line["source"], line["target"]) for line in found["lines"]} == {("cat", "fox")}
    assert {point["job"] for line in found["lines"] for point in line["points"]} == {row.job.id for row in rows[:4]}
    expected = [{"r": 0.5, "images": 2, "target": 0.4, "source": 0.6}, {"r": 0.8, "images": 2, "target": 0.8}]
    for mean, known in zip(found["means"], expected, strict=True):
        assert {key: mean[key] for key in known} == pytest.approx(known)


def test_many_lines_are_chosen_whatever_the_order() -> None:
    rows = [judged(r, 0.5, number) for number in range(LINES + 50) for r in (0.5, 0.8)]
    found = trajectories(rows)
    (own,) = found["methods"]
    assert (own["sweeps"], len(own["lines"]), own["means"][0]["images"]) == (LINES + 50, LINES, LINES + 50)
    random.Random(0).shuffle(rows)
    assert trajectories(rows) == found


def test_densities_count_every_image_once() -> None:
    (found,) = densities([judged(0.5, value, number) for number, value in enumerate((0, 0.04, 0.5, 1))])["panels"]
    assert found["target"] == [2, *[0] * 9, 1, *[0] * 8, 1]
    assert found["source"] == [1, *[0] * 9, 1, *[0] * 8, 2]


def test_a_source_of_the_targets_own_class_has_no_probability_of_its_own() -> None:
    source = Source(path="fox/1.png", sha256="1" * 64, label="fox")
    rows = [a_row(a_job(source=source, method=Method.IMG2IMG, r=r)).judged(judgement(0.5)) for r in (0.3, 0.7)]
    assert sum(densities(rows)["panels"][0]["source"]) == 0
    assert trajectories(rows)["methods"][0]["means"][0]["source"] is None


def test_nothing_is_shown_of_images_that_were_not_judged() -> None:
    assert trajectories([a_row(), a_row(a_job(r=0.5))]) == densities([a_row()]) == {}
