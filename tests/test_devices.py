"""Device names, the devices and precisions they stand for, and how memory is reused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from genie_cli.devices import (
    choose_device,
    choose_dtype,
    device_trouble,
    is_main_process,
    keep_freed_memory,
    parse_device,
    parse_devices,
)
from genie_cli.errors import ModelError, UsageError, said
from genie_cli.processor import is_of_amd, multiplies_bfloat16


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:1", "cuda:12", "mps", "mps:0", "xpu:3"])
def test_device_names_are_accepted(name: str) -> None:
    assert parse_device(name) == name
    if name != "auto":
        assert str(torch.device(name)) == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gpu", "cuda"),
        ("gpu:1", "cuda:1"),
        ("GPU", "cuda"),
        ("CUDA", "cuda"),
        ("cud", "cuda"),
        ("cuda1", "cuda:1"),
        ("cuda:x", "cuda:0"),
        ("cuda:-1", "cuda:1"),
        ("cuda:00", "cuda:0"),
        ("cuda:", "cuda"),
        ("0", "cuda:0"),
        ("rocm", "cuda"),
        ("metal", "mps"),
        ("cpu ", "cpu"),
        ("Auto", "auto"),
        ("auto:1", "auto"),
    ],
)
def test_the_nearest_name_is_suggested(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_device(name)
    assert str(caught.value) == f"there is no device {name!r}; did you mean {meant}?"
    assert caught.value.hint == "use --device cpu, cuda, cuda:1 or mps; see genie doctor"
    assert caught.value.exit_code == 2
    assert parse_device(meant) == meant


@pytest.mark.parametrize("name", ["", " ", ":", "abacus", "warp", "cpu,cuda", "cuda:0:1", "cudà"])
def test_a_name_that_is_like_none_gets_no_suggestion(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_device(name)
    assert str(caught.value) == f"there is no device {name!r}"


@pytest.mark.parametrize("several", ["cuda:0,cuda:1", "cuda:0, cuda:1", "cpu*2", "all"])
def test_of_a_list_it_is_said_where_it_goes(several: str) -> None:
    for use in (parse_device, choose_device):
        with pytest.raises(UsageError) as caught:
            use(several)
        assert str(caught.value) == f"--device takes one device, and {several!r} are several"
        assert f"use --devices {several} with the commands that make images" in caught.value.hint
    assert parse_devices(several)


def test_an_apple_gpu_is_chosen_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cpu")  # this build of torch has no kernels for it
    monkeypatch.setattr("genie_cli.devices._mps_works", lambda: True)
    with pytest.raises(ModelError, match="device 'mps' cannot be used"):
        choose_device("auto")


def test_parsing_a_name_does_not_import_torch() -> None:
    program = (
        "import sys; from genie_cli.devices import parse_device; parse_device('cuda:1'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_cpu_can_always_be_used() -> None:
    assert choose_device("cpu") == choose_device("cpu:0") == choose_device("cpu:1") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("abacus", "it is not the name of a device"),
        ("cuda:x", "it is not the name of a device"),
        ("", "it is not the name of a device"),
        ("meta", "it holds no data"),
        pytest.param(
            "cuda",
            "(there is no NVIDIA driver on this machine|this build of torch does not support it)",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA works here"),
        ),
        pytest.param(
            "mps",
            "this build of torch does not support it",
            marks=pytest.mark.skipif(torch.backends.mps.is_available(), reason="MPS works here"),
        ),
    ],
)
def test_a_device_that_cannot_be_used_says_why(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=f"^device '{name}' cannot be used: {reason}$") as caught:
        choose_device(name)
    assert caught.value.hint == "see genie doctor, or use --device cpu"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("CUDA error: invalid device ordinal\nGPU device may be out of range", "there is no GPU with this number"),
        (
            "CUDA error: all CUDA-capable devices are busy or unavailable\nCUDA kernel errors might be ...",
            "another process has exclusive use of the GPU",
        ),
        ("Torch not compiled with CUDA enabled", "this build of torch does not support it"),
        ("CUDA error: unspecified launch failure\nmore", "torch says: CUDA error: unspecified launch failure"),
        ("", "torch says: RuntimeError"),
    ],
)
def test_what_torch_says_becomes_a_phrase(message: str, reason: str) -> None:
    assert device_trouble(RuntimeError(message)) == reason


def test_the_first_line_of_an_error() -> None:
    assert said(ValueError("\n one\ntwo")) == "one"
    assert said(KeyError()) == "KeyError"


def test_half_is_half_where_that_is_fast() -> None:
    half = torch.bfloat16 if multiplies_bfloat16() else torch.float32
    assert choose_dtype("half", torch.device("cpu")) is half
    assert choose_dtype("half", torch.device("cuda")) is torch.float16


@pytest.mark.parametrize(
    ("described", "amd"),
    [
        ("model name\t: AMD EPYC 9R14\nvendor_id\t: AuthenticAMD", True),
        ("model name\t: Intel(R) Xeon(R) Platinum 8488C\nvendor_id\t: GenuineIntel", False),
        ("AMD64 AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", True),  # Windows
        ("AMD64 Intel64 Family 6 Model 186 Stepping 2, GenuineIntel", False),
        ("arm64 arm", False),  # macOS
        ("", False),
    ],
)
def test_who_made_a_processor(described: str, amd: bool) -> None:
    assert is_of_amd(described) is amd


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_a_precision_that_is_named_is_taken(name: str) -> None:
    for device in ("cpu", "cuda"):
        assert choose_dtype(name, torch.device(device)) is getattr(torch, name)
    assert choose_dtype("auto", torch.device("cpu")) is torch.float32
    assert choose_dtype("auto", torch.device("cuda")) is torch.float16


@pytest.mark.parametrize(("rank", "main"), [(None, True), ("0", True), ("1", False), ("10", False)])
def test_one_of_torchruns_processes_is_the_main_one(
    monkeypatch: pytest.MonkeyPatch, rank: str | None, main: bool
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_main_process() is main


@pytest.mark.skipif(not keep_freed_memory(), reason="needs glibc")
def test_freed_memory_is_used_again() -> None:
    """A tensor as large as the last one that was freed costs the system no new pages, or 20 would cost 40,960."""
    import resource

    def faults() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    for _ in range(20):
        torch.zeros(2**21)  # 8 MiB: 2048 pages
    before = faults()
    for _ in range(20):
        torch.zeros(2**21)
    assert faults() - before < 4 * 2048  # whatever else happens in the process costs some
