"""Which tensors of a file are a network's: entries, prefixes, and what only training needs."""

from __future__ import annotations

import argparse
from collections import deque
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.backbones import layouts
from genie_cli.backbones.load import load, load_classifier
from genie_cli.errors import ModelError
from genie_cli.observer import Observer

NAME = "test_vit"


class Told(Observer):
    def __init__(self) -> None:
        self.words: list[str] = []

    def found(self, message: str) -> None:
        self.words.append(message)


def seeded(seed: int, name: str = NAME, **arguments: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    weights: dict[str, torch.Tensor] = timm.create_model(name, **arguments).state_dict()
    return weights


WEIGHTS, OTHER = seeded(0), seeded(1)
EXPECTED = {  # by timm itself, of the first network
    "image": torch.randint(0, 256, (1, 3, 160, 160), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
}


def features(file: Path, told: Observer | None = None, name: str = NAME) -> torch.Tensor:
    return torch.from_numpy(load(name, file, "cpu", told).run(EXPECTED["image"]))


@pytest.fixture(scope="module")
def expected() -> torch.Tensor:
    network = timm.create_model(NAME).eval()
    network.load_state_dict(WEIGHTS)
    mean, std = (torch.tensor(network.pretrained_cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        inside = network.forward_features((EXPECTED["image"].float() / 255 - mean) / std)
        return torch.as_tensor(network.forward_head(inside, pre_logits=True))


def under(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}{key}": tensor for key, tensor in weights.items()}


def without_head(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: tensor for key, tensor in weights.items() if not key.startswith("head.")}


MOCO = {
    **under("module.encoder_q.", without_head(WEIGHTS)),
    "module.encoder_q.head.0.weight": torch.ones(8, 64),
    "module.encoder_q.head.2.weight": torch.ones(4, 8),
    **under("module.encoder_k.", without_head(OTHER)),
    "module.queue": torch.zeros(4, 16),
}
DINO_HEAD = {"head.mlp.0.weight": torch.ones(8, 64), "head.last_layer.weight_g": torch.ones(8, 1)}
FILES: dict[str, tuple[Any, str]] = {
    "ema of timm": ({"state_dict": OTHER, "state_dict_ema": WEIGHTS, "epoch": 3}, "not those in state_dict"),
    "ema of DeiT": ({"model": OTHER, "model_ema": WEIGHTS, "optimizer": {"state": {}}}, "not those in model"),
    "Lightning": (
        {"state_dict": {**under("model.", WEIGHTS), "loss.weight": torch.ones(9)}, "hyper_parameters": {"lr": 0.1}},
        "left out, since the network has no place for them: loss.*",
    ),
    "MoCo": (
        {"epoch": 200, "state_dict": MOCO},
        "place for them: module.encoder_k.*, module.queue, module.encoder_q.head.*",
    ),
    "DINO": (
        {"student": under("module.backbone.", OTHER), "teacher": under("backbone.", WEIGHTS) | DINO_HEAD, "epoch": 1},
        "the weights in its entry teacher are used, not those in student",
    ),
    "DINO in one": ({"model": {**under("student.", OTHER), **under("teacher.", WEIGHTS)}}, "student."),
    "backbone": ({"state_dict": under("backbone.", WEIGHTS)}, ""),
    "distributed and compiled": ({"model": under("module._orig_mod.", WEIGHTS)}, ""),
    "one in another": ({"model": {"state_dict": WEIGHTS}}, ""),
    "an entry of any name": ({"my_vit": WEIGHTS, "epoch": 1}, ""),
    "a number beside": ({"model": {**WEIGHTS, "decay": 0.999}}, ""),
    "numpy": ({"state_dict": WEIGHTS, "best": np.float64(0.7), "count": np.int64(3), "ok": np.bool_(1)}, ""),
    "paths": ({"model": WEIGHTS, "args": argparse.Namespace(out=Path("/x"), to=PureWindowsPath("C:/y"))}, ""),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_layout_gives_the_features_that_timm_gives(tmp_path: Path, expected: torch.Tensor, kind: str) -> None:
    content, said = FILES[kind]
    torch.save(content, tmp_path / "own.pth")
    told = Told()
    torch.testing.assert_close(features(tmp_path / "own.pth", told), expected)
    assert said in " ".join(told.words)
    assert bool(said) == bool(told.words)


@given(prefix=st.lists(st.sampled_from(["module", "model", "a", "net_1", "encoder", "0"]), max_size=3), data=st.data())
def test_any_one_prefix_is_found(prefix: list[str], data: st.DataObject) -> None:
    dotted = "".join(f"{part}." for part in prefix)
    names = data.draw(st.permutations([*under(dotted, WEIGHTS), "loss.scale"]))
    assert layouts.prefix_of(WEIGHTS.keys(), names) == dotted


def test_names_that_timm_converts_lose_the_prefix_that_all_have() -> None:
    assert (
        layouts.prefix_of(["a.weight", "b.weight"], ["module.model.x.weight", "module.model.y.bias"]) == "module.model."
    )
    assert layouts.prefix_of(["a.weight", "b.weight"], ["a.x", "a.y"]) == ""


def test_weights_of_a_deeper_network_are_not_taken_for_its_first_blocks(tmp_path: Path) -> None:
    deeper = WEIGHTS | {key.replace("blocks.0.", "blocks.9."): t for key, t in WEIGHTS.items() if "blocks.0." in key}
    torch.save(under("module.", deeper), tmp_path / "own.pth")
    with pytest.raises(ModelError, match=r"does not fit test_vit: unexpected: blocks\.9"):
        load(NAME, tmp_path / "own.pth", "cpu")


def test_several_networks_under_unknown_names_are_refused(tmp_path: Path) -> None:
    torch.save({"first": WEIGHTS, "second": OTHER}, tmp_path / "own.pth")
    with pytest.raises(ModelError, match="no weights in a known layout; it has: first, second"):
        load(NAME, tmp_path / "own.pth", "cpu")


def test_two_weights_of_one_name_are_refused(tmp_path: Path) -> None:
    torch.save({**WEIGHTS, "_orig_mod.cls_token": WEIGHTS["cls_token"]}, tmp_path / "own.pth")
    with pytest.raises(ModelError, match="holds two weights called cls_token"):
        load(NAME, tmp_path / "own.pth", "cpu")


def test_a_projection_is_no_head_and_an_oracle_needs_one(tmp_path: Path) -> None:
    torch.save({"state_dict": MOCO}, tmp_path / "moco.pth")
    with pytest.raises(ModelError, match="is not a classifier: it has no last layer"):
        load_classifier(NAME, tmp_path / "moco.pth", "cpu")
    narrow = WEIGHTS | {"head.weight": torch.ones(2, 9), "head.bias": torch.ones(2)}
    torch.save({"model": narrow, "class_names": ["lynx", "puma"]}, tmp_path / "narrow.pth")
    with pytest.raises(ModelError, match=r"head\.weight is \(2, 9\) and should be \(2, 64\)"):
        load_classifier(NAME, tmp_path / "narrow.pth", "cpu")


def test_features_need_no_head(tmp_path: Path, expected: torch.Tensor) -> None:
    for head in (torch.randn(2, 9), torch.randn(7, 64)):
        torch.save(WEIGHTS | {"head.weight": head, "head.bias": torch.ones(len(head))}, tmp_path / "own.pth")
        torch.testing.assert_close(features(tmp_path / "own.pth"), expected)


def test_names_of_classes_may_be_numpys(tmp_path: Path) -> None:
    weights = seeded(0, num_classes=2)
    torch.save({"model": weights, "class_names": [np.str_("lynx"), np.str_("púma")]}, tmp_path / "own.pth")
    assert load_classifier(NAME, tmp_path / "own.pth", "cpu").classes == ("lynx", "púma")


@pytest.mark.parametrize(
    "more", [np.ones(3), np.dtype("O"), {"a": np.array([object()], dtype=object)}, print, deque([1])]
)
def test_other_objects_stay_refused(tmp_path: Path, more: Any) -> None:
    torch.save({"model": WEIGHTS, "more": more}, tmp_path / "own.pth")
    if isinstance(more, np.dtype):  # rebuilt by our own stand-in, and of no use
        assert features(tmp_path / "own.pth").shape == (1, 64)
        return
    with pytest.raises(ModelError, match=r"is refused: besides tensors it holds .*could run any code"):
        load(NAME, tmp_path / "own.pth", "cpu")


def test_positions_are_resampled_by_timm(tmp_path: Path) -> None:
    theirs = seeded(0, img_size=224)
    torch.save({"model": theirs}, tmp_path / "larger.pth")
    told = Told()
    network = load(NAME, tmp_path / "larger.pth", "cpu", told).network
    prefix = theirs["pos_embed"].shape[1] - 14 * 14
    wanted = timm.layers.resample_abs_pos_embed(theirs["pos_embed"], [10, 10], [14, 14], num_prefix_tokens=prefix)
    torch.testing.assert_close(network.state_dict()["pos_embed"], wanted)
    assert any("resampled by timm: pos_embed from" in word for word in told.words)


def test_a_network_that_averages_its_tokens_does_so(tmp_path: Path) -> None:
    """As MAE's fine-tuning saves it: with fc_norm instead of norm."""
    torch.manual_seed(0)
    theirs = timm.create_model(NAME, num_classes=2, global_pool="avg").eval()
    assert "fc_norm.weight" in theirs.state_dict()
    torch.save({"model": theirs.state_dict(), "class_names": ["lynx", "puma"]}, tmp_path / "mae.pth")
    told = Told()
    ours = load_classifier(NAME, tmp_path / "mae.pth", "cpu", told)
    with torch.inference_mode():
        logits = theirs(ours.normalize(EXPECTED["image"]))
    torch.testing.assert_close(torch.from_numpy(ours.run(EXPECTED["image"])), logits)
    assert any("average its tokens" in word for word in told.words)
