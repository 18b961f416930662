"""A flag overrides the file, the file overrides the default, and all mistakes are reported at once, in plain words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from genie_cli.cli._settings import FILE_NAME, default_of, describe, resolve, template
from genie_cli.config import Format, Generate, Model, Settings
from genie_cli.errors import UsageError
from genie_cli.jobs import Method
from genie_cli.settings import flag_of

FIELDS = [(section, name) for section in Settings.model_fields for name in getattr(Settings(), section).model_dump()]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`resolve` reads `genie.toml` in the working directory: there must be none that we did not write."""
    monkeypatch.chdir(tmp_path)


def problems_in(text: str | bytes, **options: Any) -> list[str]:
    """What is said about a settings file, line by line; the file's name is cut off."""
    Path("my.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        resolve(Path("my.toml"), {key.replace("__", "."): value for key, value in options.items()})
    assert caught.value.exit_code == 2
    return [line.removeprefix("my.toml: ") for line in str(caught.value).splitlines()]


def resolved(text: str = "", **options: Any) -> Settings:
    Path("my.toml").write_text(text, encoding="utf-8")
    return resolve(Path("my.toml"), {key.replace("__", "."): value for key, value in options.items()})


class TestPrecedence:
    def test_defaults(self) -> None:
        assert resolve(None, {}) == Settings()

    def test_the_file_overrides_defaults(self) -> None:
        assert resolved("[generate]\nsteps = 20").generate == Generate(steps=20)

    def test_options_override_the_file(self) -> None:
        found = resolved("[generate]\nsteps = 20\nguidance = 3", generate__steps=30)
        assert found.generate == Generate(steps=30, guidance=3)

    def test_none_is_not_given(self) -> None:
        assert resolved("[generate]\nsteps = 20", generate__steps=None, model__name=None).generate.steps == 20

    @pytest.mark.parametrize(("name", "value"), [("seed", 0), ("superclass", ""), ("r", ())])
    def test_what_is_falsy_is_given_nevertheless(self, name: str, value: Any) -> None:
        text = '[generate]\nseed = 3\nsuperclass = "pet"\nr = [0.5]'
        expected = Generate(**{"seed": 3, "superclass": "pet", "r": (0.5,), name: value})
        assert resolved(text, **{f"generate__{name}": value}).generate == expected

    def test_an_option_replaces_a_bad_value_in_the_file(self) -> None:
        assert resolved("[generate]\nsteps = 0", generate__steps=30).generate.steps == 30

    def test_the_working_directorys_file_is_read(self) -> None:
        Path(FILE_NAME).write_text('[model]\nname = "digits"\n[output]\nformat = "png"', encoding="utf-8")
        found = resolve(None, {})
        assert (found.model.name, found.output.format) == ("digits", Format.PNG)

    def test_another_file_replaces_it(self) -> None:
        Path(FILE_NAME).write_text("[generate]\nsteps = 20\nguidance = 3", encoding="utf-8")
        assert resolved("[generate]\nsteps = 30").generate == Generate(steps=30)

    def test_settings_do_not_change(self) -> None:
        with pytest.raises(ValidationError):
            resolve(None, {}).generate.steps = 3  # type: ignore[misc]


class TestValues:
    @pytest.mark.parametrize("slots", ["auto", *(2**power for power in range(11))])
    def test_slots(self, slots: str | int) -> None:
        assert resolve(None, {"model.slots": slots}).model.slots == slots

    @pytest.mark.parametrize("method", Method)
    def test_ratios_are_the_methods_own_unless_given(self, method: Method) -> None:
        assert resolve(None, {"generate.method": method.value}).generate.ratios == (method.default_r,)
        assert resolve(None, {"generate.method": method.value, "generate.r": [0.5, 1]}).generate.ratios == (0.5, 1.0)

    def test_only_the_default_model_has_a_pinned_commit(self) -> None:
        assert len(bytes.fromhex(Model().commit or "")) == 20
        assert Model(name="somebody/else").commit is None
        assert Model(revision="main").commit == "main"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("r", "[0]"),
            ("r", "[0.5, 1.001]"),
            ("r", "[-0.1]"),
            ("r", "[nan]"),
            ("r", "[inf]"),
            ("r", "0.8"),
            ("r", '["much"]'),
            ("prompt", '"A photo of a fox"'),
            ("prompt", '"A photo of a {Target}"'),
            ("prompt", '""'),
            ("prompt", "3"),
            ("method", '"magic"'),
            ("per_target", "-1"),
            ("per_target", "2.5"),
            ("top_k", "0"),
            ("steps", "1"),
            ("steps", "501"),
            ("guidance", "0.5"),
            ("guidance", "nan"),
            ("guidance", "inf"),
            ("seed", "-1"),
            ("seed", '"a"'),
            ("seed", "1979-05-27"),
            ("superclass", "[]"),
        ],
    )
    def test_out_of_range(self, key: str, value: str) -> None:
        (problem,) = problems_in(f"[generate]\n{key} = {value}")
        assert problem.startswith(f"[generate] {key}: ")
        assert " was given" in problem or " is not one of " in problem

    @pytest.mark.parametrize("slots", ["3", "0", "-1", "2048", '"many"', "2.5", "[]"])
    def test_slots_that_are_none(self, slots: str) -> None:
        assert all(problem.startswith("[model] slots: ") for problem in problems_in(f"[model]\nslots = {slots}"))

    def test_slots_say_what_they_must_be(self) -> None:
        assert any(
            "slots: must be a power of two; nearest: 2: 3 was given" in problem
            for problem in problems_in("[model]\nslots = 3")
        )

    def test_a_prompt_says_what_it_lacks(self) -> None:
        (problem,) = problems_in('[generate]\nprompt = "a fox"')
        assert problem.startswith("[generate] prompt: the prompt must contain {target}")

    def test_a_bad_option_is_named_as_it_is_typed(self) -> None:
        (problem,) = problems_in("", generate__per_target=-1)
        assert problem.startswith("--per-target: ")
        assert "my.toml" not in problem


class TestMistakes:
    def test_all_are_said_at_once(self) -> None:
        problems = problems_in(
            '[generate]\nsteps = 1\nstep = 20\nr = [0.5, 7]\n[modle]\nname = "x"\n[output]\nformat = "gif"',
            generate__guidance=0,
        )
        assert problems == [
            "unknown key 'step' in [generate]; did you mean 'steps'?",
            "unknown section [modle]; did you mean 'model'?",
            "[generate] r: must be a number, above 0 and at most 1: 7 was given; did you mean 0.7?",
            "[generate] steps: must be a whole number, at least 2 and at most 500: 1 was given",
            "--guidance: must be a number, at least 1 and at most 100: 0 was given",
            "[output] format: 'gif' is not one of jpg, png, webp",
        ]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[generate]\nper-target = 3", "unknown key 'per-target' in [generate]; did you mean 'per_target'?"),
            ("[output]\nfolder = 3", "unknown key 'folder' in [output]; did you mean 'format'?"),
            ("[output]\nxyzzy = 3", "unknown key 'xyzzy' in [output]; known: dir, format"),
            ("[Generate]", "unknown section [Generate]; did you mean 'generate'?"),
            ("seed = 3", f"unknown section [seed]; known: {', '.join(Settings.model_fields)}"),
            ("[model.name]\nx = 1", "[model] name: must be text: {'x': 1} was given"),
        ],
    )
    def test_the_nearest_name_is_offered(self, text: str, problem: str) -> None:
        assert problems_in(text) == [problem]

    @pytest.mark.parametrize("section", ["generate", "model", "output"])
    @pytest.mark.parametrize("value", ["3", "[]", '"x"', "[{steps = 3}]", "false"])
    def test_a_section_that_is_none(self, section: str, value: str) -> None:
        for options in ({}, {"generate__steps": 20, "model__name": "digits", "output__dir": "out"}):
            (problem,) = problems_in(f"{section} = {value}", **options)
            assert problem.startswith(f"[{section}]: ")

    @pytest.mark.parametrize(
        "content",
        [b"[generate", b"steps = ", b"a = 1\na = 2", b"\xff", b"a = '\xe9'", b"a = " + b"[" * 20_000, b"\0"],
    )
    def test_no_toml(self, content: bytes) -> None:
        Path("bad.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"^bad\.toml cannot be read: "):
            resolve(Path("bad.toml"), {})

    def test_no_such_file(self) -> None:
        with pytest.raises(UsageError, match=r"there is no settings file missing\.toml") as caught:
            resolve(Path("missing.toml"), {})
        assert caught.value.hint == "write one: genie init --out missing.toml"

    @pytest.mark.parametrize("path", [".", "my.toml/below", "nul\0"])
    def test_no_file(self, path: str) -> None:
        Path("my.toml").touch()
        with pytest.raises(UsageError, match="cannot be read: "):
            resolve(Path(path), {})

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(FIELDS).map(".".join),
            st.integers() | st.floats() | st.text() | st.booleans() | st.lists(st.floats()) | st.just({"a": 1}),
            min_size=1,
        )
    )
    def test_whatever_is_given_no_traceback(self, options: dict[str, Any]) -> None:
        try:
            found = resolve(None, options)
        except UsageError as error:
            said = str(error).splitlines()
        else:
            said = []
            assert resolve(None, {f"{s}.{n}": getattr(getattr(found, s), n) for s, n in FIELDS}) == found
        flags = tuple(f"{flag_of(option)}: " for option in options)
        assert all(line.startswith(flags) for line in said)


class TestTemplate:
    def test_is_the_defaults(self) -> None:
        assert Settings.model_validate(tomllib.loads(template())) == Settings()
        assert resolved(template()) == Settings()

    def test_has_every_setting_and_says_what_it_is(self) -> None:
        content = tomllib.loads(template())
        assert [(section, name) for section, names in content.items() for name in names] == FIELDS
        for section, name in FIELDS:
            assert f"# {describe(f'{section}.{name}')}\n{name} = " in template()

    def test_changed_settings_are_read(self) -> None:
        changed = (
            template().replace("steps = 50", "steps = 20").replace('"jpg"', '"png"').replace("r = []", "r = [0.5]")
        )
        found = resolved(changed)
        assert (found.generate.steps, found.output.format, found.generate.r) == (20, Format.PNG, (0.5,))


class TestHelp:
    @pytest.mark.parametrize(("section", "name"), FIELDS)
    def test_every_setting_is_described(self, section: str, name: str) -> None:
        assert len(describe(f"{section}.{name}")) > 10

    @pytest.mark.parametrize(
        ("option", "shown"),
        [
            ("generate.steps", "50"),
            ("generate.guidance", "7.5"),
            ("generate.method", "genie"),
            ("generate.seed", "0"),
            ("generate.prompt", "A photo of a {target}"),
            ("generate.r", ""),
            ("generate.superclass", ""),
            ("model.slots", "auto"),
            ("output.format", "jpg"),
        ],
    )
    def test_defaults_as_they_would_stand_in_the_file(self, option: str, shown: str) -> None:
        assert default_of(option) == shown


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('r = "0.8"', "r: must be a list, such as 0.6, 0.8: '0.8' was given"),
        ("r = 80", "r: must be a list, such as 0.6, 0.8: 80 was given"),
        ("r = [80]", "r: must be a number, above 0 and at most 1: 80 was given; did you mean 0.8?"),
    ],
)
def test_a_list_that_is_none(written: str, message: str) -> None:
    (problem,) = problems_in(f"[generate]\n{written}")
    assert message in problem


def test_a_list_of_another_length() -> None:
    (problem,) = problems_in("[longtail]\nbetas = [0.9]")
    assert "betas: must be a list of 2 values, such as 0.9, 0.999: [0.9] was given" in problem
