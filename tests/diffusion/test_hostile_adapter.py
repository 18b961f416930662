"""Whatever is in the file of a LoRA, a textual inversion or a checkpoint, only genie's own errors come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from genie_cli.diffusion import lora, textual_inversion
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.locate import locate
from genie_cli.errors import GenieError
from genie_cli.observer import Observer
from tests.damage import damaged, only_our_errors

LORA = save(
    {
        "lora_unet_to_q.lora_down.weight": torch.ones(2, 8),
        "lora_unet_to_q.lora_up.weight": torch.ones(8, 2),
        "lora_unet_to_q.alpha": torch.tensor(1.0),
    },
    metadata={"lora_adapter_metadata": '{"unet.lora_alpha": 4, "unet.use_dora": false}'},
)
WORD = save({"<x>": torch.ones(2, 8)})
CHECKPOINT = save(
    {
        "model.diffusion_model.input_blocks.0.0.weight": torch.ones(8, 4, 3, 3),
        "first_stage_model.x": torch.ones(2, 2),
        "cond_stage_model.transformer.x": torch.ones(2, 2),
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(path / "cache"))
        yield path


def fuse(file: Path) -> None:
    lora.fuse(Adapter("lora", file, "0" * 64), {"unet": torch.nn.ModuleDict({"to_q": torch.nn.Linear(8, 8)})})


def read(file: Path) -> None:
    textual_inversion.read(Adapter("embedding", file, "0" * 64), 8)


def convert(file: Path) -> None:
    locate(str(file), observer=Observer())


READERS: dict[str, tuple[bytes, Callable[[Path], None]]] = {
    "lora": (LORA, fuse),
    "word": (WORD, read),
    "checkpoint": (CHECKPOINT, convert),
}


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=15)
@given(data=st.data())
def test_a_damaged_file(folder: Path, kind: str, data: st.DataObject) -> None:
    content, reader = READERS[kind]
    file = folder / f"{kind}.safetensors"
    file.write_bytes(data.draw(damaged(content)))
    error = only_our_errors(lambda: reader(file))
    assert error is None or file.name in str(error)


@pytest.mark.parametrize("said", ["[]", "3", "{", '{"unet.lora_alpha": "x"}', '{"unet.lora_alpha": [1]}', "[" * 10_000])
def test_metadata_that_is_none(folder: Path, said: str) -> None:
    file = folder / "metadata.safetensors"
    file.write_bytes(save({"unet.to_q.lora_A.weight": torch.ones(2, 8)}, metadata={"lora_adapter_metadata": said}))
    with pytest.raises(GenieError, match="cannot be added"):
        fuse(file)
