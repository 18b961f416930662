"""GeNIe-Ada takes the image right after the jump from source to target."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genie_cli.fewshot.ada import most_adequate

SEEDS = st.integers(0, 2**32 - 1)
SOURCE, TARGET = np.array([1, 0], np.float32), np.array([[0, 1]], np.float32)


def at(degrees: list[float]) -> NDArray[np.float32]:
    """Features so many degrees from the source; the target is at 90."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("degrees", "taken"),
    [
        ([0, 60, 65, 70, 75], 1),
        ([0, 5, 60, 65, 70], 2),
        ([0, 5, 10, 80, 85], 3),
        ([0, 5, 10, 15, 70], 4),
        ([50, 5, 35, 38], 2),  # a jump back to the source is none
        ([89, 90], 1),
    ],
)
def test_the_image_after_the_largest_jump(degrees: list[float], taken: int) -> None:
    assert most_adequate(at(degrees), SOURCE, TARGET) == taken


def test_of_a_single_image_it_is_that() -> None:
    assert most_adequate(at([30]), SOURCE, TARGET) == 0


def test_the_target_is_the_mean_of_its_images() -> None:
    """Targets at 30 and 150 degrees together pull further round than the first alone."""
    generated = at([0, 25, 60, 120])
    assert most_adequate(generated, SOURCE, at([30])) == 2
    assert most_adequate(generated, SOURCE, at([30, 150])) == 3


def problem(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], np.random.Generator]:
    rng = np.random.default_rng(seed)
    made, source, real = rng.normal(size=(5, 6)), rng.normal(size=6), rng.normal(size=(3, 6))
    return made.astype(np.float32), source.astype(np.float32), real.astype(np.float32), rng


@given(SEEDS)
def test_it_is_the_procedure_word_by_word(seed: int) -> None:
    made, source, real, _ = problem(seed)
    unit = [row / np.linalg.norm(row) for row in made]
    axis = sum(row / np.linalg.norm(row) for row in real) / len(real) - source / np.linalg.norm(source)
    places = [float(row @ axis) for row in unit]
    jumps = {i: places[i] - places[i - 1] for i in range(1, 5)}
    assert jumps[most_adequate(made, source, real)] == pytest.approx(max(jumps.values()), abs=1e-5)


@given(SEEDS)
def test_lengths_and_directions_of_the_axes_do_not_matter(seed: int) -> None:
    made, source, real, rng = problem(seed)
    taken = most_adequate(made, source, real)
    lengths = rng.uniform(0.1, 10, (9, 1)).astype(np.float32)
    assert most_adequate(made * lengths[:5], source * lengths[5], real * lengths[6:]) == taken
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0].astype(np.float32)
    assert most_adequate(made @ turn, source @ turn, real @ turn) == taken
