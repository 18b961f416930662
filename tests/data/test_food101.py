"""Food-101 by its JSON and text lists."""

from __future__ import annotations

import json
from pathlib import Path

from genie_cli.data import food101
from tests.data.trees import failure, put_food, put_published


def test_food_by_its_text_lists(tmp_path: Path) -> None:
    put_food(tmp_path / "json")
    put_food(tmp_path / "txt", suffix="txt")
    both = [food101.read(tmp_path / name, partial=True) for name in ("json", "txt")]
    assert (both[0].train, both[0].test, both[0].names) == (both[1].train, both[1].test, both[1].names)
    assert both[0].names == {"apple pie": "apple pie", "waffles": "waffles"}
    assert both[0].superclass == "food"


def test_foods_of_uneven_size(tmp_path: Path) -> None:
    put_published("food", tmp_path, images=False)
    lists = json.loads((tmp_path / "meta/train.json").read_text())
    lists["kind5"].append(lists["kind7"].pop().replace("kind7/", "kind5/"))
    (tmp_path / "meta/train.json").write_text(json.dumps(lists))
    expected = "expected 750 training images per class of Food-101, found 751 of kind5; 2 of 101 classes differ"
    assert failure(food101, tmp_path)[0] == f"{tmp_path}: {expected}"
