"""The file of confusions: what is refused, and which classes a target is most often taken for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genie_cli.confusion import Confusion
from genie_cli.errors import UsageError

LABELS = ("cat", "dog", "fox", "owl")
MATRIX = ((90, 4, 4, 0), (1, 97, 7, 2), (0, 0, 50, 0), (3, 3, 3, 1))


def a_confusion(**changes: Any) -> Confusion:
    return Confusion(**{"labels": LABELS, "matrix": MATRIX, **changes})


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class TestRead:
    def test_what_was_written(self, tmp_path: Path) -> None:
        confusion = a_confusion(labels=("Köter", "🦊", "a\nb", ""), how={"folds": 5})
        path = tmp_path / "confusion.json"
        path.write_text(confusion.model_dump_json(), encoding="utf-8")
        assert Confusion.read(path) == confusion
        assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 1

    def test_what_a_person_wrote(self, tmp_path: Path) -> None:
        path = written(tmp_path / "mine.json", {"labels": LABELS, "matrix": MATRIX})
        assert Confusion.read(path) == a_confusion()

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"matrix": MATRIX[:3]}, "the matrix is not 4 x 4, as the labels are"),
            ({"matrix": (*MATRIX[:3], (1, 2, 3))}, "the matrix is not 4 x 4, as the labels are"),
            ({"matrix": []}, "the matrix is not 4 x 4, as the labels are"),
            ({"labels": ("cat", "dog", "cat", "owl")}, "a class stands in labels twice"),
            ({"labels": 3}, "labels "),
            ({"matrix": (("many",) * 4,) * 4}, "matrix.0.0 "),
            ({"matrix": ((0.5,) * 4,) * 4}, "matrix.0.0 "),
            ({"matrix": None}, "matrix "),
            ({"kind": "genie.manifest"}, "kind "),
            ({"schema": 2}, "schema "),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
        path = written(tmp_path / "c.json", {"labels": LABELS, "matrix": MATRIX, **changes})
        with pytest.raises(UsageError) as caught:
            Confusion.read(path)
        assert str(caught.value).startswith(f"{path} is not a confusion file: {reason}")

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"3", b"null", b"{}", b"\xff", '{"labels": ["é'.encode("latin-1"), b"[" * 100_000],
    )
    def test_no_json_or_no_such_file(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "c.json"
        path.write_bytes(content)
        with pytest.raises(UsageError, match="is not a confusion file: "):
            Confusion.read(path)

    def test_no_such_path(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"missing\.json cannot be read: No such file"):
            Confusion.read(tmp_path / "missing.json")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read: "):
            Confusion.read(tmp_path)

    def test_it_does_not_change(self) -> None:
        with pytest.raises(ValidationError):
            a_confusion().labels = ()


class TestMostConfused:
    @pytest.mark.parametrize(
        ("target", "k", "expected"),
        [
            ("dog", 1, (("fox", 7),)),
            ("dog", 2, (("fox", 7), ("owl", 2))),
            ("dog", 3, (("fox", 7), ("owl", 2), ("cat", 1))),
            ("cat", 1, (("dog", 4),)),
            ("cat", 2, (("dog", 4), ("fox", 4))),
            ("owl", 2, (("cat", 3), ("dog", 3))),
        ],
    )
    def test_often_first_and_ties_as_the_labels_stand(
        self, target: str, k: int, expected: tuple[tuple[str, int], ...]
    ) -> None:
        assert a_confusion().most_confused(target, k) == expected

    def test_fewer_than_asked_for(self) -> None:
        assert a_confusion().most_confused("cat", 9) == (("dog", 4), ("fox", 4))

    def test_unknown_target(self) -> None:
        with pytest.raises(UsageError, match="the confusion matrix does not know 'yak'") as caught:
            a_confusion().most_confused("yak", 1)
        assert caught.value.hint == "it knows: cat, dog, fox, owl"

    def test_never_mistaken(self) -> None:
        with pytest.raises(UsageError, match="'fox' was never mistaken for another class") as caught:
            a_confusion().most_confused("fox", 1)
        assert caught.value.hint

    def test_rows_are_the_truth_and_columns_the_prediction(self) -> None:
        confusion = Confusion(labels=("a", "b"), matrix=((0, 5), (0, 0)))
        assert confusion.most_confused("a", 1) == (("b", 5),)
        with pytest.raises(UsageError, match="'b' was never mistaken"):
            confusion.most_confused("b", 1)

    @given(st.lists(st.integers(0, 3), min_size=2, max_size=8), st.integers(1, 8))
    def test_laws(self, row: list[int], k: int) -> None:
        labels = tuple("abcdefgh"[: len(row)])
        confusion = Confusion(labels=labels, matrix=(tuple(row),) * len(row))
        if not any(row[1:]):
            return
        pairs = confusion.most_confused("a", k)
        assert len(pairs) == min(k, sum(count > 0 for count in row[1:]))
        assert list(pairs) == sorted(pairs, key=lambda pair: (-pair[1], labels.index(pair[0])))
        assert all(dict(zip(labels, row, strict=True))[name] == count > 0 for name, count in pairs)
        left_out = [count for name, count in zip(labels, row, strict=True) if name not in {"a", *dict(pairs)}]
        assert max(left_out, default=0) <= pairs[-1][1]
