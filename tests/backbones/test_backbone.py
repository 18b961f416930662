"""A backbone's identity, under which its features are cached."""

from __future__ import annotations

from dataclasses import replace

import torch

from genie_cli.backbones.backbone import Preprocess, identity, weights_hash


def network() -> torch.nn.Module:
    layer = torch.nn.Linear(2, 3)
    layer.load_state_dict({"weight": torch.arange(6.0).view(3, 2), "bias": torch.ones(3)})
    return layer


def test_the_identity_stays_what_it_was() -> None:
    """Features cached by earlier versions are found under it."""
    assert weights_hash(network().state_dict().items()) == "ea3285d3f454"
    assert identity("tiny", network(), Preprocess(resize=256, size=224)) == "tiny@a72f31a54e1e"


def test_the_identity_follows_each_part_of_the_preprocessing() -> None:
    usual = Preprocess(resize=256, size=224)
    others = (
        replace(usual, resize=248),
        replace(usual, size=192),
        replace(usual, mean=(0.5, 0.5, 0.5)),
        replace(usual, std=(0.5, 0.5, 0.5)),
        replace(usual, interpolation="bicubic"),
    )
    assert len({identity("tiny", network(), preprocess) for preprocess in (usual, *others)}) == 6


def test_the_hash_does_not_depend_on_the_order_of_the_weights() -> None:
    weights = list(network().state_dict().items())
    assert weights_hash(weights) == weights_hash(reversed(weights))
