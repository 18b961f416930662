"""Features are computed once, cached on disk, and do not depend on where they come from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from genie_cli.backbones import digits
from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features, default_folder
from genie_cli.errors import ImageError, ModelError

COUNT = 150  # two full batches and a part of one


@cache
def encoder() -> Backbone:
    return digits.backbone("encoder")


@cache
def images() -> dict[str, torch.Tensor]:
    drawn = torch.randint(0, 256, (COUNT, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    return {f"{index:064x}:weak:{index % 3}": image.byte() for index, image in enumerate(drawn)}


@cache
def at_once() -> dict[str, np.ndarray]:
    return Features(encoder(), None).of(views())


class Counted:
    """Views that record which images were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def views(self) -> dict[str, Callable[[], torch.Tensor]]:
        return {key: self._view(key) for key in images()}

    def _view(self, key: str) -> Callable[[], torch.Tensor]:
        def view() -> torch.Tensor:
            self.read.append(key)
            return images()[key]

        return view


def views() -> dict[str, Callable[[], torch.Tensor]]:
    return Counted().views()


def same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "deep" / "cache" if request.param == "disk" else None


def test_they_are_the_networks_output_rounded_to_float16() -> None:
    made = np.stack(list(at_once().values()))
    straight = encoder().run(torch.stack(list(images().values())))
    assert made.shape == (COUNT, 256)
    assert made.dtype == np.float32
    assert np.array_equal(made, made.astype(np.float16))
    np.testing.assert_allclose(made, straight, rtol=2e-3, atol=1e-5)


def test_each_image_is_read_once_and_the_cache_gives_the_same(folder: Path | None) -> None:
    counted, batches = Counted(), list[int]()
    features = Features(encoder(), folder)
    first = features.of(counted.views(), batches.append)
    assert batches == [64, 64, COUNT - 128]
    again = features.of(counted.views(), batches.append)
    assert batches[3:] == [COUNT]
    assert sorted(counted.read) == sorted(images())
    assert list(first) == list(images())
    assert same(first, again)
    assert same(first, at_once())


def test_another_command_finds_them_in_a_file_named_after_the_backbone(tmp_path: Path) -> None:
    counted = Counted()
    first = Features(encoder(), tmp_path).of(counted.views())
    second = Features(encoder(), tmp_path).of(counted.views())
    assert len(counted.read) == COUNT
    assert same(first, second)
    assert [path.name for path in tmp_path.iterdir()] == [f"{encoder().name}.sqlite"]


def test_another_backbone_has_its_own(tmp_path: Path) -> None:
    other = Backbone(
        "hf-hub:some/model@0123", nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5)), encoder().preprocess
    )
    Features(encoder(), tmp_path).of(views())
    assert {len(row) for row in Features(other, tmp_path).of(views()).values()} == {5}
    assert (tmp_path / "hf-hub_some_model@0123.sqlite").is_file()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(COUNT)), cuts=st.lists(st.integers(0, COUNT), max_size=3))
def test_neither_order_nor_other_images_change_them(order: list[int], cuts: list[int]) -> None:
    features, made = Features(encoder(), None), dict[str, np.ndarray]()
    keys, thresholds = list(images()), [0, *sorted(cuts), COUNT]
    for low, high in pairwise(thresholds):
        made |= features.of({keys[index]: views()[keys[index]] for index in order[low:high]})
    assert same({key: made[key] for key in keys}, at_once())


class Counting(nn.Module):
    """A network that counts its batches."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.batches = network, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches += 1
        assert len(images) == 64
        made: torch.Tensor = self.network(images)
        return made


@pytest.mark.parametrize("devices", [2, 3, 5])
def test_devices_share_the_batches_and_change_nothing(devices: int) -> None:
    first, *others = (Counting(deepcopy(encoder().network)) for _ in range(devices))
    shared = replace(encoder(), network=first, copies=tuple(others))
    read = list[int]()
    assert same(Features(shared, None).of(views(), read.append), at_once())
    assert sum(network.batches for network in (first, *others)) == 3
    assert max(network.batches for network in (first, *others)) == -(-3 // devices)
    assert sum(read) == COUNT


def test_a_broken_image_is_named_and_earlier_batches_are_kept(tmp_path: Path) -> None:
    counted = Counted()
    keys = list(images())

    def broken() -> torch.Tensor:
        raise ImageError(Path("broken.png"), "not an image")

    with pytest.raises(ImageError, match=r"broken\.png: not an image"):
        Features(encoder(), tmp_path).of(counted.views() | {keys[100]: broken})
    counted.read.clear()
    made = Features(encoder(), tmp_path).of(counted.views())
    assert sorted(counted.read) == keys[64:]
    assert same(made, at_once())


def test_no_more_than_two_batches_of_images_are_read_ahead() -> None:
    counted, read = Counted(), list[int]()
    Features(encoder(), None).of(counted.views(), lambda _: read.append(len(counted.read)))
    assert read[0] <= 128


def test_two_at_a_time_share_a_file(tmp_path: Path) -> None:
    made: list[dict[str, np.ndarray]] = []

    def work() -> None:
        made.append(Features(encoder(), tmp_path).of(views()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    assert all(same(one, at_once()) for one in made)


def test_no_views_give_no_features(folder: Path | None) -> None:
    assert Features(encoder(), folder).of({}) == {}


def test_features_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    last = nn.Linear(3 * 32 * 32, 2)
    nn.init.constant_(last.bias, 1e6)
    backbone = Backbone("huge@0", nn.Sequential(nn.Flatten(), last), Preprocess(resize=32, size=32))
    with pytest.raises(ModelError, match="huge@0 gives features that are not numbers"):
        Features(backbone, tmp_path).of(views())


def test_a_batch_that_does_not_fit_into_memory_is_reported() -> None:
    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.anchor = nn.Parameter(torch.zeros(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("as CUDA says it")

    with pytest.raises(ModelError, match="large@0: a batch of 64 images does not fit"):
        Features(Backbone("large@0", Large(), Preprocess(32, 32)), None).of(views())


def test_the_default_folder_follows_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "genie" / "features"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "genie" / "features"
