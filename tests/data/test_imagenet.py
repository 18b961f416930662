"""ImageNet's classes: WordNet ids to words and back."""

from __future__ import annotations

import pytest

from genie_cli.data.imagenet import distinct_names, is_class, name_of, wnids, wnids_named
from genie_cli.errors import UsageError

CRANE_BIRD, CRANE_MACHINE = "n02012849", "n03126707"


def test_there_are_a_thousand_in_the_order_of_the_logits() -> None:
    everything = wnids()
    assert len(set(everything)) == 1000
    assert everything == tuple(sorted(everything))
    assert (everything.index(CRANE_BIRD), everything.index(CRANE_MACHINE)) == (134, 517)


def test_a_name_is_the_first_word() -> None:
    assert name_of("n01532829") == "house finch"
    assert name_of(CRANE_BIRD) == name_of(CRANE_MACHINE) == "crane"


@pytest.mark.parametrize("word", ["house finch", "House_Finch", " LINNET ", "carpodacus  mexicanus"])
def test_a_class_is_found_by_each_of_its_words(word: str) -> None:
    assert wnids_named(word) == ("n01532829",)


def test_a_word_may_name_two_classes_or_none() -> None:
    assert wnids_named("crane") == (CRANE_BIRD, CRANE_MACHINE)
    assert wnids_named("finch") == ()
    assert wnids_named("") == ()


def test_every_class_is_found_by_its_name() -> None:
    assert all(wnid in wnids_named(name_of(wnid)) for wnid in wnids())


def test_distinct_names_are_distinct_on_any_file_system_and_mostly_plain() -> None:
    names = distinct_names(wnids())
    assert tuple(names) == wnids()
    assert len({name.casefold() for name in names.values()}) == 1000
    assert {wnid: name for wnid, name in names.items() if name != name_of(wnid)} == {
        CRANE_BIRD: "crane (bird)",
        CRANE_MACHINE: "crane (machine)",
        "n02113186": "Cardigan Welsh corgi",
        "n03710721": "tank suit",
    }


def test_a_class_has_one_name_in_whatever_company() -> None:
    assert distinct_names([CRANE_MACHINE]) == {CRANE_MACHINE: "crane (machine)"}


@pytest.mark.parametrize("unknown", ["n00000000", "house finch", ""])
def test_what_is_not_a_class(unknown: str) -> None:
    assert not is_class(unknown)
    with pytest.raises(UsageError, match="is not a class of ImageNet-1k"):
        name_of(unknown)
    with pytest.raises(UsageError, match="is not a class of ImageNet-1k"):
        distinct_names(["n01532829", unknown])
