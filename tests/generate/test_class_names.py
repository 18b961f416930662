"""What classes are called, several prompts and what images should not show: in plans, folders and commands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api, provenance
from genie_cli.errors import UsageError
from genie_cli.generate.command import command_of_image
from tests.conftest import Genie
from tests.generate.command import rows


@pytest.fixture
def few(photos: Path) -> Path:
    for label in ("three", "four", "five", "six", "seven", "eight", "nine"):
        for file in (photos / label).iterdir():
            file.unlink()
        (photos / label).rmdir()
    return photos


def plan_of(genie: Genie, *words: object) -> list[dict[str, Any]]:
    result = genie("generate", *words, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_that_was_written_and_edited_is_used(genie: Genie, few: Path, open_model: Path, tmp_path: Path) -> None:
    words = ("--src-dir", few, "--targets", "one,red_fox", "--model", open_model)
    result = genie("generate", *words, "--write-class-names", "names.csv")
    assert result.exit_code == 0
    assert "names.csv: 4 classes; edit it, then: --class-names names.csv" in result.stderr
    written = (tmp_path / "names.csv").read_text()
    assert written == "label,words,prompts\none,one,\nred_fox,red fox,\ntwo,two,\nzero,zero,\n"
    assert not (tmp_path / "genie-out").exists()
    assert "already exists" in genie("generate", *words, "--write-class-names", "names.csv").stderr
    edited = written.replace("one,one,", 'one,uno,"A {target} | Numeral {target}"')
    (tmp_path / "names.csv").write_text(edited)
    header, *jobs = plan_of(genie, *words, "--class-names", "names.csv")
    assert {job["prompt"] for job in jobs if job["target"] == "one"} <= {"An uno", "Numeral uno"}
    assert {job["prompt"] for job in jobs if job["target"] == "red_fox"} == {"A photo of a red fox"}
    [plan] = header["settings"]["plans"]
    assert (plan["words"], plan["articles"]) == ({"one": "uno", "red_fox": "red fox"}, True)


def test_labels_that_are_no_class_are_pointed_out(genie: Genie, few: Path, open_model: Path, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("label,words\noen,uno\n")
    words = ("--src-dir", few, "--targets", "one", "--model", open_model, "--class-names", "names.csv", "--dry-run")
    assert "warning: names.csv: oen is neither a class of the sources nor a target" in genie("generate", *words).stderr


def test_it_is_not_for_plans(genie: Genie, few: Path, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("label,words\none,uno\n")
    (tmp_path / "plan.jsonl").write_text(
        "\n".join(map(json.dumps, plan_of(genie, "--src-dir", few, "--targets", "one"))) + "\n"
    )
    for words in (["--class-names", "names.csv"], ["--write-class-names", "new.csv"]):
        result = genie("generate", "--plan", "plan.jsonl", *words, "--dry-run")
        assert result.exit_code == 2
        assert "leave out --" in result.stderr


def test_the_bundled_model_keeps_the_prompts_that_it_was_trained_with(genie: Genie, few: Path) -> None:
    header, *jobs = plan_of(genie, "--src-dir", few, "--targets", "eight")
    assert {job["prompt"] for job in jobs} == {"A photo of a eight"}
    assert not {"articles", "words", "prompts"} & set(header["settings"]["plans"][0])


class TestPrompts:
    two = ("--prompt", "A photo of a {target}, up close", "--prompt", "A sketch of a {target}")

    def test_each_image_has_one_of_them(self, genie: Genie, few: Path) -> None:
        header, *jobs = plan_of(genie, "--src-dir", few, "--targets", "seven,two", "--per-target", "12", *self.two)
        assert {job["prompt"] for job in jobs if job["target"] == "two"} == {
            "A photo of a two, up close",
            "A sketch of a two",
        }
        assert header["settings"]["plans"][0]["prompt"] == list(self.two[1::2])

    def test_their_order_does_not_matter(self, genie: Genie, few: Path) -> None:
        words = ("--src-dir", few, "--targets", "seven", "--per-target", "12")
        turned = (*self.two[2:], *self.two[:2])
        assert plan_of(genie, *words, *self.two)[1:] == plan_of(genie, *words, *turned)[1:]

    def test_one_is_stated_as_it_always_was(self, genie: Genie, few: Path) -> None:
        words = ("--src-dir", few, "--targets", "seven", "--prompt", "A {target}", "--prompt", "A {target}")
        assert plan_of(genie, *words)[0]["settings"]["plans"][0]["prompt"] == "A {target}"

    def test_they_may_be_lines_of_the_variable_and_a_list_in_the_file(
        self, genie: Genie, few: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        words = ("--src-dir", few, "--targets", "seven", "--per-target", "12")
        typed = plan_of(genie, *words, *self.two)
        (tmp_path / "genie.toml").write_text(f"[generate]\nprompt = {json.dumps(self.two[1::2])}\n")
        assert plan_of(genie, *words) == typed
        (tmp_path / "genie.toml").unlink()
        monkeypatch.setenv("GENIE_PROMPT", "\n".join(self.two[1::2]))
        assert plan_of(genie, *words) == typed

    def test_each_must_name_the_target(self, genie: Genie, few: Path) -> None:
        result = genie(
            "generate", "--src-dir", few, "--targets", "seven", "--prompt", "A {target}", "--prompt", "A cat"
        )
        assert result.exit_code == 2
        assert "--prompt: the prompt must contain {target}" in result.stderr

    def test_status_gives_the_command_with_all_of_them(self, genie: Genie, few: Path, tmp_path: Path) -> None:
        words = ("--src-dir", few, "--targets", "seven", "--per-target", "4", *self.two, "--out", "out")
        assert genie("generate", *words, "--limit", "1").exit_code == 0
        assert api.status(tmp_path / "out").counts[0].missing == 3
        [command] = api.status(tmp_path / "out").commands
        assert [word for word in shlex.split(command) if word.startswith("--prompt=")] == [
            f"--prompt={text}" for text in self.two[1::2]
        ]
        assert genie("generate", *shlex.split(command)[2:]).exit_code == 0
        assert not any(count.missing for count in api.status(tmp_path / "out").counts)


class TestNegativePrompt:
    def test_it_decides_the_bytes_and_is_in_the_record(self, genie: Genie, few: Path, tmp_path: Path) -> None:
        words = ("generate", "--src-dir", few, "--targets", "seven", "--per-target", "2")
        for name, more in (
            ("without", []),
            ("empty", ["--negative-prompt", ""]),
            ("with", ["--negative-prompt", "two"]),
        ):
            assert genie(*words, *more, "--out", name).exit_code == 0
        made = {
            name: [(row["id"], row["sha256"]) for row in rows(tmp_path / name)] for name in ("without", "empty", "with")
        }
        assert made["without"] == made["empty"]
        assert [id_ for id_, _ in made["with"]] == [id_ for id_, _ in made["without"]]  # as with another --guidance
        assert not {sha for _, sha in made["with"]} & {sha for _, sha in made["without"]}
        headers = {name: (tmp_path / name / "manifest.jsonl").read_text().splitlines()[0] for name in made}
        assert '"negative_prompt":"two"' in headers["with"]
        assert "negative" not in headers["without"]
        [image, *_] = (tmp_path / "with/train/seven").iterdir()
        assert provenance.read(image).settings["negative_prompt"] == "two"
        assert "--negative-prompt=two" in command_of_image(image, provenance.read(image))
        again = ("--plan", "-", "--src-dir", few, "--out", "again")
        plan = genie("explain", "--json", image).stdout
        assert "say which: --negative-prompt" in genie("generate", *again, stdin=plan).stderr
        assert genie("generate", *again, "--negative-prompt", "two", stdin=plan).exit_code == 0
        assert (tmp_path / "again/train/seven" / image.name).read_bytes() == image.read_bytes()

    def test_another_one_is_refused_in_a_folder(self, genie: Genie, few: Path) -> None:
        words = ("generate", "--src-dir", few, "--targets", "seven", "--per-target", "1", "--out", "out")
        assert genie(*words).exit_code == 0
        result = genie(*words, "--negative-prompt", "two")
        assert result.exit_code == 1
        assert 'negative_prompt: null -> "two"' in result.stderr
        assert "the same command with --negative-prompt=" in result.stderr

    def test_one_that_is_too_long_is_refused(self, genie: Genie, few: Path) -> None:
        result = genie("generate", "--src-dir", few, "--targets", "seven", "--negative-prompt", "x " * 200)
        assert result.exit_code == 2
        assert "tokens, the model reads" in result.stderr

    def test_it_has_no_effect_without_guidance(self, genie: Genie, few: Path) -> None:
        result = genie("generate", "--src-dir", few, "--targets", "two", "--guidance", "1", "--negative-prompt", "two")
        assert result.exit_code == 2
        assert "leave out --negative-prompt" in result.stderr


def test_programs_write_names_of_data_sets(tmp_path: Path) -> None:
    assert api.write_dataset_class_names(tmp_path / "names.csv", "fewshot", "digits") == 5
    assert "\nfive,five,\n" in (tmp_path / "names.csv").read_text()
    with pytest.raises(UsageError, match="there are no classes"):
        api.write_class_names(tmp_path / "none.csv")
