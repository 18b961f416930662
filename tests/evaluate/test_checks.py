"""What is checked before anything is read: names, places, and options about generated images against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import Data, Generate, Settings
from genie_cli.data import catalog
from genie_cli.errors import ManifestError, OutputError, UsageError
from genie_cli.evaluate.augmentations import AugmentationName
from genie_cli.evaluate.checks import (
    check_backbone,
    check_data,
    check_generation,
    check_places,
    parse_augmentations,
)

PLAIN, MADE = ("none", "weak"), ("weak", "img2img-l", "genie")


def check(names: Sequence[str], settings: Settings | None = None, given: Sequence[str] = (), **changes: Any) -> None:
    chosen = parse_augmentations(names, ())
    options = {"manifests": (), "plan_only": False, "soft_labels": False, **changes}
    check_generation(chosen, settings or Settings(), frozenset(given), **options)


def test_names_that_are_known() -> None:
    assert [a.label for a in parse_augmentations(("genie", "none"), (0.9, 0.5))] == [
        "genie r=0.5",
        "genie r=0.9",
        "none",
    ]
    assert len(parse_augmentations([name.value for name in AugmentationName], ())) == len(AugmentationName)


@pytest.mark.parametrize(
    ("name", "said"), [("week", "did you mean weak?"), ("img2img-", "did you mean img2img-"), ("xyz", "augmentation")]
)
def test_a_name_that_is_not_known(name: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_augmentations(("weak", name), ())
    assert f"--augment: there is no augmentation {name!r}" in str(refused.value)
    assert said in str(refused.value)
    assert refused.value.hint == f"choices: {', '.join(AugmentationName)}"


def test_a_benchmark_may_have_fewer_augmentations() -> None:
    with pytest.raises(UsageError, match="--augment: there is no augmentation 'weak'") as refused:
        parse_augmentations(("weak",), (), ("none", "genie"))
    assert refused.value.hint == "choices: none, genie"


@pytest.mark.parametrize("names", [PLAIN, MADE, ("txt2img",)])
def test_what_goes_together(names: tuple[str, ...]) -> None:
    check(names)
    check(names, given=("model.name", "generate.steps", "generate.seed", "data.dir"))
    if names != PLAIN:
        check(names, plan_only=True)
        check(names, manifests=("m.jsonl",))
        check(names, manifests=("m.jsonl",), soft_labels=True, given=("generate.seed", "model.device"))


@pytest.mark.parametrize(
    ("names", "changes", "complaint"),
    [
        (("txt2img", "genie-ada"), {"given": ("generate.r",)}, "neither is among --augment"),
        (MADE, {"soft_labels": True}, "takes the oracle's labels from a manifest"),
        (PLAIN, {"manifests": ("m",)}, "leave out --manifest"),
        (MADE, {"manifests": ("m",), "plan_only": True}, "leave out --plan-out and --dry-run"),
        (PLAIN, {"plan_only": True}, "there is no plan"),
        (MADE, {"manifests": ("m",), "given": ("model.name", "generate.steps")}, "leave out --model, --steps"),
        (
            MADE,
            {"settings": Settings(generate=Generate(steps=3))},
            "img2img-l has r = 0.3, which leaves no step to run",
        ),
    ],
)
def test_what_does_not(names: tuple[str, ...], changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(names, **changes)
    assert complaint in str(refused.value)


def test_the_number_of_steps_does_not_matter_for_images_that_exist() -> None:
    check(MADE, Settings(generate=Generate(steps=3)), manifests=("m",))
    check(PLAIN, Settings(generate=Generate(steps=3)))


def test_a_folder_that_bundled_data_do_not_need() -> None:
    bundled, other = catalog.entry("fewshot", "digits"), catalog.entry("fewshot", "folder")
    check_data(bundled, Data(), frozenset())
    check_data(other, Data(), {"data.dir"})
    with pytest.raises(UsageError, match="--dataset digits is made by genie: leave out --data-dir") as caught:
        check_data(bundled, Data(), {"data.dir"})
    assert caught.value.hint == "your own images are --dataset folder"


def test_a_test_split_is_drawn_from_ones_own_folder_alone() -> None:
    own, published = catalog.entry("longtail", "folder"), catalog.entry("finegrained", "cub")
    check_data(own, Data(test_share=0.2, split_seed=1), {"data.test_share", "data.split_seed"})
    with pytest.raises(UsageError, match="--dataset cub has a test split, or needs none: leave out --test-share"):
        check_data(published, Data(test_share=0.2), {"data.test_share"})
    with pytest.raises(UsageError, match="say how large it is"):
        check_data(own, Data(split_seed=1), {"data.split_seed"})


class TestPlaces:
    def test_places_that_can_be_used(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.jsonl").write_text('{"kind":"genie.manifest","schema":1}\n')
        check_places(tmp_path / "new/out", "cuda:1", (str(tmp_path), str(tmp_path / "manifest.jsonl"), "-"))
        assert not (tmp_path / "new").exists()

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for out in (tmp_path / "file", tmp_path / "file/out"):
            with pytest.raises(OutputError, match="cannot be a folder"):
                check_places(out, "auto", ())

    def test_a_device_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="'gpu'"):
            check_places(tmp_path, "gpu", ())

    @pytest.mark.parametrize("content", [None, "", "mine\n", '{"kind":"genie.plan","schema":1}\n'])
    def test_a_manifest_that_is_none(self, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "m.jsonl"
        if content is not None:
            file.write_text(content)
        with pytest.raises(ManifestError, match=r"m\.jsonl"):
            check_places(tmp_path, "auto", ("-", str(file)))


class TestBackbone:
    @pytest.mark.parametrize(
        "name",
        [
            "digits",
            "lite0",
            "lite0-64",
            "unisiam-resnet50",
            "resnet18",
            "vit_giant_patch14_dinov2.lvd142m",
            "hf-hub:a/b",
            "local-dir:x",
        ],
    )
    def test_names_that_are_known(self, name: str) -> None:
        check_backbone(name)

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("", "say which network"),
            ("resnet5O", "did you mean"),
            ("lite-0", "did you mean lite0"),
            ("unisiam-resnet", "did you mean"),
            ("!", "no model"),
        ],
    )
    def test_names_that_are_not(self, name: str, said: str) -> None:
        with pytest.raises(UsageError) as refused:
            check_backbone(name)
        assert said in str(refused.value)
        assert "--backbone" in str(refused.value)
