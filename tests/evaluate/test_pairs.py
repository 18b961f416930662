"""Which augmentations `--compare` compares."""

from __future__ import annotations

import pytest

from genie_cli.errors import UsageError
from genie_cli.evaluate.augmentations import AugmentationName, choose
from genie_cli.evaluate.pairs import parse_pairs

KNOWN = [a.label for a in choose([AugmentationName.NONE, AugmentationName.TXT2IMG, AugmentationName.GENIE], [0.6, 0.8])]


def test_pairs_are_read_as_they_are_labelled_and_each_once() -> None:
    asked = ["genie r=0.8,txt2img", " txt2img , none", "genie r=0.8,txt2img", "genie r=0.6,genie r=0.8"]
    assert parse_pairs(asked, KNOWN) == [
        ("genie r=0.8", "txt2img"),
        ("txt2img", "none"),
        ("genie r=0.6", "genie r=0.8"),
    ]
    assert parse_pairs([], KNOWN) == []


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("genie r=0.8", "is no pair of augmentations"),
        ("none,none", "is no pair of augmentations"),
        ("none,txt2img,none", "is no pair of augmentations"),
        ("genie,txt2img", "'genie' is not among the augmentations; did you mean genie r=0.8"),
        ("none,weak", "'weak' is not among the augmentations"),
    ],
)
def test_what_is_no_pair(asked: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_pairs([asked], KNOWN)
    assert complaint in str(refused.value)
    assert refused.value.hint
