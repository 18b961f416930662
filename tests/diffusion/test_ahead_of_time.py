"""Code compiled ahead of time: the same predictions, kept for the next run, and made anew where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genie_cli.diffusion import compiling
from genie_cli.diffusion.ahead_of_time import CompiledUNet
from genie_cli.errors import ModelError
from tests.diffusion.small_unet import small_unet

pytestmark = pytest.mark.skipif(not compiling.compiler(), reason="needs a C++ compiler")


def inputs(rows: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """A UNet's inputs as the engine gives them, twice the same."""
    with torch.inference_mode():
        found = {
            "sample": torch.linspace(-1, 1, rows * 256).reshape(rows, 4, 8, 8),
            "timestep": torch.arange(rows) * 300,
            "encoder_hidden_states": torch.linspace(1, -1, rows * 5 * 64).reshape(rows, 5, 64),
        }
    return found, dict(found)


@torch.inference_mode()
def predicted(unet: Callable[..., Any], rows: int = 2) -> torch.Tensor:
    found, same = inputs(rows)
    result: torch.Tensor = unet(found.pop("sample"), found.pop("timestep"), **found).sample
    assert all(torch.equal(same[name], each) for name, each in found.items())
    return result


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code of `small_unet` for two rows."""
    folder = tmp_path_factory.mktemp("compiled") / "new"
    unet = small_unet()
    assert torch.allclose(predicted(CompiledUNet(unet, folder)), predicted(unet), atol=1e-5)
    return folder


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling anew fails, with a message of several lines as torch's are."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no headers\nStack trace:")

    monkeypatch.setattr(torch.export, "export", fail)


@pytest.mark.usefixtures("no_export")
def test_a_later_run_reads_it_and_takes_its_own_weights(kept: Path) -> None:
    unet = small_unet()
    with torch.no_grad():
        unet.conv_out.weight.mul_(2)
    compiled = CompiledUNet(unet, kept)
    assert torch.allclose(predicted(compiled), predicted(unet), atol=1e-5)
    assert torch.equal(predicted(compiled), predicted(CompiledUNet(unet, kept)))


@pytest.mark.usefixtures("no_export")
@torch.inference_mode()
def test_a_row_does_not_depend_on_its_neighbor(kept: Path) -> None:
    compiled, (found, _) = CompiledUNet(small_unet(), kept), inputs()
    sample = found["sample"]
    other = torch.stack([sample[0], -sample[1]])
    rest = {"timestep": found["timestep"], "encoder_hidden_states": found["encoder_hidden_states"]}
    first = compiled(sample, **rest).sample
    before, second = first.clone(), compiled(other, **rest).sample
    assert torch.equal(first, before)  # a later call writes into no earlier result
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


@pytest.mark.usefixtures("no_export")
@pytest.mark.parametrize("change", ["rows", "threads", "damage"])
def test_code_that_does_not_fit_is_not_used(kept: Path, tmp_path: Path, change: str) -> None:
    [file] = kept.iterdir()
    (tmp_path / file.name).write_bytes(file.read_bytes()[: 1000 if change == "damage" else None])
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + (change == "threads"))
    try:
        with pytest.raises(ModelError, match=r"--compile full does not work here; torch says: no headers$") as caught:
            predicted(CompiledUNet(small_unet(), tmp_path), rows=3 if change == "rows" else 2)
    finally:
        torch.set_num_threads(threads)
    assert "--compile off" in str(caught.value.hint)
