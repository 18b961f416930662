"""Convolutions as matrix products compute what torch's own do, and take the place of those that depend on a row's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from genie_cli.diffusion import convolutions
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import Snapshot, load

SIDES = st.integers(1, 5)


@given(
    rows=st.integers(1, 4),
    channels=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(SIDES, SIDES),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    bias=st.booleans(),
    data=st.data(),
)
def test_a_matrix_product_computes_what_torchs_convolution_does(
    rows: int,
    channels: tuple[int, int],
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    bias: bool,
    data: st.DataObject,
) -> None:
    layer = nn.Conv2d(*channels, kernel, stride, padding, bias=bias).requires_grad_(False)
    order = data.draw(st.sampled_from([torch.channels_last, torch.contiguous_format]))
    layer.to(memory_format=order)
    given_rows = torch.randn(rows, channels[0], *size).contiguous(memory_format=order)
    # In double precision: oneDNN's own, in single precision, is wrong for one channel in this order on some processors.
    exact = nn.Conv2d(*channels, kernel, stride, padding, bias=bias, dtype=torch.float64).requires_grad_(False)
    exact.load_state_dict(layer.state_dict())
    wanted = exact(given_rows.double())
    layer.__class__ = convolutions.product_conv()
    torch.testing.assert_close(layer(given_rows), wanted.float(), rtol=1e-4, atol=1e-4)


class DependsOnPlace(nn.Module):
    """Stands for cuDNN: rows of a convolution's result of ``of`` channels are each rounded differently."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, of: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, of, 3, padding=1), nn.Conv2d(of, of + 1, 1)
        own = nn.Conv2d.forward

        def forward(layer: Any, given: Tensor) -> Tensor:
            found = own(layer, given)
            place = torch.arange(len(given)).view(-1, 1, 1, 1)
            return found + 1e-6 * place if found.shape[1] == of and len(given) > 2 else found

        monkeypatch.setattr(nn.Conv2d, "forward", forward)

    def forward(self, given: Tensor) -> Tensor:
        found: Tensor = self.second(self.first(given))
        return found


def test_only_what_depends_on_a_rows_place_is_replaced_and_only_in_that_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    network = DependsOnPlace(monkeypatch, 5).requires_grad_(False)
    rows = torch.randn(4, 3, 8, 8)
    assert not torch.equal(network(rows.flip(0)).flip(0), network(rows))
    convolutions.use(network, lambda: network(rows))
    assert (type(network.first), type(network.second)) == (convolutions.product_conv(), nn.Conv2d)
    assert torch.equal(network(rows.flip(0)).flip(0), network(rows))
    assert not any(layer._forward_pre_hooks for layer in network.modules())
    convolutions.use(network, lambda: network(rows[:2]))
    assert type(network.first) is nn.Conv2d


def test_a_model_on_a_cpu_is_left_as_it_is() -> None:
    snapshot = load(locate("digits"), "cpu")
    before = count(snapshot)
    snapshot.prepare(4, 2)
    for network, run in (
        (snapshot.unet, lambda: snapshot.unet(torch.randn(2, 4, 8, 8), torch.tensor([1, 2]), torch.randn(2, 7, 64))),
        (snapshot.vae, lambda: snapshot.decode(torch.randn(2, *snapshot.latent_shape))),
    ):
        convolutions.use(network, run)  # its rows do not depend on their places
    assert count(snapshot) == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_rows_place_changes_nothing_on_a_gpu() -> None:
    snapshot = load(locate("digits"), "cuda")
    snapshot.prepare(32, 8)
    latents, steps = torch.randn(32, *snapshot.latent_shape, device="cuda"), torch.arange(32, device="cuda")
    embedding = tuple(each.expand(32, *each.shape) for each in snapshot.prompts.embed("A photo of a two"))
    moved = snapshot.predict(latents.roll(5, 0), steps.roll(5, 0), embedding)
    assert torch.equal(moved.roll(-5, 0), snapshot.predict(latents, steps, embedding))


def count(snapshot: Snapshot) -> Counter[str]:
    """How many modules of each class its networks have."""
    return Counter(type(module).__name__ for each in (snapshot.unet, snapshot.vae) for module in each.modules())
