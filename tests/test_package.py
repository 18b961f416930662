"""The wheel and the source archive: the same bytes wherever they are built, and nothing in them that leads nowhere."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from genie_cli import __version__
from genie_cli.header import versions

ROOT = Path(__file__).parents[1]
NAME = f"genie_cli-{__version__}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def metadata(built: Path) -> Message:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        return message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))


def build(source: Path, into: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", into],
        cwd=source,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return into


def files(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_same_bytes_are_built_elsewhere_and_later(built: Path, unpacked: Path, tmp_path: Path) -> None:
    if not (ROOT / "PKG-INFO").exists():  # in a clone; the archive's own, which would be put in first
        (unpacked / "PKG-INFO").unlink()
    for path in unpacked.rglob("*.py"):
        path.touch()
        path.chmod(0o600)
    again = build(unpacked, tmp_path)
    for name in (f"{NAME}.tar.gz", f"{NAME}-py3-none-any.whl"):
        assert (built / name).read_bytes() == (again / name).read_bytes(), name


def test_both_are_small(built: Path) -> None:
    assert all(path.stat().st_size < 25e6 for path in built.iterdir())


def test_the_wheel_has_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    told = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    assert names - told == {f"genie_cli/{name}" for name in files(ROOT / "src/genie_cli")}
    assert f"{NAME}.dist-info/licenses/LICENSE" in told


def test_the_source_archive_has_what_its_tests_read(unpacked: Path) -> None:
    for folder in ("src", "tests", "benchmarks", "training", "docs"):
        assert files(unpacked / folder) >= {name for name in files(ROOT / folder) if "egg-info" not in name}
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "check", "constraints.txt"} <= files(unpacked)


def test_the_page_of_an_index_has_no_relative_link(metadata: Message) -> None:
    assert metadata["Version"] == __version__
    page = str(metadata.get_payload())
    assert "# genie" in page
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert links
    assert all(link.startswith("https://") for link in links)


def test_no_message_names_a_page_that_is_not_installed() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(?<![/\w])docs/[\w-]+\.md", node.value), f"{path}, line {node.lineno}"


def test_it_runs_from_its_sources_without_being_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.distribution

    def distribution(name: str) -> importlib.metadata.Distribution:
        if name == "genie-cli":
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    assert versions()["genie-cli"] == __version__
