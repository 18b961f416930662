"""The number of folds that suits the smallest classes."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.confuse.folds import Folds
from genie_cli.errors import FolderError, GenieError, UsageError
from tests.confuse.tables import message


@pytest.mark.parametrize(
    ("labels", "wanted", "count", "single"),
    [
        ("aaaaabbbbb", 5, 5, ()),
        ("aaaaabbbcccc", 5, 3, ()),
        ("aaaaabbbcccc", 2, 2, ()),
        ("aaabbbc", 5, 3, ("c",)),
        ("zaaabbby", 2, 2, ("y", "z")),
    ],
)
def test_folds(labels: str, wanted: int, count: int, single: tuple[str, ...]) -> None:
    found = Folds.of(labels, labels, wanted)
    assert (found.count, found.single) == (count, single)


@pytest.mark.parametrize(
    ("classes", "labels", "wanted", "error", "reason"),
    [
        ("a", "aaaa", 5, FolderError, "there is only one class, a"),
        ("ab", "aaaab", 5, FolderError, "at least two classes need two images or more; the numbers of images are: b"),
        ("az", "aaaaa", 2, FolderError, "classes without an image that can be used: z"),
        ("ab", "aabb", 1, UsageError, "folds must be a whole number of 2 or more"),
    ],
)
def test_what_cannot_be_measured(classes: str, labels: str, wanted: int, error: type[GenieError], reason: str) -> None:
    with pytest.raises(error) as caught:
        Folds.of(classes, labels, wanted)
    assert reason in message(caught.value)


@given(st.text(string.ascii_lowercase, min_size=4), st.integers(2, 10))
def test_every_class_is_in_every_fold_or_alone(labels: str, wanted: int) -> None:
    try:
        found = Folds.of(labels, labels, wanted)
    except FolderError:
        assert sum(labels.count(name) > 1 for name in set(labels)) < 2
        return
    counts = {name: labels.count(name) for name in set(labels)}
    assert set(found.single) == {name for name, count in counts.items() if count == 1}
    assert 2 <= found.count <= wanted
    assert all(count >= found.count for name, count in counts.items() if name not in found.single)
    assert bool(list(found.messages())) == (found.count < wanted or bool(found.single))
