"""Attention and compilation of the UNet: each choice has an effect, gives the same images, and is refused where it
does not work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch._inductor import config as inductor
from torch._inductor.runtime.cache_dir_utils import default_cache_dir
from torch.overrides import TorchFunctionMode

from genie_cli.diffusion import attention, compiling
from genie_cli.diffusion.engine import Engine
from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.requests import Request
from genie_cli.diffusion.snapshot import Snapshot, load
from genie_cli.errors import ModelError
from tests.diffusion.small_unet import small_unet
from tests.slow import slow

CPU = torch.device("cpu")
ASKED = [("two", 1), ("six", 0.6), ("one", 0.8)]
REQUESTS = [Request(k, f"A photo of a {word}", r, k) for k, (word, r) in enumerate(ASKED)]
XFORMERS_RUNS = any(k.works for k in attention.kernels(CPU, torch.float32) if k.name == "xformers")


def made(snapshot: Snapshot, requests: Sequence[Request[int]]) -> dict[int, NDArray[np.uint8]]:
    results = list(Engine[int](snapshot, slots=2, steps=4).run(requests))
    return {result.key: result.pixels for result in results if result.pixels is not None}


def largest_difference(one: dict[int, NDArray[np.uint8]], other: dict[int, NDArray[np.uint8]]) -> int:
    return max(int(np.abs(one[key].astype(int) - other[key]).max()) for key in one)


def check_neighbors(snapshot: Snapshot) -> dict[int, NDArray[np.uint8]]:
    """Each image has the same bytes alone as in a batch with others."""
    all_images = made(snapshot, REQUESTS)
    for request in REQUESTS:
        assert np.array_equal(made(snapshot, [request])[request.key], all_images[request.key])
    return all_images


class Counting(TorchFunctionMode):
    """Counts the calls of torch's scaled_dot_product_attention."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += func is torch.nn.functional.scaled_dot_product_attention
        return func(*args, **(kwargs or {}))


def attention_calls(snapshot: Snapshot) -> int:
    latents, embeddings = torch.zeros(2, *snapshot.latent_shape), torch.zeros(2, 32, 64)
    counting = Counting()
    with counting:
        snapshot.unet(latents, torch.tensor([1, 2]), embeddings)
    return counting.calls


def test_the_choice_of_attention_has_an_effect_and_changes_no_image() -> None:
    torch_own, sliced = (load(locate("digits"), "cpu", attention=choice) for choice in ("sdpa", "sliced"))
    layers = len(torch_own.unet.attn_processors)
    assert (attention_calls(torch_own), attention_calls(sliced)) == (layers, 0)
    assert largest_difference(check_neighbors(torch_own), check_neighbors(sliced)) <= 1


@pytest.mark.skipif(XFORMERS_RUNS, reason="xformers works on this CPU")
def test_xformers_without_kernels_is_refused() -> None:
    with pytest.raises(ModelError, match=r"--attention xformers does not work on cpu in float32: .*install") as caught:
        load(locate("digits"), "cpu", attention="xformers")
    assert "leave out --attention" in str(caught.value.hint)


def test_torch_attention_that_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel that torch selects runs but returns zeros, as in some broken builds; its other kernels are correct."""
    correct = torch.nn.functional.scaled_dot_product_attention

    def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return correct(query, key, value) * (0 if torch.backends.cuda.flash_sdp_enabled() else 1)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", attend)
    assert {kernel.name: kernel.works for kernel in attention.kernels(CPU, torch.float32)}["math"]
    with pytest.raises(ModelError, match="--attention sdpa does not work on cpu in float32: its result is wrong"):
        load(locate("digits"), "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_other_rows_change_nothing_on_a_gpu() -> None:
    check_neighbors(load(locate("digits"), "cuda"))


@slow
@pytest.mark.skipif(not compiling.compiler(), reason="needs a C++ compiler")
def test_compiled_transformer_blocks_make_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", f"{default_cache_dir()}-of-tests")  # kept from run to run
    eager = replace(load(locate("digits"), "cpu"), unet=small_unet())
    compiled = replace(eager, unet=small_unet())
    with inductor.patch(compile_threads=1):  # no process pool, each process of which would import torch
        compiling.use("regional", compiled.unet, CPU)
        images = check_neighbors(compiled)
    assert largest_difference(images, made(eager, REQUESTS)) <= 1
    parts = {type(part).__name__ for part in compiled.unet.modules() if part._compiled_call_impl is not None}
    assert parts == {"BasicTransformerBlock"}


@pytest.mark.skipif(not compiling.compiler(), reason="needs a C++ compiler")
def test_compiled_code_is_kept_in_genies_cache_unless_a_person_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for before, after in ((default_cache_dir(), tmp_path / "genie/compiled"), ("/elsewhere", "/elsewhere")):
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", before)  # torch does so itself, with its default
        compiling.use("full", torch.nn.Linear(1, 1), CPU)  # which is compiled at its first call
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(after)


@pytest.mark.parametrize("choice", ["regional", "full"])
def test_a_missing_compiler_is_reported(monkeypatch: pytest.MonkeyPatch, choice: str) -> None:
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert not compiling.compiler()
    with pytest.raises(ModelError, match=f"--compile {choice} needs a C") as caught:
        load(locate("digits"), "cpu", compiled=choice)
    assert "--compile off" in str(caught.value.hint)
