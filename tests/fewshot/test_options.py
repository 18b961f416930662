"""Only options that were typed conflict: every setting against every conflict of `genie fewshot` and `finegrained`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.errors import UsageError
from genie_cli.fewshot.options import FewShotOptions, backbone_name, check, section_of
from genie_cli.fewshot.task import FEWSHOT, FINEGRAINED, Task
from genie_cli.settings import flag_of
from tests.evaluate.other_settings import KEYS, only

TASKS = pytest.mark.parametrize("task", [FEWSHOT, FINEGRAINED], ids=lambda task: task.name)
MANIFEST, LIST = ("m.jsonl",), (Path("episodes.jsonl"),)
HOW = {"model.name", "model.revision", "model.dtype", "model.attention", "model.compile", "model.slots"}
HOW |= {f"model.{name}" for name in ("devices", "ray", "workers", "lora", "embedding")}
HOW |= {f"generate.{name}" for name in ("steps", "guidance", "negative_prompt", "prompt", "superclass", "preset")}
SPLIT = ("data.test_share", "data.split_seed")
DRAWN = ("shots", "ways", "queries", "episodes")

# Options of a run, and the settings that conflict with them if they are typed; {} is the task's section.
SCENARIOS: dict[str, tuple[dict[str, Any], bool, set[str]]] = {
    "usual": ({}, False, {"data.dir", *SPLIT, "{}.ada"}),
    "folder": ({"dataset": "folder"}, False, {"data.pool", "{}.ada", *SPLIT}),
    "no genie": ({"augment": ("weak", "txt2img")}, False, {"data.dir", *SPLIT, "generate.r", "{}.ada"}),
    "plan only": ({}, True, {"data.dir", *SPLIT, "{}.ada"}),
    "manifest": ({"manifests": MANIFEST}, False, {"data.dir", *SPLIT, "{}.ada", *HOW}),
    "soft labels": ({"manifests": MANIFEST, "soft_labels": True}, False, {"data.dir", *SPLIT, "{}.ada", *HOW}),
    "episode list": (
        {"episode_lists": LIST},
        False,
        {"data.dir", *SPLIT, "{}.ada", *(f"{{}}.{name}" for name in DRAWN)},
    ),
    "both": (
        {"manifests": MANIFEST, "episode_lists": LIST},
        False,
        {"data.dir", *SPLIT, "{}.ada", "generate.seed", *HOW, *(f"{{}}.{name}" for name in DRAWN)},
    ),
    "baseline": ({"baseline": "txt2img"}, False, {"data.dir", *SPLIT, "{}.ada"}),
}
EACH = pytest.mark.parametrize("scenario", list(SCENARIOS))


def checked(task: Task, settings: Settings, given: set[str], plan_only: bool = False, **options: Any) -> list[str]:
    asked = FewShotOptions(**{"dataset": "digits", "out": Path("out"), **options})
    entry = catalog.entry(task.name, asked.dataset)
    return [chosen.label for chosen in check(task, asked, entry, settings, given, plan_only=plan_only)]


@TASKS
@EACH
@pytest.mark.parametrize("key", KEYS)
def test_what_a_variable_or_a_file_says_never_conflicts(task: Task, scenario: str, key: str) -> None:
    options, plan_only, _ = SCENARIOS[scenario]
    checked(task, only(key), set(), plan_only, **options)


@TASKS
@EACH
def test_what_is_typed_does(task: Task, scenario: str) -> None:
    options, plan_only, conflicts = SCENARIOS[scenario]
    expected = {conflict.format(task.name) for conflict in conflicts}
    if scenario == "folder" and task is FINEGRAINED:
        expected -= {"data.test_share"}  # a split can be drawn
    for key in KEYS:
        if key in expected:
            with pytest.raises(UsageError, match=flag_of(key)):
                checked(task, only(key), {key}, plan_only, **options)
        else:
            checked(task, only(key), {key}, plan_only, **options)


@TASKS
def test_ratios_are_the_settings_wherever_they_come_from(task: Task) -> None:
    for given in (set(), {"generate.r"}):
        assert checked(task, only("generate.r"), given)[-1] == "genie r=0.6"
    assert checked(task, Settings(), set())[-1] == "genie r=0.8"
    assert checked(task, only("generate.r"), set(), augment=("weak", "img2img-h")) == ["weak", "img2img-h"]


@TASKS
def test_the_usual_augmentations_are_the_tasks(task: Task) -> None:
    assert checked(task, Settings(), set()) == [*task.augment[:-1], "genie r=0.8"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"augment": ("week",)}, "--augment: there is no augmentation 'week'; did you mean weak?"),
        ({"baseline": "genie"}, "--baseline genie: it is not among what is compared; did you mean genie r=0.8?"),
        ({"baseline": "weak", "augment": ("none", "genie")}, "--baseline weak"),
        ({"manifests": MANIFEST, "augment": ("weak",)}, "leave out --manifest"),
        ({"soft_labels": True}, "takes the oracle's labels from a manifest"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(FEWSHOT, Settings(), set(), **options)
    assert complaint in str(refused.value)


@TASKS
def test_a_plan_of_nothing_and_images_twice(task: Task) -> None:
    with pytest.raises(UsageError, match="there is no plan"):
        checked(task, Settings(), set(), plan_only=True, augment=("weak",))
    with pytest.raises(UsageError, match="leave out --plan-out"):
        checked(task, Settings(), set(), plan_only=True, manifests=MANIFEST)


def test_each_task_has_its_own_section() -> None:
    settings = Settings()
    assert section_of(FEWSHOT, settings) is settings.fewshot
    assert section_of(FINEGRAINED, settings) is settings.finegrained


def test_the_backbone_asked_for_comes_before_the_data_sets_and_the_tasks() -> None:
    def name(task: Task, dataset: str, backbone: str | None = None) -> str:
        options = FewShotOptions(dataset, Path(), backbone=backbone)
        return backbone_name(task, options, catalog.entry(task.name, dataset))

    assert name(FEWSHOT, "digits") == name(FINEGRAINED, "digits") == "digits"
    assert name(FEWSHOT, "mini") == ""
    assert name(FINEGRAINED, "cub") == "vit_giant_patch14_dinov2.lvd142m"
    assert name(FINEGRAINED, "digits", "resnet18") == "resnet18"
