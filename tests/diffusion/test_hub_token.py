"""HF_TOKEN is sent to the hub, and appears nowhere else: not in output, errors, manifests or metadata."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genie_cli.errors import said
from tests.diffusion.local_hub import Fault, LocalHub, local_hub
from tests.diffusion.snapshots import copied

ROOT = Path(__file__).parents[2]
SECRET = "hf_" + "Q7xSecretSecretSecretSecretSecret1"
NAME = "somebody/tiny"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    copied(root / NAME)
    return root


@pytest.fixture
def hub(root: Path) -> Iterator[LocalHub]:
    with local_hub(root) as hub:
        yield hub


def everything(hub: LocalHub, tmp_path: Path, token: str, *words: str) -> tuple[int, str]:
    """The exit code, and all that a command printed and wrote, one text."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GENIE_"))}
    own |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": token, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "genie_cli", *words]
    ended = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, timeout=120, check=False)
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    written = b"".join(file.read_bytes() for file in files)
    return ended.returncode, (ended.stdout + ended.stderr + written).decode("utf-8", "replace")


def generated(hub: LocalHub, tmp_path: Path, token: str = SECRET, name: str = NAME) -> tuple[int, str]:
    words = ("--method", "txt2img", "--targets", "three", "--per-target", "1", "--steps", "2", "--slots", "1")
    return everything(
        hub, tmp_path, token, "generate", "--model", name, "--out", str(tmp_path / "out"), "--device", "cpu", *words
    )


def test_what_was_made_does_not_have_it(hub: LocalHub, tmp_path: Path) -> None:
    code, text = generated(hub, tmp_path)
    assert hub.authorizations == {f"Bearer {SECRET}"}
    assert code == 0, text[:1000]
    assert NAME in text
    assert SECRET not in text


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("command", ["locate", "load"])
def test_errors_do_not_have_it(hub: LocalHub, tmp_path: Path, command: str, status: int) -> None:
    hub.faults = [Fault("GET", status=status), Fault("HEAD", status=status)]
    name = NAME if command == "locate" else f"hf-hub:{NAME}"
    told = hub.told(command, name, cache=tmp_path, HF_TOKEN=SECRET)
    assert hub.authorizations == {f"Bearer {SECRET}"}
    assert told[-1][0] == "error"
    assert SECRET not in str(told)


@pytest.mark.parametrize("more", ["\x01\x02", "\u201d", "\nX: y"])
def test_a_token_that_no_header_can_hold_is_not_quoted(hub: LocalHub, tmp_path: Path, more: str) -> None:
    told = hub.told("locate", NAME, cache=tmp_path, HF_TOKEN=SECRET + more)
    assert told
    assert SECRET not in str(told)


def test_other_libraries_words_are_passed_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(ValueError(f"Illegal header value b'Bearer {SECRET}'")) == "Illegal header value b'Bearer (a token)'"
    monkeypatch.setenv("HF_TOKEN", "of-another-kind")
    assert said(ValueError("bad token of-another-kind")) == "bad token (a token)"
