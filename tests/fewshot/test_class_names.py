"""What classes are called in the prompts of the evaluators: by the rules of every command, and by a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.class_names import ClassNames
from genie_cli.data.random_split import RandomSplit
from genie_cli.errors import UsageError
from genie_cli.evaluate.checks import prompt_words
from genie_cli.evaluate.obtain import named, prompts_for
from genie_cli.observer import Observer
from tests.conftest import Genie
from tests.data.trees import put_pictures

LABELS = ("golden_retriever", "n02096294", "001.Black_footed_Albatross", "owl")
EXPECTED = {
    "golden_retriever": "A photo of a golden retriever",
    "n02096294": "A photo of an Australian terrier",
    "001.Black_footed_Albatross": "A photo of a Black footed Albatross",
    "owl": "A photo of an owl",
}


@pytest.mark.parametrize("benchmark", ["fewshot", "finegrained", "longtail"])
def test_prompts_are_those_of_every_command(benchmark: str, tmp_path: Path) -> None:
    put_pictures(tmp_path, [f"{label}/{number}.jpg" for label in LABELS for number in range(2)])
    split: Any = {} if benchmark == "fewshot" else {"split": RandomSplit(0.5, 0)}
    dataset = catalog.load(benchmark, "folder", str(tmp_path), **split)
    prompts = prompts_for(Settings(), dataset, ClassNames())
    assert {label: prompts(label) for label in dataset.classes} == {label: (EXPECTED[label],) for label in LABELS}
    names = ClassNames({"owl": "eagle owl"}, {"owl": ("a {target}", "the {target}")})
    prompts = prompts_for(Settings(), named(dataset, names, Observer()), names)
    assert prompts("owl") == ("an eagle owl", "the eagle owl")
    assert prompts("golden_retriever") == (EXPECTED["golden_retriever"],)


def test_classes_that_prompts_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    put_pictures(tmp_path, [f"{label}/{number}.jpg" for label in ("Red fox", "red_fox", "owl") for number in range(2)])
    dataset = catalog.load("fewshot", "folder", str(tmp_path))
    assert prompt_words(dataset, ["owl", "red_fox"]) == ["owl", "red fox"]
    with pytest.raises(UsageError, match="'Red fox' and 'red_fox' have the same name in prompts: red fox"):
        prompt_words(dataset, dataset.classes)
    apart = named(dataset, ClassNames({"red_fox": "young fox"}), Observer())
    assert prompt_words(apart, dataset.classes) == ["Red fox", "owl", "young fox"]


@pytest.mark.parametrize("command", ["fewshot", "finegrained", "longtail"])
def test_a_file_is_written_and_used(command: str, genie: Genie, tmp_path: Path, open_model: Path) -> None:
    result = genie(command, "--dataset", "digits", "--write-class-names", "names.csv")
    assert result.exit_code == 0, result.stderr
    written = (tmp_path / "names.csv").read_text()
    assert "\nnine,nine,\n" in written
    (tmp_path / "names.csv").write_text(written.replace("nine,nine,", "nine,neuf,A {target}|Numeral {target}"))
    few = {
        "fewshot": ("--augment", "genie", "--episodes", "2", "--shots", "1"),
        "finegrained": ("--augment", "genie", "--episodes", "2", "--ways", "5"),
        "longtail": ("--augment", "genie", "--per-class", "2", "--backbone", "digits"),
    }[command]
    words = (command, "--dataset", "digits", "--model", open_model, *few, "--class-names", "names.csv")
    plan = genie(*words, "--plan-out", "-")
    assert plan.exit_code == 0, plan.stderr
    prompts = {row["prompt"] for row in map(json.loads, plan.stdout.splitlines()[1:]) if row["target"] == "nine"}
    suffix = ", a type of digit" if command == "finegrained" else ""
    assert prompts
    assert prompts <= {f"A neuf{suffix}", f"Numeral neuf{suffix}"}
    assert "leave out --class-names" in genie(*words, "--manifest", "none.jsonl").stderr
