"""A class in words, as prompts have it: from the name of its folder or its label, in every command alike.

A class has a key, which labels its images, a folder and words. "n02099601", "golden_retriever" and
"012.Golden_retriever" are keys, which no prompt should have in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from genie_cli.data import imagenet
from genie_cli.errors import UsageError

_ID_AND_WORDS = re.compile(r"(n[0-9]{8})[-_. ]+(?=\S)")  # as Stanford Dogs has them: n02085620-Chihuahua
_NUMBER = re.compile(r"[0-9]{1,4}\.[ _]*(?=[^\W\d_])")  # as CUB and Caltech have them: 001.Black_footed_Albatross


@lru_cache(maxsize=1 << 16)
def words_of(label: str) -> str:
    """A class in words: "Black footed Albatross" for ``001.Black_footed_Albatross``.

    Of a WordNet id they are ImageNet's, see `imagenet.distinct_names`; one that is not among its thousand classes stays
    as it is. Of any other label a number or a WordNet id in front of the words is left out, and underscores are spaces.
    """
    if imagenet.is_class(label):
        return imagenet.distinct_names([label])[label]
    if imagenet.WNID.fullmatch(label):
        return label
    start = _ID_AND_WORDS.match(label) or _NUMBER.match(label)
    plain = label[start.end() :] if start else label
    return " ".join(part for part in plain.replace("_", " ").split(" ") if part) or label


def names_of(labels: Iterable[str]) -> dict[str, str]:
    """The words of each label that are not the label itself."""
    return {label: words for label in dict.fromkeys(labels) if (words := words_of(label)) != label}


def wnid_of(label: str) -> str:
    """The WordNet id that a label is, or begins with, if it is one of ImageNet's thousand; else empty."""
    found = imagenet.WNID.fullmatch(label) or _ID_AND_WORDS.match(label)
    wnid = found[0][:9] if found else ""
    return wnid if imagenet.is_class(wnid) else ""


def require_words(words: str) -> str:
    """Return ``words``; UsageError if they are a WordNet id, which says nothing to a model."""
    if imagenet.WNID.fullmatch(words):
        raise UsageError(
            f"{words} is not a class of ImageNet-1k, so it is not known what it is called, and a prompt needs words",
            "say what it is called: --write-class-names names.csv, fill in its words, then --class-names names.csv",
        )
    return words
