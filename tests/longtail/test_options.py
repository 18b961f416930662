"""Only options that were typed conflict: every setting against every conflict of `genie longtail`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data import catalog
from genie_cli.errors import UsageError
from genie_cli.longtail.options import LongTailOptions, check, check_network, recipe_of
from genie_cli.settings import build, flag_of, merged
from tests.evaluate.other_settings import KEYS, only

MANIFEST = ("m.jsonl",)
CONFUSION = Confusion(labels=("a", "b"), matrix=((1, 1), (1, 1)))
HOW = {"model.name", "model.revision", "model.dtype", "model.attention", "model.compile", "model.slots"}
HOW |= {f"model.{name}" for name in ("devices", "ray", "workers", "lora", "embedding")}
HOW |= {f"generate.{name}" for name in ("steps", "guidance", "negative_prompt", "prompt", "superclass", "preset")}
SPLIT = {"data.test_share", "data.split_seed"}

# Options of a run, and the settings that conflict with them if they are typed.
SCENARIOS: dict[str, tuple[dict[str, Any], bool, set[str]]] = {
    "usual": ({}, False, {"data.dir", *SPLIT}),
    "folder": ({"dataset": "folder"}, False, {"data.pool", "data.split_seed"}),
    "no genie": ({"augment": ("none", "txt2img")}, False, {"data.dir", *SPLIT, "generate.r"}),
    "plan only": ({}, True, {"data.dir", *SPLIT}),
    "manifest": ({"manifests": MANIFEST}, False, {"data.dir", *SPLIT, *HOW}),
    "soft labels": ({"manifests": MANIFEST, "soft_labels": True}, False, {"data.dir", *SPLIT, *HOW}),
    "confusion": ({"confusion": CONFUSION}, False, {"data.dir", *SPLIT}),
    "backbone": ({"backbone": "digits"}, False, {"data.dir", *SPLIT}),
}


def checked(settings: Settings, given: set[str], plan_only: bool = False, **options: Any) -> list[str]:
    asked = LongTailOptions(**{"dataset": "digits", "out": Path("out"), **options})
    entry = catalog.entry("longtail", asked.dataset)
    return [chosen.label for chosen in check(asked, entry, settings, given, plan_only=plan_only)]


@pytest.mark.parametrize("scenario", list(SCENARIOS))
@pytest.mark.parametrize("key", KEYS)
def test_what_a_variable_or_a_file_says_never_conflicts(scenario: str, key: str) -> None:
    options, plan_only, _ = SCENARIOS[scenario]
    checked(only(key), set(), plan_only, **options)


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_what_is_typed_does(scenario: str) -> None:
    options, plan_only, conflicts = SCENARIOS[scenario]
    for key in KEYS:
        if key in conflicts:
            with pytest.raises(UsageError, match=flag_of(key)):
                checked(only(key), {key}, plan_only, **options)
        else:
            checked(only(key), {key}, plan_only, **options)


def test_ratios_are_the_settings_wherever_they_come_from() -> None:
    for given in (set(), {"generate.r"}):
        assert checked(only("generate.r"), given)[-1] == "genie r=0.6"
    assert checked(Settings(), set()) == [
        "none",
        "repeat",
        "img2img-l",
        "img2img-h",
        "txt2img",
        "genie r=0.8",
    ]
    assert checked(only("generate.r"), set(), augment=("txt2img",)) == ["txt2img"]
    assert checked(only("generate.r"), {"generate.r"}, augment=("img2img",)) == ["img2img r=0.6"]


def test_a_typed_number_of_images_overrides_one_that_was_not() -> None:
    both = build(merged({}, {"longtail.per_class": 3, "longtail.fill_to": 9}), str)
    for given in (set(), {"longtail.fill_to"}):
        checked(both, given)
        assert recipe_of(both, given).fill_to == 9
    checked(both, {"longtail.per_class"})
    assert recipe_of(both, {"longtail.per_class"}).fill_to == 0
    with pytest.raises(UsageError, match="leave out --per-class"):
        checked(both, {"longtail.per_class", "longtail.fill_to"})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"augment": ("weak",)}, "--augment: there is no augmentation 'weak'"),
        ({"augment": ("txt2igm",)}, "did you mean txt2img?"),
        ({"augment": ("none",), "backbone": "digits"}, "genie is not among --augment"),
        ({"augment": ("none",), "confusion": CONFUSION}, "genie is not among --augment"),
        ({"backbone": "digits", "confusion": CONFUSION}, "leave out --backbone"),
        ({"manifests": MANIFEST, "augment": ("none",)}, "leave out --manifest"),
        ({"soft_labels": True}, "takes the oracle's labels from a manifest"),
        ({"manifests": MANIFEST, "plan_only": True}, "leave out --plan-out"),
        ({"augment": ("none", "repeat"), "plan_only": True}, "there is no plan"),
        ({"compare": ("genie r=0.8",)}, "'genie r=0.8' is no pair of augmentations"),
        ({"compare": ("txt2img,none,repeat",)}, "is no pair of augmentations"),
        ({"compare": ("txt2img,txt2img",)}, "is no pair of augmentations"),
        ({"compare": ("genie r=0.8,txt2mg",)}, "'txt2mg' is not among the augmentations; did you mean txt2img?"),
        ({"compare": ("genie,none",)}, "'genie' is not among the augmentations"),
        ({"augment": ("none", "repeat"), "compare": ("repeat,genie r=0.8",)}, "is not among the augmentations"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(Settings(), set(), **options)
    assert complaint in str(refused.value)


def test_a_warmup_that_leaves_no_epoch_is_refused() -> None:
    settings = build(merged({}, {"longtail.epochs": 5, "longtail.warmup_epochs": 5}), str)
    for given in (set(), {"longtail.epochs"}):
        with pytest.raises(UsageError, match="leaves none of --epochs 5 after it") as caught:
            checked(settings, given)
        assert caught.value.hint == "fewer: --warmup-epochs 0"


def test_the_network_is_one_of_timms() -> None:
    check_network("test_vit")
    with pytest.raises(UsageError, match="did you mean vit_base_patch16_224"):
        check_network("vit_base_patch16_22")
