"""The solver against diffusers' scheduler, and the numbers of steps that the authors' code runs."""

import math

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.diffusion.solver import Probe, Solver, add_noise, noise_timestep, smallest_ratio, steps_of
from genie_cli.errors import UsageError

SD15 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}


def reference(steps: int) -> DPMSolverMultistepScheduler:
    scheduler = DPMSolverMultistepScheduler(
        **SD15, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="linspace", final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(steps)
    return scheduler


ABAR = reference(50).alphas_cumprod


def model(latents: torch.Tensor, t: int) -> torch.Tensor:
    """A smooth non-linear stand-in for predicted noise; what matters is that both sides use the same."""
    return torch.tanh(latents * (1 + t / 500)) + 0.1 * latents.flip(-1)


@pytest.mark.parametrize("steps", [10, 20, 50])
@pytest.mark.parametrize("r", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_agrees_with_diffusers(steps: int, r: float) -> None:
    scheduler = reference(steps)
    solver = Solver.build(ABAR, steps)
    start = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    theirs = start.clone()
    for t in scheduler.timesteps:
        if t - 1 <= 1000 * r:
            theirs = scheduler.step(model(theirs, int(t)), t, theirs).prev_sample
    ours, clean = start.clone(), torch.zeros_like(start)
    for step in range(solver.first_step(r), steps):
        index = torch.full((3,), step)
        first = torch.full((3,), step == solver.first_step(r))
        ours, clean = solver.advance(ours, model(ours, int(solver.timesteps[step])), clean, index, first)
    assert (ours - theirs).abs().max() <= 2e-5 * theirs.abs().max()


def test_timesteps_are_the_authors() -> None:
    for steps in range(2, 501):
        assert Solver.build(ABAR, steps).timesteps.tolist() == reference(steps).timesteps.tolist(), steps
    assert Solver.build(ABAR, 50).timesteps[:2].tolist() == [999, 979]


@pytest.mark.parametrize(
    ("r", "count"), [(0.3, 15), (0.5, 25), (0.58, 29), (0.6, 30), (0.7, 35), (0.8, 40), (0.9, 45), (1.0, 50)]
)
def test_steps_that_run(r: float, count: int) -> None:
    solver = Solver.build(ABAR, 50)
    assert solver.steps - solver.first_step(r) == solver.steps_of(r) == steps_of(r, 50) == count


def test_the_candidates_of_ada_take_175_steps() -> None:
    assert sum(steps_of(r, 50) for r in (0.5, 0.6, 0.7, 0.8, 0.9)) == 175


def test_first_timestep_at_the_papers_ratio() -> None:
    solver = Solver.build(ABAR, 50)
    assert solver.timesteps[solver.first_step(0.8)] == 799


def test_a_ratio_that_is_too_small_is_refused_with_the_smallest() -> None:
    solver = Solver.build(ABAR, 50)
    with pytest.raises(UsageError, match="leaves no step") as caught:
        solver.first_step(0.01)
    assert "0.019" in caught.value.hint
    assert solver.first_step(0.019) == 49


@given(st.integers(2, 500))
def test_smallest_ratio_leaves_just_the_last_step(steps: int) -> None:
    assert Solver.build(ABAR, steps).first_step(smallest_ratio(steps)) == steps - 1


@given(st.integers(1, 999))
def test_noise_timestep_survives_floating_point(thousandths: int) -> None:
    r = thousandths / 1000
    for near in (r, math.nextafter(r, 0), math.nextafter(r, 1)):
        assert noise_timestep(near) == thousandths
    assert noise_timestep(0.1 + 0.7) == 800  # 0.7999999999999999


def test_noise_coefficient_at_800() -> None:
    noisy = add_noise(torch.zeros(1), torch.ones(1), ABAR, 0.8)
    assert noisy.item() == pytest.approx(0.9814, abs=5e-5)


def test_rows_at_different_steps_give_what_they_give_alone() -> None:
    solver = Solver.build(ABAR, 20)
    latents, last = torch.randn(2, 4, 2, 2), torch.randn(2, 4, 2, 2)
    noise = torch.randn(2, 4, 2, 2)
    steps, first = torch.tensor([3, 17]), torch.tensor([True, False])
    batch = solver.advance(latents, noise, last, steps, first)[0]
    for row in range(2):
        one = slice(row, row + 1)
        alone = solver.advance(latents[one], noise[one], last[one], steps[one], first[one])[0]
        assert torch.equal(alone[0], batch[row])


@pytest.mark.parametrize("r", [0.001, 0.1, 0.3, 0.5, 0.58, 0.8, 0.9, 0.999, 1.0])
def test_a_probe_is_diffusers_single_step_to_no_noise(r: float) -> None:
    """At floor(1000 r), which for r = .58 is not 579; at r = 1 the last timestep."""
    t = min(round(1000 * r), 999)
    scheduler = DPMSolverMultistepScheduler(
        **SD15, algorithm_type="dpmsolver++", solver_order=2, final_sigmas_type="zero"
    )
    scheduler.set_timesteps(timesteps=[t])
    start = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    theirs = scheduler.step(model(start, t), t, start).prev_sample
    probe = Probe.of(ABAR.double())
    index = torch.full((2,), probe.first_step(r))
    assert int(probe.timesteps[index[0]]) == t
    ours, clean = probe.advance(start, model(start, t), start, index, torch.ones(2, dtype=torch.bool))
    assert torch.equal(ours, clean)
    assert (ours - theirs).abs().max() <= 2e-5 * theirs.abs().max()
    assert probe.steps_of(r) == 1
