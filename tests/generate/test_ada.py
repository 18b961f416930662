"""GeNIe-Ada takes the image right after the largest jump between source and target, in whichever direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genie_cli.generate.ada import denoising_steps, histogram, most_adequate

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
        # Projections sin - cos: .12, -.91, -.25, -.17. The jump back is -1.03, the largest one forwards .66.
        ([50, 5, 35, 38], 1),
        # -1, -.60, .88, .64, -.25: .88 - (-.60) = 1.48 forwards is more than .89 back.
        ([0, 20, 83.5, 72, 35], 2),
        ([89, 90], 1),
        ([30, 30, 30], 1),
    ],
)
def test_the_image_after_the_largest_jump(degrees: list[float], taken: int) -> None:
    assert most_adequate(at(degrees), SOURCE, TARGET) == taken


def test_of_jumps_of_the_same_size_the_first_counts() -> None:
    """Projections -1, 1, -1, 1, exactly."""
    generated = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    assert most_adequate(generated, SOURCE, TARGET) == 1
    assert most_adequate(generated[[0, 0, 1, 0]], SOURCE, TARGET) == 2


@pytest.mark.parametrize(
    ("generated", "taken"),
    [
        ([[3, -4], [8, 15], [-1, 0]], 1),  # -1.4, .41, 1 on the axis; by a source of length 9 -6.2, -3.4, 9: the second
        ([[1, 0], [-1, 0], [0, 1]], 1),  # -1, 1, 1 on the axis; along the target alone 0, 0, 1: the second
        ([[1, 0], [0, 1], [-1, 0]], 1),  # -1, 1, 1 on the axis; along the sum of both 1, 1, -1: the second
    ],
)
def test_the_axis_is_the_target_minus_the_normalised_source(generated: list[list[float]], taken: int) -> None:
    assert most_adequate(np.array(generated, np.float32), 9 * SOURCE, TARGET) == taken


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
    jumps = {i: abs(places[i] - places[i - 1]) for i in range(1, 5)}
    assert jumps[most_adequate(made, source, real)] == pytest.approx(max(jumps.values()), abs=1e-5)


@given(SEEDS)
def test_lengths_and_directions_of_the_axes_do_not_matter(seed: int) -> None:
    made, source, real, rng = problem(seed)
    taken = most_adequate(made, source, real)
    lengths = rng.uniform(0.1, 10, (9, 1)).astype(np.float32)
    assert most_adequate(made * lengths[:5], source * lengths[5], real * lengths[6:]) == taken
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0].astype(np.float32)
    assert most_adequate(made @ turn, source @ turn, real @ turn) == taken


@given(SEEDS)
def test_walking_the_other_way_finds_the_same_jump(seed: int) -> None:
    """In which direction a jump goes does not matter: backwards, the image after it is the one before it."""
    made, source, real, _ = problem(seed)
    assert most_adequate(made[::-1], source, real) == len(made) - most_adequate(made, source, real)


RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9)


def test_what_an_image_costs() -> None:
    """25 + 30 + 35 + 40 + 45 steps of whole images; or five probes and one image."""
    assert denoising_steps(0.8, RATIOS, 50, probe=False) == 175
    assert denoising_steps(0.8, RATIOS, 50, probe=True) == 45
    assert denoising_steps(0.6, RATIOS, 20, probe=True) == 5 + 12


def test_the_histogram_has_every_ratio() -> None:
    counts = histogram([0.8, 0.6, 0.8], RATIOS)
    assert list(counts.items()) == [(0.5, 0), (0.6, 1), (0.7, 0), (0.8, 2), (0.9, 0)]
