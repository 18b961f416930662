"""A classifier's classes and their names. Independent of torch."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from genie_cli.data.imagenet import distinct_names, folded, is_class, wnids_named

_DIGITS = 9  # of an index; Python refuses to convert some thousands
_COMPARED = 200  # characters of a word that is looked for among similar ones, which takes time by their square


@dataclass(frozen=True)
class Vocabulary:
    """Classes as the classifier names them: WordNet ids, which ImageNet gives words to, or names.

    Attributes:
        classes: in the order of the logits.
    """

    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.classes)

    def find(self, word: str, or_index: bool = False) -> list[int]:
        """Indices of the classes that ``word`` means: one, none, or several if it is ambiguous.

        An exact class name or WordNet id decides; then, if allowed, the index; then a unique name; then any of a
        class's synonyms. Names are compared without case, and "_" is a space.
        """
        if exact := [index for index, name in enumerate(self.classes) if name == word]:
            return exact
        if or_index and word.isdecimal() and len(word) <= _DIGITS and int(word) < len(self):
            return [int(word)]
        return self._by_name.get(folded(word)) or self._by_word(word)

    def near(self, word: str) -> list[int]:
        """Up to three classes with a similar name, the most similar first."""
        names = difflib.get_close_matches(folded(word[:_COMPARED]), self._by_name, n=3, cutoff=0.6)
        return list(dict.fromkeys(index for name in names for index in self._by_name[name]))[:3]

    def key(self, index: int) -> str:
        """What identifies this class: its name, or, if two classes have the same name, its index."""
        name = self.classes[index]
        return name if self._count[name] == 1 else str(index)

    def key_and_meaning(self, index: int) -> tuple[str, str]:
        """The class's key, and its meaning; "" where the key says it all."""
        name, key = self.classes[index], self.key(index)
        meaning = _meaning(name) if name in self._wordnet else name
        return key, "" if meaning == key else meaning

    def describe(self, index: int) -> str:
        """The class's key, and its meaning in brackets."""
        key, meaning = self.key_and_meaning(index)
        return f"{key} ({meaning})" if meaning else key

    @cached_property
    def _count(self) -> Counter[str]:
        return Counter(self.classes)

    @cached_property
    def _wordnet(self) -> dict[str, int]:
        """Index of each class that is a WordNet id of ImageNet's."""
        return {name: index for index, name in enumerate(self.classes) if is_class(name)}

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """Names, folded; several indices only where the classifier itself gives two classes the same name."""
        of_ids = distinct_names(self._wordnet)
        named: dict[str, list[int]] = {}
        for index, name in enumerate(self.classes):
            named.setdefault(folded(of_ids.get(name, name)), []).append(index)
        return named

    def _by_word(self, word: str) -> list[int]:
        return _known(wnids_named(word), self._wordnet)


def _known(ids: Iterable[str], indices: dict[str, int]) -> list[int]:
    return [indices[wnid] for wnid in ids if wnid in indices]


def _meaning(wnid: str) -> str:
    from timm.data import ImageNetInfo

    return str(ImageNetInfo().label_name_to_description(wnid, detailed=True))
