"""However a target is typed, the photos of its own class are never its sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genie_cli.data.class_names import ClassNames
from genie_cli.errors import UsageError
from genie_cli.generate.targets import KnownClasses
from tests.conftest import Genie

FOLDERS = ("golden_retriever", "001.Black_footed_Albatross", "n02096294", "n02085620-Chihuahua", "cat")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *((label, label) for label in FOLDERS),
        ("golden retriever", "golden_retriever"),
        ("Golden Retriever", "golden_retriever"),
        ("golden-retriever", "golden_retriever"),
        ("GoldenRetriever", "golden_retriever"),
        ("n02099601", "golden_retriever"),
        ("n02099601-golden_retriever", "golden_retriever"),
        ("Black footed Albatross", "001.Black_footed_Albatross"),
        ("black-footed albatross", "001.Black_footed_Albatross"),
        ("Australian terrier", "n02096294"),
        ("australian_terrier", "n02096294"),
        ("Chihuahua", "n02085620-Chihuahua"),
        ("n02085620", "n02085620-Chihuahua"),
        ("lynx", "lynx"),
        ("n02127052", "n02127052"),  # a lynx, of which there are no photos
        ("cats", "cats"),
    ],
)
def test_a_class_has_many_names(typed: str, meant: str) -> None:
    assert KnownClasses(FOLDERS).resolved([typed]) == {typed: meant}


def test_synonyms_of_imagenet() -> None:
    assert KnownClasses(["n01532829", "cat"]).resolved(["linnet"]) == {"linnet": "n01532829"}
    assert KnownClasses(["linnet", "cat"]).resolved(["n01532829"]) == {"n01532829": "linnet"}


@pytest.mark.parametrize(
    ("folders", "typed", "candidates"),
    [
        (("Cat", "cat"), "CAT", ("Cat", "cat")),
        (("n02012849", "n03126707"), "crane", ("n02012849 (crane (bird))", "n03126707 (crane (machine))")),
        (("n02012849", "cat"), "crane", ("n02012849 (crane (bird))", "n03126707 (crane (machine))")),
        (("crane", "cat"), "n02012849", ("crane", "n03126707 (crane (machine))")),
        (("n02127052", "cat"), "catamount", ("n02127052 (lynx)", "n02125311 (cougar)")),
    ],
)
def test_what_could_mean_several_is_refused(folders: tuple[str, ...], typed: str, candidates: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=f"'{typed}' could mean ") as caught:
        KnownClasses(folders).resolved([typed])
    assert all(candidate in str(caught.value) for candidate in candidates)


@pytest.mark.parametrize(
    "folders", [("cat", "Cat"), ("n02099601", "golden_retriever"), ("golden retriever", "golden_retriever")]
)
def test_one_class_in_two_folders_is_refused_as_a_target(folders: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="by another name, and its photos would be sources of it"):
        KnownClasses(folders).resolved([folders[0]])
    assert KnownClasses([*folders, "dog"]).resolved(["dog"]) == {"dog": "dog"}


def test_one_new_class_under_two_names_is_refused() -> None:
    with pytest.raises(UsageError, match="'lynx' and 'Lynx' are the same class"):
        KnownClasses(["cat"]).resolved(["lynx", "Lynx"])
    both = KnownClasses(FOLDERS).resolved(["golden retriever", "Golden_Retriever"])
    assert set(both.values()) == {"golden_retriever"}


def test_words_by_hand_decide() -> None:
    names = ClassNames({"a1": "lynx", "a2": "leopard", "crane": "crane (machine)"})
    known = KnownClasses(["a1", "a2", "crane"], names)
    assert known.resolved(["Lynx", "leopard", "n02012849"]) == {"Lynx": "a1", "leopard": "a2", "n02012849": "n02012849"}


def plan_of(genie: Genie, *words: object) -> list[dict[str, str]]:
    result = genie("generate", *words, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    return [{"source": row["source"]["label"], "target": row["target"], "prompt": row["prompt"]} for row in rows]


@pytest.fixture
def named_photos(photos: Path) -> Path:
    for old, new in (("one", "golden_retriever"), ("two", "n02096294"), ("three", "001.Black_footed_Albatross")):
        (photos / old).rename(photos / new)
    for label in ("four", "five", "six", "seven", "eight", "nine"):
        (photos / label / next((photos / label).iterdir()).name).unlink()
        (photos / label).rmdir()
    return photos


@pytest.mark.parametrize(
    ("typed", "label", "prompt"),
    [
        ("Golden Retriever", "golden_retriever", "A photo of a golden retriever"),
        ("Australian terrier", "n02096294", "A photo of an Australian terrier"),
        ("001.Black_footed_Albatross", "001.Black_footed_Albatross", "A photo of a Black footed Albatross"),
        ("n02127052", "n02127052", "A photo of a lynx"),
    ],
)
def test_prompts_have_words_and_sources_are_of_other_classes(
    genie: Genie, named_photos: Path, open_model: Path, typed: str, label: str, prompt: str
) -> None:
    rows = plan_of(genie, "--src-dir", named_photos, "--model", open_model, "--targets", typed)
    assert {row["target"] for row in rows} == {label}
    assert {row["prompt"] for row in rows} == {prompt}
    others = {"golden_retriever", "n02096294", "001.Black_footed_Albatross", "zero"} - {label}
    assert {row["source"] for row in rows} == others


def test_img2img_starts_from_the_class_that_is_meant(genie: Genie, named_photos: Path, open_model: Path) -> None:
    words = ("--src-dir", named_photos, "--model", open_model, "--method", "img2img", "--targets", "golden retriever")
    assert {row["source"] for row in plan_of(genie, *words)} == {"golden_retriever"}


def test_an_id_that_nobody_knows_is_refused(genie: Genie, photos: Path, open_model: Path) -> None:
    result = genie("generate", "--src-dir", photos, "--model", open_model, "--targets", "n00000001", "--dry-run")
    assert result.exit_code == 2
    assert "n00000001 is not a class of ImageNet-1k" in result.stderr
