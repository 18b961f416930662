"""Help reads like a manual at 80 columns, every enumerated value completes and is corrected, and errors look alike."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from genie_cli.cli._commands import Commands
from genie_cli.cli.app import app
from genie_cli.settings import SECTIONS, choices_of, flag_of, keys
from tests.conftest import Genie

COMMANDS = list(Commands())


def helped(*command: str) -> str:
    return (
        CliRunner().invoke(app, [*command, "--help"], prog_name="genie", env={"COLUMNS": "80", "TERM": "dumb"}).stdout
    )


@pytest.mark.parametrize("command", COMMANDS)
class TestEveryCommand:
    def test_fits_80_columns_and_cuts_nothing_off(self, command: str) -> None:
        screen = helped(command)
        assert max(map(len, screen.splitlines())) <= 80
        assert "…" not in screen

    def test_shows_no_python_types(self, command: str) -> None:
        assert not re.search(r"<(bool|str|int|float|path|list)|\[default|default: \(", helped(command))

    def test_has_one_example(self, command: str) -> None:
        assert len(re.findall(r"Example: +genie " + command, helped(command))) == 1


def test_commands_are_grouped_by_what_they_are_for() -> None:
    screen = helped()
    panels = {title: screen.index(f"─ {title} ─") for title in ("Start", "Make", "Judge", "Measure")}
    assert list(panels) == sorted(panels, key=lambda title: panels[title])
    groups = {
        "Start": ("demo", "doctor", "init", "config", "unpack"),
        "Make": ("confuse", "generate", "status", "export"),
        "Judge": ("oracle", "select", "gallery", "explain"),
        "Measure": ("fewshot", "finegrained", "longtail"),
    }
    assert set(COMMANDS) == {name for names in groups.values() for name in names}
    for title, names in groups.items():
        for name in names:
            place = screen.index(f"│ {name} ")
            assert max(start for start in panels.values() if start < place) == panels[title]


def test_rare_options_come_last() -> None:
    screen = helped("generate")
    assert screen.index("--src-dir") < screen.index("--seed") < screen.index("─ Advanced ─") < screen.index("--slots")


@pytest.mark.parametrize("key", [key for key in keys(*SECTIONS) if choices_of(key)])
def test_every_enumerated_value_is_corrected(genie: Genie, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = {"longtail": "longtail", "fewshot": "fewshot", "finegrained": "finegrained"}.get(key.split(".")[0])
    choice = max(choices_of(key), key=len)
    result = genie(command or "generate", flag_of(key), choice[:-1] + "~")
    assert result.exit_code == 2
    assert f"{flag_of(key)}: '{choice[:-1]}~' is not one of " in result.stderr
    assert f"did you mean {choice}?" in result.stderr


@pytest.mark.parametrize(
    ("command", "option", "start", "offered"),
    [
        ("generate", "--device", "c", {"cpu", "cuda", "cuda:0"}),
        ("generate", "--dtype", "fl", {"float32", "float16"}),
        ("generate", "--model", "d", {"digits"}),
        ("fewshot", "--augment", "img", {"img2img", "img2img-l", "img2img-h"}),
        ("fewshot", "--dataset", "m", {"mini"}),
        ("longtail", "--dataset", "i", {"imagenet-lt"}),
        ("oracle", "--candidates", "t", {"target,source"}),
        ("select", "--verdict", "m", {"mislabelled"}),
    ],
)
def test_values_complete_with_tab(command: str, option: str, start: str, offered: set[str]) -> None:
    words = f"genie {command} {option} {start}"
    environment = {"_GENIE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "3"}
    done = CliRunner().invoke(app, [], prog_name="genie", env=environment)
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generate", "--strength", "0.8"], "error: no such option: --strength; did you mean --r?"),
        (["generate", "--batch-size", "8"], "error: no such option: --batch-size; did you mean --slots?"),
        (["select", "m.jsonl", "--n", "5"], "error: no such option: --n; did you mean --per-target?"),
        (["export", "m", "--photos", "p"], "error: no such option: --photos; did you mean --with?"),
        (["select", "--manifest", "m"], "error: no such option: --manifest; did you mean the argument MANIFEST?"),
        (["status", "--out", "genie-out"], "error: no such option: --out; did you mean the argument OUT?"),
        (["generate", "--target", "lynx"], "error: no such option: --target; did you mean --targets?"),
        (["longtail", "--edges", "livt"], "error: no such option: --edges; did you mean --thresholds?"),
        (["genrate"], "error: no such command 'genrate'. Did you mean 'generate'?"),
        (["generate", "--limit", "ten"], "error: --limit: must be a whole number, at least 1: 'ten' was given"),
        (["oracle", "m", "--min-confidence", "80"], "error: --min-confidence: must be a number from 0 to 1: '80'"),
        (["oracle"], "error: missing argument 'MANIFEST'"),
        (["select", "m", "--hardness", "0.5"], "error: --hardness: must be two numbers, LOW,HIGH: '0.5' was given"),
        (["oracle", "m", "--candidates", "al"], "error: --candidates: 'al' is not one of"),
        (["fewshot", "--dataset", "minni"], "error: --dataset: there is no data set 'minni'; did you mean mini?"),
    ],
)
def test_errors_have_one_style(genie: Genie, words: list[str], message: str) -> None:
    result = genie(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "╭" not in result.stderr
