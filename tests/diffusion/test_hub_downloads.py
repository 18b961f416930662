"""Downloads from a hub: how much is said before, trouble is one line each, and what is there is not fetched."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from genie_cli.diffusion.downloads import size_text
from tests.diffusion.local_hub import COMMIT, Fault, LocalHub, local_hub
from tests.diffusion.snapshots import copied, edit, tiny_xl

NAME = "somebody/tiny"
UNET = "unet/diffusion_pytorch_model.safetensors"
GOT_IT = ("identity", f"{NAME}@{COMMIT}")
NO_ANSWER = ("warning", "the hub does not answer; trying again")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the hub has: the bundled model, and something that is not downloaded."""
    root = tmp_path_factory.mktemp("hub")
    copied(root / NAME)
    (root / NAME / "v1-5-pruned.ckpt").write_bytes(b"pickled")
    return root


@pytest.fixture
def hub(root: Path) -> Iterator[LocalHub]:
    with local_hub(root) as hub:
        yield hub


@pytest.fixture(scope="module")
def _filled(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled")
    with local_hub(root) as hub:
        assert hub.told("locate", NAME, cache=home)[-1] == GOT_IT
    return home


@pytest.fixture
def filled(_filled: Path, tmp_path: Path) -> Path:
    """HF_HOME with the whole model."""
    return Path(shutil.copytree(_filled, tmp_path / "filled", symlinks=True))


def test_the_size_is_said_before_and_the_progress_after(hub: LocalHub, tmp_path: Path) -> None:
    files = [file for name, file in hub.files(NAME).items() if "/" in name]  # the index is there by then
    size = sum(file.stat().st_size for file in files)
    assert hub.told("locate", NAME, cache=tmp_path) == [
        ("cached", "0 files"),
        ("found", f"downloading {NAME}: {size / 1e6:.1f} MB, {len(files)} files, to {tmp_path / 'hub'}"),
        ("progress", f"MB downloaded: {size // 10**6} of {size // 10**6 + 1}"),
        GOT_IT,
    ]


def test_a_model_of_two_text_encoders_is_downloaded_whole(tmp_path: Path) -> None:
    tiny_xl(tmp_path / "root/somebody/xl")
    with local_hub(tmp_path / "root") as hub:
        told = hub.told("locate", "somebody/xl", cache=tmp_path / "home")
        assert told[-1] == ("identity", f"somebody/xl@{COMMIT}")
        hub.requests.clear()
        assert hub.told("locate", "somebody/xl", cache=tmp_path / "home") == told[-1:]
    assert hub.requests == []


def test_a_model_that_does_not_run_is_refused_before_its_weights_are_downloaded(tmp_path: Path) -> None:
    folder = copied(tmp_path / "root" / NAME)
    edit(folder / "model_index.json", _class_name="StableDiffusion3Pipeline")
    with local_hub(tmp_path / "root") as hub:
        [*_, (kind, message)] = hub.told("locate", NAME, cache=tmp_path / "home")
    assert (kind, "it is Stable Diffusion 3" in message) == ("error", True)
    assert not [request for request in hub.requests if "safetensors" in request]


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_of_what_is_cached_nothing_is_said_or_asked(hub: LocalHub, filled: Path, environment: dict[str, str]) -> None:
    assert hub.told("locate", NAME, cache=filled, **environment) == [GOT_IT]
    assert hub.requests == []


def test_offline_nothing_is_asked(hub: LocalHub, tmp_path: Path) -> None:
    [(kind, message)] = hub.told("locate", NAME, cache=tmp_path, HF_HUB_OFFLINE="1")
    assert kind == "error"
    assert "HF_HUB_OFFLINE forbids downloads" in message
    assert hub.requests == []


def test_only_files_that_are_not_in_the_cache_count(hub: LocalHub, filled: Path) -> None:
    link = filled / f"hub/models--somebody--tiny/snapshots/{COMMIT}" / UNET
    link.resolve().unlink()
    link.unlink()
    size = (hub.root / NAME / UNET).stat().st_size
    told = hub.told("locate", NAME, cache=filled)
    assert ("found", f"downloading {NAME}: {size / 1e6:.1f} MB, 1 file, to {filled / 'hub'}") in told
    assert told[-1] == GOT_IT
    assert [each for each in hub.requests if each.startswith("GET somebody")] == [f"GET {NAME}/resolve/{COMMIT}/{UNET}"]


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("GET", "api/models", times=2)],
        [Fault("GET", "/tree/", times=1), Fault("HEAD", UNET, status=0, times=1)],
        [Fault("GET", UNET, times=2), Fault("GET", "vae", status=0, times=1)],
    ],
    ids=["model", "list", "file"],
)
def test_trouble_that_passes_is_one_line(hub: LocalHub, tmp_path: Path, faults: list[Fault]) -> None:
    hub.faults = faults
    told = hub.told("locate", NAME, cache=tmp_path)
    assert told.count(NO_ANSWER) == sum(kind == "warning" for kind, _ in told) == 1
    assert told[-1] == GOT_IT


def test_too_many_requests_are_told_as_such(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults = [Fault("GET", UNET, status=429, times=3)]
    told = hub.told("locate", NAME, cache=tmp_path)
    [warning] = [message for kind, message in told if kind == "warning"]
    assert warning.startswith("the hub takes no more requests for now; waiting")
    assert told[-1] == GOT_IT


def test_a_connection_that_breaks_goes_on_where_it_was(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults = [Fault("GET", UNET, status=200, cut=1_000_000, times=1)]
    told = hub.told("locate", NAME, cache=tmp_path)
    assert (told.count(NO_ANSWER), told[-1]) == (1, GOT_IT)
    assert f"GET {NAME}/resolve/{COMMIT}/{UNET} from 1000000" in hub.requests


def test_a_download_that_failed_keeps_its_files(hub: LocalHub, tmp_path: Path) -> None:
    hub.faults = [Fault("GET", UNET, status=403)]
    told = hub.told("locate", NAME, cache=tmp_path)
    assert told[-1][0] == "error"
    hub.faults = []
    again = hub.told("locate", NAME, cache=tmp_path)
    assert any(kind == "found" and " MB, 1 file, " in message for kind, message in again)
    assert again[-1] == GOT_IT


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault("GET"), "503 Service Unavailable"), (Fault("GET", status=0), "the hub cannot be reached")],
)
def test_a_hub_that_never_answers_is_one_line_and_an_error(
    hub: LocalHub, tmp_path: Path, fault: Fault, reason: str
) -> None:
    hub.faults = [fault]
    warning, (kind, message) = hub.told("locate", NAME, cache=tmp_path)
    assert (warning, kind) == (NO_ANSWER, "error")
    assert f"model {NAME} is not on this machine and could not be downloaded" in message
    assert reason in message


def test_no_hub_is_one_line_and_an_error(hub: LocalHub, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # does not listen
        hub.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        warning, (kind, message) = hub.told("locate", NAME, cache=tmp_path)
    assert (warning, kind) == (NO_ANSWER, "error")
    assert "the hub cannot be reached" in message


def test_an_unknown_model_is_an_error_without_another_try(hub: LocalHub, tmp_path: Path) -> None:
    [(kind, message)] = hub.told("locate", "somebody/else", cache=tmp_path)
    assert kind == "error"
    assert "the hub has no such model" in message


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (10_641_000, "10.6 MB"), (3_438_167_540, "3.4 GB")],
)
def test_sizes_are_written_as_a_person_reads_them(size: int, text: str) -> None:
    assert size_text(size) == text
