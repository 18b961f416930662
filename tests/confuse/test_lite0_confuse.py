"""`genie confuse --backbone lite0` on photographs."""

from __future__ import annotations

from pathlib import Path

from genie_cli.confuse.confusion import Confusion
from tests.conftest import Genie
from tests.photographs import save_crops

# Two photographs are each two classes, which no classifier can tell apart.
PHOTOGRAPHS = {
    "cat": "chelsea.png",
    "daisy": "flower.jpg",
    "palace": "china.jpg",
    "temple": "china.jpg",
    "espresso": "coffee.png",
}


def test_what_looks_alike_is_confused(genie: Genie, tmp_path: Path) -> None:
    photographs = save_crops(tmp_path / "photographs", PHOTOGRAPHS, 4)
    for index, path in enumerate(sorted((photographs / "temple").iterdir())):
        path.write_bytes(path.read_bytes() + bytes([index]))  # not the same file twice
    result = genie("confuse", "--src-dir", photographs, "--backbone", "lite0", "--folds", 3, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    confusion = Confusion.read(tmp_path / "confusion.json")
    assert str(confusion.how["backbone"]).startswith("lite0@")
    for label, row in zip(confusion.labels, confusion.matrix, strict=True):
        found = {confusion.labels[index] for index, count in enumerate(row) if count}
        assert found <= ({"palace", "temple"} if label in ("palace", "temple") else {label})
