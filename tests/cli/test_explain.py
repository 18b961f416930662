"""The line that `genie explain` prints does one thing in a shell, whatever the image says and is called."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genie_cli import provenance
from genie_cli.config import Format
from genie_cli.errors import ImageError
from genie_cli.generate.command import command_of_image
from tests.conftest import Genie
from tests.records import a_job, gradient

# In each, a word that a shell would run or expand leaves a file "ran" behind, or changes the words.
HOSTILE = (
    "x; touch ran;",
    "$(touch ran)",
    "`touch ran`",
    '"; touch ran; "',
    "'; touch ran; '",
    "' $(touch ran) '",
    "x | touch ran",
    "x > ran",
    "&& touch ran",
    "<folder> *.png ~ $HOME \\ !! #",
    "-rf",
    "--out=elsewhere",
    "[/bold] :smile: {a,b}",
    "",
)
FAKE = """#!/bin/sh
log="$LOG/$1"
printf '%s\\0' "$@" > "$log"
[ "$1" = explain ] || cat > /dev/null
"""


def image(path: Path, settings: dict[str, Any], **job: Any) -> Path:
    path.write_bytes(provenance.encode(gradient(4, 4), Format.PNG, a_job(**job), settings))
    return path


def run(line: str, folder: Path) -> dict[str, list[str]]:
    """The words that each command of the line is given, in ``folder``, where only genie and touch can be found."""
    programs, log = folder / ".bin", folder / ".log"
    programs.mkdir(exist_ok=True)
    log.mkdir(exist_ok=True)
    (programs / "genie").write_text(FAKE)
    (programs / "genie").chmod(0o755)
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "LOG": str(log), "HOME": "/nowhere"}
    subprocess.run(["sh", "-c", line], cwd=folder, env=environment, check=True, timeout=30)
    assert not (folder / "ran").exists()
    return {path.name: path.read_text().split("\0")[:-1] for path in log.iterdir()}


def printed(genie: Genie, path: Path | str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("genie_cli.cli.explain.wants_lines", lambda as_json: as_json)
    result = genie("explain", "--", path)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_the_printed_line_runs_nothing_but_genie(
    name: str, genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    path = image(tmp_path / f"images/{name.replace('/', '_')}.png", {"device": name, "steps": 30}, model=f"{name}@1")
    screen = printed(genie, path.relative_to(tmp_path), monkeypatch)
    line = screen[screen.index("To make it again:\n") :].splitlines()[1]
    words = run(line, tmp_path)
    assert words["explain"] == ["explain", "--json", f"images/{path.name}"]
    model = f"--model={name}" if "/" in name else f"--model=<folder of {name}>"
    revision = ["--revision=1"] if "/" in name else []
    options = [model, *revision, "--steps=30", f"--device={name}", "--src-dir=<folder of the sources>"]
    assert words["generate"] == ["generate", "--plan", "-", *options, "--out", "again"]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" $`'\"\\;|&<>(){}-!~*?#")
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, value=TEXTS)
def test_so_does_any_printable_name(name: str, value: str, tmp_path: Path) -> None:
    made = provenance.Provenance(genie="0", job=a_job(model=name, source=None), settings={"dtype": value})
    words = run(command_of_image(Path("a.png"), made), tmp_path)
    assert f"--dtype={value}" in words["generate"]
    assert [word for word in words["generate"] if word.startswith("--model=")] != []
    assert words["generate"][-2:] == ["--out", "again"]


def test_a_path_that_begins_with_a_dash(genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image(tmp_path / "-x.png", {})
    line = printed(genie, "-x.png", monkeypatch).splitlines()[-1]
    assert run(line, tmp_path)["explain"] == ["explain", "--json", "./-x.png"]


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x1b[2Kb", "a\x9b2Kb", "a\u202eb", "a\u2028b", "a\tb"])
def test_a_name_that_does_not_print_gives_no_command(
    name: str, genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (
        image(tmp_path / "model.png", {}, model=name),
        image(tmp_path / "setting.png", {"attention": name}),
        image(tmp_path / f"{name}.png", {}),
    ):
        screen = printed(genie, path, monkeypatch)
        assert "No command to make it again can be shown" in " ".join(screen.split())
        assert "genie generate --plan -" in " ".join(screen.split())
        assert "again:" not in screen
        assert genie("explain", "--json", path).exit_code == 0


def test_unknown_settings_are_shown_and_are_no_options(
    genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"out": "/", "[/bold]": "[red]", "--yes": True, "src-dir": "/etc", "plans": [{"a": 1}], "json": "x"}
    screen = printed(genie, image(tmp_path / "a.png", settings), monkeypatch)
    assert "[/bold]" in screen
    assert "[red]" in screen
    command = screen.splitlines()[-1]
    assert command.endswith("--plan - '--model=<folder of sd15>' '--src-dir=<folder of the sources>' --out again")
    header = json.loads(genie("explain", "--json", "a.png").stdout.splitlines()[0])
    assert header["settings"] == settings


@pytest.mark.parametrize(
    "wrong",
    [{"steps": "30; rm"}, {"steps": True}, {"guidance": "7"}, {"device": ["cpu"]}, {"plans": 3}, {"slots": 1.5}],
)
def test_settings_of_another_type_are_an_error(wrong: dict[str, Any], genie: Genie, tmp_path: Path) -> None:
    result = genie("explain", image(tmp_path / "a.png", wrong))
    assert result.exit_code == 1
    assert f"carries a record in which {next(iter(wrong))} has a value that it cannot have" in result.stderr
    with pytest.raises(ImageError):
        command_of_image(tmp_path / "a.png", provenance.read(tmp_path / "a.png"))
