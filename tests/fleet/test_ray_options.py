"""What --ray and --workers go with, and what is said where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.config import Model
from genie_cli.errors import UsageError
from genie_cli.fleet.ray_bridge import _ending
from tests.fleet.conftest import HOW, Library


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 2}, "--workers goes with --ray"),
        ({"ray": "local", "devices": "cpu*2"}, "--devices does not go with --ray"),
        ({"ray": "head"}, "ray: must be local, auto, or the address"),
        ({"ray": "ray://head:10001"}, "ray: must be local, auto, or the address"),
        ({"ray": "local", "workers": -1}, "workers: must be a whole number, at least 0"),
    ],
)
def test_options_that_do_not_go_together(
    library: Library, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        api.generate(library.photos, "seven", out=tmp_path / "out", **HOW, **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["", "local", "auto", "10.0.0.1:6379", "head-1.example.org:1", "[fe80::1]:6379"])
def test_addresses(address: str) -> None:
    assert Model(ray=address).ray == address


def test_without_ray_the_line_that_installs_it(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genie_cli.generate.request.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package ray") as raised:
        api.generate(library.photos, "seven", out=tmp_path / "out", ray="local", **HOW)
    assert raised.value.hint == "pip install 'genie-cli[ray]'"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Task was killed due to the node running low on memory.\nMore", "killed by Ray for lack of memory"),
        ("The actor died because its node has died. Node Id: 12", "its machine has left the cluster"),
        (
            "Worker exit detail: connection error code 2. End of file",
            "its process was killed, perhaps for lack of memory",
        ),
        ("The actor 5b is unavailable: rpc_code: 14", "it does not answer any more"),
        ("One line\nand another", "and another"),
        ("", "for no reason that Ray knows"),
    ],
)
def test_why_a_worker_ended(said: str, meant: str) -> None:
    assert _ending(said) == meant
