"""timm's models from a hub: what is to be downloaded is said, and trouble is one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import timm

from tests.diffusion.local_hub import Fault, LocalHub, local_hub

NAME = "test_resnet.r160_in1k"
REPOSITORY = f"timm/{NAME}"  # where timm looks for it


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    timm.models.save_for_hf(timm.create_model(NAME), root / REPOSITORY, safe_serialization=True)
    (root / REPOSITORY / "pytorch_model.bin").write_bytes(b"not read if there are safetensors")
    return root


@pytest.fixture
def hub(root: Path) -> Iterator[LocalHub]:
    with local_hub(root) as hub:
        yield hub


@pytest.mark.parametrize(("name", "files"), [(NAME, "1 file"), (f"hf-hub:{REPOSITORY}", "2 files")])
def test_the_size_is_said_and_trouble_is_one_line(hub: LocalHub, tmp_path: Path, name: str, files: str) -> None:
    size = (hub.root / REPOSITORY / "model.safetensors").stat().st_size
    hub.faults = [Fault("GET", "api/models", times=1), Fault("HEAD", "model.safetensors", status=0, times=1)]
    warning, _, found, loaded, again = hub.told("load", name, name, cache=tmp_path)
    assert warning == ("warning", "the hub does not answer; trying again")
    assert found == ("found", f"downloading {REPOSITORY}: {size / 1e6:.1f} MB, {files}, to {tmp_path / 'hub'}")
    assert loaded[0] == "identity"
    assert again == loaded
