"""Confusions counted from predictions and from logits: every form, and what does not fit."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.confuse.predictions import from_logits, from_predictions
from genie_cli.errors import UsageError
from tests.confuse.tables import a_table, message


class TestPredictions:
    def test_counts(self, tmp_path: Path) -> None:
        rows = [("a", "b"), ("a", "a"), ("b", "c"), ("a", "b")]
        path = a_table(tmp_path / "preds.csv", rows)
        confusion = from_predictions(path)
        assert confusion.labels == ("a", "b", "c")
        assert confusion.matrix == ((1, 2, 0), (0, 0, 1), (0, 0, 0))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert confusion.how == {"predictions": "preds.csv", "sha256": sha256, "images": 4}

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1), st.permutations("abcd"))
    def test_it_is_scikit_learns_matrix(
        self, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], order: list[str]
    ) -> None:
        from sklearn.metrics import confusion_matrix

        folder = tmp_path_factory.mktemp("table")
        (folder / "names.txt").write_text("\n".join(order))
        found = from_predictions(a_table(folder / "p.csv", rows), folder / "names.txt")
        expected = confusion_matrix(*zip(*rows, strict=True), labels=order)
        assert found.labels == tuple(order)
        assert [list(row) for row in found.matrix] == expected.tolist()

    @pytest.mark.parametrize(
        "content",
        [
            "\ufeffTrue,PREDICTED\na,b\nb,b\n",
            "path, Predicted , true,score\nx.png,b,a,0.5\ny.png,b,b,1\n",
            'true,predicted\r\n"a","b"\r\n\r\n b , b \r\n',
        ],
    )
    def test_as_people_and_programs_write_it(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(content.encode())
        confusion = from_predictions(path)
        assert (confusion.labels, confusion.matrix) == (("a", "b"), ((0, 1), (0, 1)))

    def test_names_are_known_however_unicode_spells_them(self, tmp_path: Path) -> None:
        path = a_table(tmp_path / "p.csv", [("caf\u00e9", "b"), ("cafe\u0301", "b")])
        assert from_predictions(path).matrix == ((0, 0), (2, 0))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "line 1: needs the columns true and predicted, once each; it has none"),
            (b"a,b\nc,d\n", "line 1: needs the columns true and predicted, once each; it has a, b"),
            (b"true;predicted\na;b\n", "it has true;predicted the first line names the columns, with commas"),
            (b"true,predicted,True\na,b,c\n", "once each"),
            (b"true,predicted\n", "has a header and no rows"),
            (b"true,predicted\na,b\n\na,\n", "line 4: predicted is blank"),
            (b"true,predicted\n ,b\n", "line 2: true is blank"),
            (b"true,predicted\na\n", "line 2: predicted is blank"),
            (b'true,predicted\na,b\nb,"a\na,b\nb,b\n', "line 3: unexpected end of data"),
            (b'true,predicted\n"a"b,a\n', "line 2: ',' expected after '\"'"),
            (b"true,predicted\na, big,b\nb,a\n", "line 2 has more cells than the first line"),
            (b"true,predicted\na,\xff\n", "is not UTF-8"),
            (b"true,predicted\na,a\n", "there is only one class, a"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "p.csv"
        path.write_bytes(content)
        with pytest.raises(UsageError) as caught:
            from_predictions(path)
        assert reason in message(caught.value)

    def test_classes_that_do_not_fit(self, tmp_path: Path) -> None:
        path = a_table(tmp_path / "p.csv", [("a", "b"), ("c", "d")])
        (tmp_path / "names.txt").write_text("a\nb\nc\n")
        with pytest.raises(UsageError, match=r"has classes that .*names\.txt does not name: d"):
            from_predictions(path, tmp_path / "names.txt")
        (tmp_path / "names.txt").write_text("a\nb\na\n")
        with pytest.raises(UsageError, match="lists a name twice: a"):
            from_predictions(path, tmp_path / "names.txt")


class TestLogits:
    LOGITS = np.array([[2, 1, 0], [0, 1, 1], [-1, -3, -2], [0, 0, 9]], np.float32)

    def saved(self, folder: Path, values: Any = LOGITS) -> Path:
        np.save(folder / "logits.npy", values)
        return folder / "logits.npy"

    def test_the_three_forms_of_truth_agree(self, tmp_path: Path) -> None:
        logits, names = self.saved(tmp_path), ["b", "b", "c", "a"]
        (tmp_path / "classes.txt").write_text("b\nc\na\n")
        (tmp_path / "true.txt").write_text("\n".join(names))
        a_table(tmp_path / "true.csv", [(name,) for name in names], "TRUE")
        np.save(tmp_path / "names.npy", np.array(names))
        np.save(tmp_path / "numbers.npy", np.array([0, 0, 1, 2], np.uint8))
        for true in ("true.txt", "true.csv", "names.npy", "numbers.npy"):
            confusion = from_logits(logits, tmp_path / true, tmp_path / "classes.txt")
            assert confusion.labels == ("b", "c", "a")
            assert confusion.matrix == ((1, 1, 0), (1, 0, 0), (0, 0, 1))  # of equal logits the first

    def test_without_names_the_columns_are_the_true_ones_sorted(self, tmp_path: Path) -> None:
        (tmp_path / "true.txt").write_text("c\nb\na\na\n")
        confusion = from_logits(self.saved(tmp_path), tmp_path / "true.txt")
        assert confusion.labels == ("a", "b", "c")
        assert confusion.matrix == ((1, 0, 1), (0, 1, 0), (1, 0, 0))

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            (LOGITS[0], "holds float32 of shape (3,), not floating-point logits"),
            (LOGITS.astype(int), "holds int64 of shape (4, 3), not floating-point logits"),
            (LOGITS[:3], "has 3 rows, "),
            (LOGITS[:, :2], "has 2 columns, and the images in "),
            (np.where(LOGITS == 9, np.nan, LOGITS), "row 3, counted from 0, has a largest logit that is not finite"),
            (np.array([{"a": 1}]), "is not a .npy file of numbers"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, values: object, reason: str) -> None:
        (tmp_path / "true.txt").write_text("c\nb\na\na\n")
        with pytest.raises(UsageError) as caught:
            from_logits(self.saved(tmp_path, values), tmp_path / "true.txt")
        assert reason in message(caught.value)

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"1,2\n3,4\n"])
    def test_no_array(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "logits.npy").write_bytes(content)
        with pytest.raises(UsageError, match=r"is not a \.npy file of numbers"):
            from_logits(tmp_path / "logits.npy", tmp_path / "true.txt")

    def test_several_arrays(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "logits.npz", self.LOGITS)
        with pytest.raises(UsageError, match="is an archive of several arrays"):
            from_logits(tmp_path / "logits.npz", tmp_path / "true.txt")

    def test_truth_that_does_not_fit(self, tmp_path: Path) -> None:
        logits = self.saved(tmp_path)
        (tmp_path / "classes.txt").write_text("a\nb\nc\n")
        np.save(tmp_path / "numbers.npy", np.array([0, 0, 3, 2]))
        with pytest.raises(UsageError, match="row 2 is of class 3, and columns are numbered 0 to 2"):
            from_logits(logits, tmp_path / "numbers.npy", tmp_path / "classes.txt")
        with pytest.raises(UsageError, match="has class numbers, not names"):
            from_logits(logits, tmp_path / "numbers.npy")
        (tmp_path / "true.txt").write_text("a\n\nb\nc\n")
        with pytest.raises(UsageError, match="line 2: is blank"):
            from_logits(logits, tmp_path / "true.txt")


def test_a_pipe_is_read_once_and_has_no_hash() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"true,predicted\na,b\nb,b\n")
    os.close(writing)
    found = from_predictions(Path(f"/dev/fd/{reading}"), None)
    os.close(reading)
    assert found.how == {"predictions": "a pipe", "images": 2}
