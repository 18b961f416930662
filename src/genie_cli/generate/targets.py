"""Which class a typed target means: a name has many spellings, and a class's own photos must never be its sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from genie_cli.data.class_names import ClassNames
from genie_cli.data.class_words import wnid_of, words_of
from genie_cli.data.imagenet import folded, wnids_named
from genie_cli.errors import UsageError, shorten


@dataclass(frozen=True)
class KnownClasses:
    """The classes that there are photos of.

    Attributes:
        labels: the names of their folders.
        names: what a person says that classes are called.
        place: the folder of the photos, for messages.
    """

    labels: Sequence[str]
    names: ClassNames = field(default_factory=ClassNames)
    place: str = "the sources"

    def resolved(self, typed: Iterable[str]) -> dict[str, str]:
        """From each typed target to its class: one that there are photos of, or, as it was typed, a new one.

        A class is meant by its label; by its words, whatever their case and with spaces, underscores or hyphens; and,
        if it is one of ImageNet's, by its WordNet id and each of ImageNet's words for it.

        Raises:
            UsageError: a name could mean several classes, or photos of its class are in another class, too.
        """
        found: dict[str, str] = {}
        by_words: dict[str, str] = {}
        for name in typed:
            label = name if name in self._known else self._meant(name)
            self._require_alone(label)
            key = _key(self.names.words_of(label))
            if by_words.setdefault(key, label) != label:
                raise UsageError(
                    f"--targets: {by_words[key]!r} and {label!r} are the same class", "leave out one of them"
                )
            found[name] = label
        return found

    def _meant(self, name: str) -> str:
        """The class that a name means that is no label; the name itself if that is a new class."""
        if name in self.names.words:
            candidates = self._by_words.get(_key(self.names.words_of(name)), [])
        else:
            candidates = next(filter(None, self._candidates(name)), [])
        if len(candidates) > 1:
            raise UsageError(
                f"--targets: {name!r} could mean {shorten(list(map(_described, candidates)))}",
                "type the one that is meant",
            )
        return candidates[0] if candidates else name

    def _candidates(self, name: str) -> Iterator[list[str]]:
        """The classes that a name could mean, by ever looser rules; WordNet ids among them may have no photos."""
        yield self._by_label.get(_key(name), [])
        yield self._by_words.get(_key(words_of(name)), [])
        wnid = wnid_of(name)
        if not wnid and not self._by_wnid:
            return
        meant = [wnid] if wnid else list(wnids_named(words_of(name)))
        labels = [label for each in meant for label in self._by_wnid.get(each, [])]
        if wnid and not labels:
            labels = [label for label in self.labels if wnid in wnids_named(self.names.words_of(label))]
            others = {each for label in labels for each in wnids_named(self.names.words_of(label))} - {wnid}
            labels += sorted(others) if labels else []
        elif labels:
            labels += [each for each in meant if each not in self._by_wnid]
        yield list(dict.fromkeys(labels))

    def _require_alone(self, label: str) -> None:
        """Raise UsageError if another class has the same words as ``label``, or is the same of ImageNet's."""
        if label not in self._known:
            return
        wnid = self._wnids.get(label, "")
        twins = [*self._by_words[_key(self.names.words_of(label))], *(self._by_wnid[wnid] if wnid else ())]
        if others := sorted({*twins} - {label}):
            raise UsageError(
                f"{self.place}: {others[0]!r} is {label!r} by another name, and its photos would be sources of it",
                "put them into one folder, or say what each is called: --class-names",
            )

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.labels)

    @cached_property
    def _by_label(self) -> Mapping[str, list[str]]:
        return _grouped(self.labels, _key)

    @cached_property
    def _by_words(self) -> Mapping[str, list[str]]:
        return _grouped(self.labels, lambda label: _key(self.names.words_of(label)))

    @cached_property
    def _wnids(self) -> Mapping[str, str]:
        """The WordNet ids of the classes that have one, and no other words by hand."""
        found = {label: wnid_of(label) for label in self.labels if not self.names.words.get(label)}
        return {label: wnid for label, wnid in found.items() if wnid}

    @cached_property
    def _by_wnid(self) -> Mapping[str, list[str]]:
        return _grouped(self._wnids, lambda label: self._wnids[label])


def _grouped(labels: Iterable[str], key: Callable[[str], str]) -> Mapping[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[key(label)].append(label)
    return dict(groups)


def _key(name: str) -> str:
    """A name in the form in which names are compared: without case, spaces, underscores and hyphens."""
    return folded(name.replace("-", " ")).replace(" ", "") or name


def _described(label: str) -> str:
    words = words_of(label)
    return label if words == label else f"{label} ({words})"
