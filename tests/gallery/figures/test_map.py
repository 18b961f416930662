"""The map of real and generated images in the features of the bundled encoder."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genie_cli.backbones.load import load
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import UsageError
from genie_cli.gallery import items
from genie_cli.gallery.figures import embedding, map_data, projections
from genie_cli.gallery.figures.collect import Asked, collect
from genie_cli.observer import Observer
from tests.gallery import drawn


@pytest.fixture(autouse=True)
def _only_pca(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(projections, "has_umap", lambda: False)  # its own test is in test_clouds
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Said(Observer):
    def __init__(self) -> None:
        self.left: list[str] = []

    def left_out(self, reasons: list[str]) -> None:  # type: ignore[override]
        self.left += reasons


def test_the_bundled_models_images_have_a_map_without_asking(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two", "five"]))
    found = collect(contents, Asked(confusion=Confusion(labels=("two",), matrix=((1,),))), Observer())
    assert sorted(found) == ["confusion", "densities", "map", "ratios", "trajectories"]
    json.dumps(found, allow_nan=False)
    backwards = collect(replace(contents, items=contents.items[::-1]), Asked(), Observer())
    assert backwards == {name: each for name, each in found.items() if name != "confusion"}
    shown = found["map"]
    assert (shown["backbone"], shown["classes"]) == ("digits-encoder", ["five", "one", "two", "zero"])
    assert shown["kinds"] == [{"method": "genie", "r": 0.6}, {"method": "genie", "r": 0.8}]
    points = shown["points"]
    ids = [item.row.job.id for item in contents.items]
    assert sorted(points["job"]) == ["", "", "", "", "", "", *sorted(ids)]
    assert {len(column) for column in points.values()} == {len(shown["projections"][0]["places"])} == {6 + len(ids)}
    own = points["job"].index(ids[0])
    assert (points["sweep"].count(points["sweep"][own]), shown["classes"][points["source"][own]]) == (2, "zero")
    assert any("No source shows five" in note for note in shown["notes"])
    assert any("pip install" in note for note in shown["notes"])


def test_features_and_distances_are_the_backbones(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two"]))
    found = embedding.embed(contents, "digits", None, "cpu", Observer())
    assert found is not None
    import torch
    from PIL import Image

    network = load("digits", device="cpu")
    crops = [network.preprocess.center_crop(Image.open(point.path).convert("RGB")) for point in found.points]
    raw = network.run(torch.stack(crops))
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(found.features, expected, atol=2e-3)  # they are cached in half precision
    shown = map_data.data(found)
    real = {
        name: expected[[p.job is None and p.label == name for p in found.points]].mean(axis=0)
        for name in ["zero", "one"]
    }
    own = [place for place, point in enumerate(found.points) if point.job and point.job.r == 0.8]
    distances = [np.linalg.norm(expected[place] - real[found.points[place].source]) for place in own]
    assert shown["distances"][1]["to_source"] == pytest.approx(np.mean(distances), abs=2e-3)
    assert (shown["distances"][1]["images"], shown["distances"][1]["method"]) == (len(own), "genie")


def test_images_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two"]))
    gone, broken = (item.image for item in contents.items[:2])
    assert gone
    assert broken
    gone.unlink()
    broken.write_bytes(b"no image")
    said = Said()
    found = embedding.embed(contents, "digits", None, "cpu", said)
    assert found is not None
    assert (found.unread, len(found.points)) == (2, 4 + len(contents.items) - 2)
    assert "2 images could not be read." in map_data.data(found)["notes"]
    assert "and" not in said.left[0].partition(":")[0]
    assert gone.name in said.left[0]


def test_without_its_sources_it_gives_no_distances(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two"]))
    found = embedding.embed(
        replace(contents, items=[replace(item, source=None) for item in contents.items]),
        "digits",
        None,
        "cpu",
        Observer(),
    )
    assert found is not None
    shown = map_data.data(found)
    assert shown["distances"] == []
    assert "no distances" in " ".join(shown["notes"])


def test_the_choice_does_not_depend_on_the_order_and_keeps_sweeps_together(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two", "five", "six"]))
    real, made = embedding.candidates(contents)
    chosen = embedding.choose(real, made, 20)
    random.Random(1).shuffle(real)
    random.Random(1).shuffle(made)
    assert embedding.choose(real, made, 20) == chosen
    assert len(chosen) <= 20
    jobs = [point.job for point in chosen if point.job]
    seeds = {r: sorted(job.noise_seed for job in jobs if job.r == r) for r in drawn.RATIOS}
    assert seeds[0.6] == seeds[0.8] != []
    targets = [sum(job.target == name for job in jobs) for name in ("two", "five", "six")]
    assert len(set(targets)) == 1


def test_other_images_have_none_without_a_backbone(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two"], model="sd15@abc"))
    assert collect(contents, Asked(), Observer())["map"] == {"missing": "--backbone lite0"}


def test_a_checkpoint_needs_a_backbone(tmp_path: Path) -> None:
    contents = items.read(drawn.run(tmp_path, ["two"]))
    with pytest.raises(UsageError, match="used only with --backbone"):
        collect(contents, Asked(checkpoint=tmp_path / "x"), Observer())
