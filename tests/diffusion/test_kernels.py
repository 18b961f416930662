"""Attention kernels: each is tried before it is trusted, xFormers above all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from genie_cli.diffusion.attention import INSTALL_XFORMERS, Kernel, kernels

CPU = torch.device("cpu")


def kernel(name: str, device: torch.device = CPU) -> Kernel:
    (found,) = [kernel for kernel in kernels(device, torch.float32) if kernel.name == name]
    return found


class TestKernels:
    def test_the_formula_works_everywhere(self) -> None:
        assert kernel("math") == Kernel("math", True)

    def test_a_kernel_that_the_device_lacks_says_so(self) -> None:
        assert kernel("cudnn") == Kernel("cudnn", False, "torch has no such kernel for torch.float32 on cpu")

    def test_a_device_that_does_not_compute_breaks_nothing(self) -> None:
        found = kernels(torch.device("meta"), torch.float32)
        assert not any(kernel.works for kernel in found)
        assert all(kernel.reason and "\n" not in kernel.reason for kernel in found)

    def test_testing_kernels_does_not_change_the_global_random_state(self) -> None:
        before = torch.get_rng_state()
        kernels(CPU, torch.float32)
        assert torch.equal(before, torch.get_rng_state())


class TestXformers:
    """Against small stand-ins for the package, each broken as real wheels have been."""

    @pytest.fixture
    def stand_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
        def loaded() -> list[str]:
            return [name for name in sys.modules if name.partition(".")[0] == "xformers"]

        def write(ops: str = "", failure: str = "None", init: str = "") -> None:
            folder = tmp_path / "xformers"
            folder.mkdir()
            (folder / "__init__.py").write_text(init)
            (folder / "_cpp_lib.py").write_text(f"_cpp_library_load_exception = {failure}\n")
            (folder / "ops.py").write_text(ops)
            monkeypatch.syspath_prepend(tmp_path)

        for name in loaded():
            monkeypatch.delitem(sys.modules, name)
        yield write
        for name in loaded():
            del sys.modules[name]

    def test_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "xformers", None)
        found = kernel("xformers")
        assert not found.works
        assert found.reason.startswith("it is not installed; ")
        assert INSTALL_XFORMERS in found.reason
        assert torch.__version__ in found.reason

    def test_a_library_for_another_torch(
        self, stand_in: Callable[..., None], capfd: pytest.CaptureFixture[str]
    ) -> None:
        stand_in(
            init="import logging, warnings\n"
            "logging.getLogger('xformers').warning('a page of words')\nwarnings.warn('and more')\n",
            failure="ImportError('It was built for:\\n    PyTorch 2.10.0 (you have 2.14.1)\\n  Please reinstall')",
            ops="def memory_efficient_attention(q, k, v): return q\n",
        )
        found = kernel("xformers")
        assert not found.works
        assert found.reason.startswith("It was built for: PyTorch 2.10.0 (you have 2.14.1); ")
        assert INSTALL_XFORMERS in found.reason
        assert capfd.readouterr() == ("", "")

    def test_a_library_that_cannot_be_linked(self, stand_in: Callable[..., None]) -> None:
        stand_in(ops="raise OSError('undefined symbol: _ZN3c10')\n")
        assert kernel("xformers").reason.startswith("undefined symbol: _ZN3c10; ")

    def test_no_kernel_for_this_device(self, stand_in: Callable[..., None]) -> None:
        message = (
            "No operator found with inputs:\n     query : (2, 64)\n"
            "`a` is not supported because:\n    device=cpu\n    dtype=float32\n"
            "`b` is not supported because:\n    device=cpu"
        )
        stand_in(ops=f"def memory_efficient_attention(q, k, v): raise NotImplementedError({message!r})\n")
        assert kernel("xformers") == Kernel("xformers", False, "device=cpu; dtype=float32")

    def test_a_wrong_result(self, stand_in: Callable[..., None]) -> None:
        stand_in(ops="def memory_efficient_attention(q, k, v): return q * float('nan')\n")
        assert kernel("xformers") == Kernel("xformers", False, "its result is wrong by nan")

    def test_one_that_works_and_warns(self, stand_in: Callable[..., None]) -> None:
        stand_in(
            ops="import warnings\nfrom torch.nn.functional import scaled_dot_product_attention\n"
            "def memory_efficient_attention(q, k, v):\n"
            "    warnings.warn('it is slow here (Triggered internally at a.cpp:1.)')\n"
            "    q, k, v = (x.transpose(1, 2) for x in (q, k, v))\n"
            "    return scaled_dot_product_attention(q, k, v).transpose(1, 2)\n"
        )
        assert kernel("xformers") == Kernel("xformers", True, "it is slow here")
