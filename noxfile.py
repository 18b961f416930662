"""What `./check` leaves out: other Pythons, the lowest versions, and the built package.

`nox` runs all of it, which takes hours; `nox -l` lists it; `nox -s tests-3.13 -- tests/oracle` runs a part. Each
session installs what it needs, about 6 GB that uv shares between them, in an environment of its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
EXTRAS = ("export", "lite0", "plots", "ray")
# Tests that read files, the repository's and old ones: what an archive could lack.
OF_AN_ARCHIVE = (
    "tests/test_docs.py",
    "tests/test_old_versions.py",
    "tests/test_package.py",
    "tests/files",
    "tests/data",
)

# Tests that need newer packages themselves: how rich lays a page out, a module of it, a network without memory, Sphinx.
OF_TODAY = (
    "--deselect=tests/finetune/test_optimizer.py::test_the_layers_of_vit_b_16",
    "--deselect=tests/cli/test_app.py::test_the_commands_page_is_up_to_date",
    "--deselect=tests/cli/test_endings.py::test_a_container_without_a_home_and_without_a_name",
    "--ignore=tests/docs/test_site.py",
)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Style, types, import order: the first part of ./check."""
    _install(session, "dev")
    session.run("pre-commit", "run", "--all-files")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, or those that are named after --, with the versions of constraints.txt."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ("-n", "2", "--dist", "worksteal")))


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The same with the lowest versions that pyproject.toml allows: each that it names, exactly."""
    pins = Path(session.create_tmp()) / "lowest.txt"
    pins.write_text("\n".join(_lowest()) + "\n", encoding="utf-8")
    extras = ",".join(EXTRAS)
    session.install("--resolution", "lowest-direct", "-c", str(pins), "-e", f".[{extras}]", "--group", "test")
    session.run("pytest", *OF_TODAY, *(session.posargs or ("-n", "2", "--dist", "worksteal")))


@nox.session(python=PYTHONS[0])
def package(session: nox.Session) -> None:
    """The built package: its metadata, the demo as pipx and uvx install it, and the source archive's tests."""
    session.install("build", "pipx", "twine", "uv")
    built = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(built, ignore_errors=True)
    session.run("python", "-m", "build", "--installer", "uv", "--outdir", str(built))
    [wheel], [archive] = built.glob("*.whl"), built.glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(archive))

    away = {"PIPX_HOME": str(built / "pipx"), "PIPX_BIN_DIR": str(built / "bin"), "PYTHONPATH": None}
    with session.chdir(built):
        session.run("pipx", "install", "--force", str(wheel), env=away)
        session.run("uvx", "--from", str(wheel), "genie", "--version", env=away)
        session.run(str(built / "bin/genie"), "demo", external=True, env=away)
        session.run("tar", "-xzf", str(archive), external=True)
    with session.chdir(built / archive.name.removesuffix(".tar.gz")):
        _install(session, "test")
        session.run("pytest", *(session.posargs or OF_AN_ARCHIVE))


def _install(session: nox.Session, group: str) -> None:
    session.install("-c", "constraints.txt", "-e", ".", "--group", group)


def _lowest() -> Iterator[str]:
    """``name==version`` for each ``name>=version`` of the package and its extras."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    for requirement in (*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra])):
        name, bound = re.match(r"([\w.-]+)[><=]+([\w.]+)", requirement).groups()  # type: ignore[union-attr]
        yield f"{name}=={bound}"
