"""CUB-200-2011 by its lists."""

from __future__ import annotations

import hashlib
from pathlib import Path

from genie_cli.data import cub
from genie_cli.recipe import Recipe
from tests.data.trees import CUB_TEST, CUB_TRAIN, found, put_cub


def test_cub(tmp_path: Path) -> None:
    put_cub(tmp_path / "CUB_200_2011")
    images = cub.read(tmp_path, partial=True)
    albatross, laysan = "Black footed Albatross", "Laysan Albatross"
    assert images.root == tmp_path / "CUB_200_2011"
    assert found(images.train) == [(f"images/{CUB_TRAIN[0][0]}", albatross), (f"images/{CUB_TRAIN[1][0]}", laysan)]
    assert found(images.test) == [
        (f"images/{CUB_TEST[1][0]}", albatross),
        (f"images/{CUB_TEST[0][0]}", albatross),
        (f"images/{CUB_TEST[2][0]}", laysan),
    ]
    assert images.names == {albatross: albatross, laysan: laysan}
    assert images.superclass == "bird"
    assert images.layout == (
        "CUB-200-2011 by its lists in CUB_200_2011; 2 of the published 200 classes, "
        "2 of 5994 training and 3 of 5794 test images"
    )
    for source in (*images.train, *images.test):
        assert source.sha256 == hashlib.sha256((images.root / source.path).read_bytes()).hexdigest()
    recipe = Recipe(targets=(laysan,), superclass=images.superclass, model="m")
    assert recipe.prompts_for(images.names[laysan]) == ("A photo of a Laysan Albatross, a type of bird",)
