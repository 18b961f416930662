"""The thousand classes of ImageNet (ILSVRC 2012): from WordNet ids to words and back, by the lists inside timm."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

from genie_cli.errors import UsageError

WNID = re.compile(r"n[0-9]{8}")

# The only word of two classes is "crane". The names here are also prompts.
_CLARIFIED = {"n02012849": "crane (bird)", "n03126707": "crane (machine)"}


def wnids() -> tuple[str, ...]:
    """The WordNet ids, in the order of a classifier's 1000 logits."""
    return tuple(_lemmas())


def is_class(wnid: str) -> bool:
    """Whether a label is the WordNet id of one of the thousand."""
    return WNID.fullmatch(wnid) is not None and wnid in _lemmas()  # the lists take seconds to load


def name_of(wnid: str) -> str:
    """The first of a class's words: "house finch" for n01532829. It may be another class's too: see `distinct_names`.

    Raises:
        UsageError: not a class of ImageNet-1k.
    """
    return _lemmas_of(wnid)[0]


def distinct_names(wnids: Iterable[str]) -> dict[str, str]:
    """A name for each class that no other of the thousand has, not even in upper or lower case.

    It is the class's first word, except where two classes share that: then it is the next word that only this class
    has ("Cardigan Welsh corgi" beside "cardigan"), and for the two cranes "crane (bird)" and "crane (machine)".
    The name of a class does not depend on the other ``wnids``.

    Raises:
        UsageError: not a class of ImageNet-1k.
    """
    return {wnid: _distinct_name(wnid) for wnid in wnids}


def all_words(label: str, name: str) -> str:
    """All words of a class of ImageNet, as "house finch, linnet, Carpodacus mexicanus"; of any other class ``name``."""
    return ", ".join(_lemmas_of(label)) if is_class(label) else name


def in_words(label: str) -> str:
    """A class for messages: "n01532829 (house finch)"; any other label stays as it is."""
    return f"{label} ({name_of(label)})" if is_class(label) else label


def wnids_named(word: str) -> tuple[str, ...]:
    """All classes that have ``word`` among their words, in the order of the classes; () if none has.

    Case does not matter, and "_" is a space: "house_finch", "House Finch".
    """
    return _by_lemma().get(folded(word), ())


def folded(name: str) -> str:
    """A name in the form in which names are compared: without case, "_" as a space, and Unicode normalized (NFC)."""
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").casefold().split())


def _distinct_name(wnid: str) -> str:
    first, *others = _lemmas_of(wnid)
    if wnid in _CLARIFIED:
        return _CLARIFIED[wnid]
    if not any(folded(name_of(other)) == folded(first) for other in wnids_named(first) if other != wnid):
        return first
    return next((word for word in others if len(wnids_named(word)) == 1), first)


def _lemmas_of(wnid: str) -> tuple[str, ...]:
    try:
        return _lemmas()[wnid]
    except KeyError:
        raise UsageError(f"{wnid!r} is not a class of ImageNet-1k", "WordNet ids look like n01532829") from None


@cache
def _lemmas() -> Mapping[str, tuple[str, ...]]:
    """Each class's words, by WordNet id, in the order of the classes."""
    from timm.data import ImageNetInfo

    descriptions: dict[str, str] = ImageNetInfo().label_descriptions(as_dict=True)
    return {wnid: tuple(words.split(", ")) for wnid, words in descriptions.items()}


@cache
def _by_lemma() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for wnid, words in _lemmas().items():
        for word in dict.fromkeys(map(folded, words)):
            found[word] = (*found.get(word, ()), wnid)
    return found
