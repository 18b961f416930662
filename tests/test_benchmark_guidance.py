"""The benchmark of guidance in an interval: its shortcut changes nothing, and its rows are counted."""

import numpy as np
import pytest
import torch

from benchmarks.guidance import ALL, GUIDANCE, NONE, STEPS, Batch, PartlyGuided, request, saved
from genie_cli.data.digits import DigitsInTheWild
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import Snapshot, load


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load(locate("digits"), "cpu", "float32")


@pytest.fixture(scope="module")
def samples() -> DigitsInTheWild:
    return DigitsInTheWild("test")


def test_a_row_is_guided_by_its_own_step(snapshot: Snapshot) -> None:
    latents = torch.randn(4, *snapshot.latent_shape, generator=torch.Generator().manual_seed(0))
    step = torch.tensor([9, 10, 19, 20])
    with_, without = Denoiser(snapshot, STEPS, GUIDANCE), Denoiser(snapshot, STEPS, 1)
    embeddings = tuple(torch.stack([each] * 4) for each in with_.embed("A photo of a three"))
    guided, conditional = (denoiser.predict(latents, step, embeddings) for denoiser in (with_, without))
    assert not torch.allclose(guided, conditional)
    for where, expected in (
        (ALL, guided),
        (NONE, conditional),
        (range(10, 20), torch.stack([conditional[0], guided[1], guided[2], conditional[3]])),
    ):
        found = PartlyGuided(snapshot, STEPS, GUIDANCE, guided=where).predict(latents, step, embeddings)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("guided", [range(42), range(38, 42), range(42, STEPS), NONE])
def test_shared_steps_give_the_engines_images(snapshot: Snapshot, samples: DigitsInTheWild, guided: range) -> None:
    requests = [request(samples, i, target, 0.3) for i, target in enumerate(("five", "six"))]
    batch = Batch((Denoiser(snapshot, STEPS, 1), Denoiser(snapshot, STEPS, GUIDANCE)), requests)
    for other in (ALL, NONE):  # takes steps that the interval shares
        batch.after(STEPS, other)
    engine = Engine[int](snapshot, 2)
    engine.denoiser = PartlyGuided(snapshot, STEPS, GUIDANCE, guided=guided)
    expected = {result.key: result.pixels for result in engine.run(requests)}
    found = batch.images(guided)
    for i in (0, 1):
        assert np.abs(found[i].astype(int) - expected[i]).max() <= 1


def test_rows_that_are_saved() -> None:
    assert saved(ALL) == 0
    assert saved(NONE) == 0.5
    assert saved(range(40), (0.8,)) == 10 / 80  # 40 steps run, the last 10 of them by one row
    assert saved(range(10, STEPS), (0.5, 1.0)) == 10 / 150  # the first 10 are only taken at r = 1
