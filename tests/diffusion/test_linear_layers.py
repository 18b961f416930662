"""Linear layers by oneDNN compute what torch's own do, row by row, and are used where they are faster."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.diffusion import compiling, linear_layers
from genie_cli.diffusion.ahead_of_time import CompiledUNet
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import load
from tests.diffusion.small_unet import small_unet

CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")), reason="no oneDNN"
)


@pytest.fixture
def slow_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_layers, "mkl_is_slow", lambda: True)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(1, 80),
    st.integers(1, 80),
    st.booleans(),
    st.data(),
)
def test_a_layer_computes_what_torchs_own_does(
    lead: list[int], inputs: int, outputs: int, bias: bool, data: st.DataObject
) -> None:
    layer = torch.nn.Linear(inputs, outputs, bias=bias).requires_grad_(False)
    some = torch.randn(*lead, inputs)
    wanted = layer(some)
    layer.__class__ = linear_layers.one_dnn_linear()
    torch.testing.assert_close(layer(some), wanted, rtol=1e-5, atol=1e-5)
    order = torch.tensor(data.draw(st.permutations(range(lead[0]))))
    assert torch.equal(layer(some[order]), layer(some)[order])


@pytest.mark.usefixtures("slow_mkl")
def test_a_unet_computes_the_same_with_them() -> None:
    own, theirs = small_unet(), small_unet()
    linear_layers.use(own, CPU, torch.float32)
    inputs = torch.randn(4, 4, 8, 8), torch.tensor([1, 500, 900, 20]), torch.randn(4, 7, 64)
    with torch.inference_mode():
        torch.testing.assert_close(own(*inputs).sample, theirs(*inputs).sample, rtol=0, atol=1e-5)
    layers = count(theirs)["Linear"]
    assert layers > 10
    assert count(own)["OneDNNLinear"] == layers
    assert own.state_dict().keys() == theirs.state_dict().keys()


@pytest.mark.usefixtures("slow_mkl")
@pytest.mark.parametrize(
    ("device", "dtype"), [("cpu", torch.bfloat16), ("cuda", torch.float32), ("mps", torch.float32)]
)
def test_elsewhere_nothing_is_replaced(device: str, dtype: torch.dtype) -> None:
    unet = small_unet()
    linear_layers.use(unet, torch.device(device), dtype)
    assert not count(unet)["OneDNNLinear"]


def test_nor_where_mkl_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_layers, "mkl_is_slow", lambda: False)
    unet = small_unet()
    linear_layers.use(unet, CPU, torch.float32)
    assert not count(unet)["OneDNNLinear"]


@pytest.mark.usefixtures("slow_mkl")
@pytest.mark.parametrize(("compiled", "replaced"), [("off", True), ("full", True), ("regional", False)])
def test_a_snapshot_has_them_unless_torch_compile_is_to_take_them(
    monkeypatch: pytest.MonkeyPatch, compiled: str, replaced: bool
) -> None:
    monkeypatch.setattr(compiling, "use", lambda *_: None)
    unet = load(locate("digits"), "cpu", compiled=compiled).unet
    assert bool(count(unet)["OneDNNLinear"]) is replaced


@pytest.mark.usefixtures("slow_mkl")
@pytest.mark.skipif(not compiling.compiler(), reason="needs a C++ compiler")
def test_they_are_compiled_ahead_of_time_too(tmp_path: Path) -> None:
    own, theirs = small_unet(), small_unet()
    linear_layers.use(own, CPU, torch.float32)
    inputs = torch.randn(2, 4, 8, 8), torch.tensor([1, 500])
    with torch.inference_mode():
        words = torch.randn(2, 5, 64)
        wanted = theirs(*inputs, encoder_hidden_states=words).sample
        for _ in range(2):  # the second reads what the first has kept
            found = CompiledUNet(own, tmp_path)(*inputs, encoder_hidden_states=words).sample
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 1


def count(unet: Any) -> Counter[str]:
    """How many modules of each class it has."""
    return Counter(type(module).__name__ for module in unet.modules())
