"""The file of confusions: what is refused, and which classes a target is most often taken for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import OutputError, UsageError

LABELS = ("cat", "dog", "fox", "owl")
MATRIX = ((90, 4, 4, 0), (1, 97, 7, 2), (0, 0, 50, 0), (3, 3, 3, 1))


def a_confusion(**changes: Any) -> Confusion:
    return Confusion(**{"labels": LABELS, "matrix": MATRIX, **changes})


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class TestRead:
    def test_what_was_written(self, tmp_path: Path) -> None:
        confusion = a_confusion(labels=("Köter", "🦊", "a\nb", " "), how={"folds": 5})
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
            ({"labels": ("cat", "dog", "cat", "owl")}, "labels lists a class twice"),
            ({"labels": 3}, "labels "),
            ({"matrix": (("many",) * 4,) * 4}, "matrix.0.0 "),
            ({"matrix": ((0.5,) * 4,) * 4}, "matrix.0.0 "),
            ({"matrix": None}, "matrix "),
            ({"kind": "genie.manifest"}, "kind "),
            *(({"schema": schema}, "schema ") for schema in (2, 0, -1, "1", True, 1.0, None, 10**22)),
            *(({"matrix": ((count,) * 4,) * 4}, "matrix.0.0 ") for count in (-1, "1", True, 1.0, None, 10**22)),
            ({"labels": ("cat", "dog", "fox", "")}, "labels.3 "),
            ({"labels": ("cat", "dog", "fox", 3)}, "labels.3 "),
            ({"labels": [], "matrix": []}, "labels "),
            ({"labels": [str(number) for number in range(10_001)]}, "labels has more than 10,000 classes"),
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

    def test_what_a_notebook_shows(self) -> None:
        one = Confusion(labels=("a", "b"), matrix=((3, 1), (0, 2)))
        assert repr(one) == "<Confusion: 2 classes, 6 images, 5 predicted correctly>"

    def test_it_does_not_change(self) -> None:
        with pytest.raises(ValidationError):
            a_confusion().labels = ()  # type: ignore[misc]


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
        with pytest.raises(UsageError, match="the confusion matrix has no class 'yak'") as caught:
            a_confusion().most_confused("yak", 1)
        assert caught.value.hint == "it has: cat, dog, fox, owl"

    def test_never_confused(self) -> None:
        with pytest.raises(UsageError, match="'fox' was never confused with another class") as caught:
            a_confusion().most_confused("fox", 1)
        assert caught.value.hint

    def test_rows_are_the_truth_and_columns_the_prediction(self) -> None:
        confusion = Confusion(labels=("a", "b"), matrix=((0, 5), (0, 0)))
        assert confusion.most_confused("a", 1) == (("b", 5),)
        with pytest.raises(UsageError, match="'b' was never confused"):
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

    def test_of_many_classes_the_ones_spelled_most_alike(self) -> None:
        labels = (*(f"class {number}" for number in range(40)), "red fox")
        with pytest.raises(UsageError) as caught:
            Confusion(labels=labels, matrix=((0,) * 41,) * 41).most_confused("redfox", 1)
        assert caught.value.hint.startswith("it has 41 classes; the nearest: red fox")
        assert "class 39" not in caught.value.hint


class TestWrite:
    def test_what_is_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "confusion.json"
        confusion = a_confusion(labels=("Köter", "🦊", "a\nb", " "), how={"folds": 5})
        confusion.write(path, top_k=2)
        assert Confusion.read(path) == confusion
        assert [file.name for file in tmp_path.iterdir()] == ["confusion.json"]

    def test_the_most_confused_with_counts_and_how_ties_are_broken(self, tmp_path: Path) -> None:
        a_confusion().write(tmp_path / "c.json", top_k=2)
        content = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
        assert content["most_confused"] == {
            "cat": [["dog", 4], ["fox", 4]],
            "dog": [["fox", 7], ["owl", 2]],
            "fox": [],
            "owl": [["cat", 3], ["dog", 3]],
        }
        assert content["ties"] == "in the order of the labels"

    def test_the_matrix_decides_not_the_list(self, tmp_path: Path) -> None:
        path = written(
            tmp_path / "c.json", {"labels": LABELS, "matrix": MATRIX, "most_confused": {"dog": [["owl", 99]]}}
        )
        assert Confusion.read(path).most_confused("dog", 1) == (("fox", 7),)

    def test_over_an_older_one(self, tmp_path: Path) -> None:
        path = tmp_path / "c.json"
        a_confusion().write(path, top_k=1)
        newer = Confusion(labels=("a", "b"), matrix=((1, 2), (3, 4)))
        newer.write(path, top_k=1)
        assert Confusion.read(path) == newer

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"mine",
            b"[]",
            b"\xff",
            b'{"labels": ["a", "b"], "matrix": [[1, 2], [3, 4]]}',
            b'{"kind": "genie.plan"}',
        ],
    )
    def test_a_file_of_somebody_is_left_alone(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "c.json"
        path.write_bytes(content)
        with pytest.raises(OutputError, match="already exists and is not a confusion file of genie"):
            a_confusion().write(path, top_k=1)
        assert path.read_bytes() == content

    def test_no_folder_to_write_to(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="there is no folder"):
            a_confusion().write(tmp_path / "missing/c.json", top_k=1)

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="it is a folder, not a file"):
            a_confusion().write(tmp_path, top_k=1)


def test_pairs_by_count_and_ties_as_the_labels_stand() -> None:
    expected = [("dog", "fox", 7, 107), ("cat", "dog", 4, 98), ("cat", "fox", 4, 98), ("owl", "cat", 3, 10)]
    assert list(a_confusion().pairs()[:4]) == expected
    assert len(a_confusion().pairs()) == 8


def test_accuracy_and_the_never_confused() -> None:
    assert a_confusion().accuracy() == (90 + 97 + 50 + 1, 98 + 107 + 50 + 10)
    assert a_confusion().never_confused() == ("fox",)
