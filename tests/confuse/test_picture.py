"""The picture of a confusion matrix: each mistake is seen, and no file of somebody is written over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genie_cli.confuse import picture as matrix
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import OutputError


class TestPicture:
    @pytest.mark.parametrize("size", [2, 10, 31, 95, 600])
    def test_each_mistake_is_seen_beside_the_diagonal(self, size: int) -> None:
        counts = np.eye(size, dtype=int) * 999
        counts[0, size - 1] = 1
        labels = [f"a class with a name, and its number is {number}" for number in range(size)]
        pixels = np.asarray(matrix.draw(Confusion(labels=labels, matrix=counts.tolist())))
        colours = matrix.colors(counts / counts.sum(axis=1, keepdims=True))
        assert (pixels == colours[0, size - 1]).all(axis=-1).any()
        assert np.abs(colours[0, size - 1].astype(int) - colours[1, 1]).max() > 60
        assert np.abs(colours[0, size - 1].astype(int) - 255).max() > 60

    def test_nothing_is_white_and_more_is_darker(self) -> None:
        shares = np.array([[0.0, 0.2, 0.8], [0, 1, 0], [0.5, 0.4, 0.1]])
        colours = matrix.colors(shares).astype(int)
        assert (colours[0, 0] == 255).all()
        assert colours[0, 1].sum() > colours[0, 2].sum()

    def test_names_that_are_hard_to_draw(self) -> None:
        labels = [" ", "a\nb", "🦊", "w" * 500]
        picture = matrix.draw(Confusion(labels=labels, matrix=[[0, 0, 0, 123456]] * 4))
        assert max(picture.size) < 600

    def test_a_picture_of_somebody_is_left_alone(self, tmp_path: Path) -> None:
        confusion = Confusion(labels=("a", "b"), matrix=((1, 2), (3, 4)))
        (tmp_path / "mine.png").write_bytes(b"mine")
        with pytest.raises(OutputError, match="is not a matrix that genie drew"):
            matrix.write(confusion, tmp_path / "mine.png")
        assert (tmp_path / "mine.png").read_bytes() == b"mine"
        assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]
