"""Which classes of a confusion matrix are shown."""

from __future__ import annotations

import numpy as np

from genie_cli.confuse.confusion import Confusion
from genie_cli.gallery.figures.matrix import MOST, data
from tests.manifests import a_job, a_row


def confusion(size: int, counts: dict[tuple[int, int], int] | None = None) -> Confusion:
    matrix = np.eye(size, dtype=int) * 9
    for place, count in (counts or {}).items():
        matrix[place] = count
    return Confusion(labels=tuple(f"c{n}" for n in range(size)), matrix=tuple(map(tuple, matrix.tolist())))


def test_a_small_matrix_is_shown_whole() -> None:
    found = data(confusion(3, {(0, 2): 4}), [])
    assert found == {
        "labels": ["c0", "c1", "c2"],
        "counts": [[9, 0, 4], [0, 9, 0], [0, 0, 9]],
        "totals": [13, 9, 9],
        "classes": 3,
        "chosen": "",
    }


def test_of_many_classes_those_of_the_manifest() -> None:
    rows = [a_row(a_job(name)) for name in ("c70", "c5", "unknown")]
    found = data(confusion(MOST + 40, {(5, 6): 2}), rows)
    assert (found["labels"], found["chosen"], found["classes"]) == (["c5", "c70"], "manifest", MOST + 40)
    assert (found["counts"], found["totals"]) == ([[9, 0], [0, 9]], [11, 9])


def test_else_the_most_confused_ones() -> None:
    size = MOST + 40
    confused = {(place, place + 1): 1 for place in range(size - MOST, size - 1)}
    found = data(confusion(size, confused), [a_row()])
    assert (found["labels"], found["chosen"]) == ([f"c{n}" for n in range(size - MOST, size)], "confusions")
