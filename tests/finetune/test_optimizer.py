"""Layer-wise learning rates, counted by hand, and the schedule, against its formula and timm's scheduler."""

import math

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.scheduler import CosineLRScheduler

from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.config import LongTail
from genie_cli.finetune.optimizer import build_optimizer, learning_rate_at, set_learning_rate

RECIPE = LongTail()


def test_the_layers_of_vit_b_16() -> None:
    with torch.device("meta"):
        network = build(NetworkSpec("vit_base_patch16_224", 1000, 0.1))
    groups = build_optimizer(network, RECIPE).param_groups
    # Embeddings, 12 blocks, and fc_norm with the head: 14 layers, each with a group with weight decay and one without.
    assert len(groups) == 28
    assert sorted({group["lr_scale"] for group in groups}) == pytest.approx([0.75**n for n in range(13, -1, -1)])
    by_scale = {
        (round(math.log(group["lr_scale"], 0.75)), group["weight_decay"]): len(group["params"]) for group in groups
    }
    assert by_scale[13, 0.05] == 1  # the patch embedding's weight
    assert by_scale[13, 0.0] == 3  # its bias, the position embeddings and the class token
    assert by_scale[0, 0.05] == 1  # the head's weight
    assert by_scale[0, 0.0] == 3  # its bias, and fc_norm's two
    for block in range(1, 13):
        assert by_scale[13 - block, 0.05] == 4  # qkv, proj, fc1, fc2
        assert by_scale[13 - block, 0.0] == 8  # their biases, and two norms of two
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters())) == 152


def test_every_parameter_is_in_one_group_whatever_the_network() -> None:
    for name in ("test_vit", "test_resnet", "test_convnext", "test_efficientnet"):
        network = timm.create_model(name, num_classes=10)
        learned = [id(p) for group in build_optimizer(network, RECIPE).param_groups for p in group["params"]]
        assert sorted(learned) == sorted(id(p) for p in network.parameters()), name


def test_the_rate_grows_with_the_batch() -> None:
    assert LongTail(batch=2048, base_lr=1e-3).learning_rate == pytest.approx(8e-3)
    assert LongTail(batch=256, base_lr=1e-3).learning_rate == pytest.approx(1e-3)


def test_the_schedule_at_points_computed_by_hand() -> None:
    recipe = LongTail(batch=256, base_lr=1.0, min_lr=0.1, epochs=15, warmup_epochs=5)
    assert learning_rate_at(0, recipe) == 0
    assert learning_rate_at(2.5, recipe) == pytest.approx(0.5)
    assert learning_rate_at(5, recipe) == pytest.approx(1.0)
    assert learning_rate_at(10, recipe) == pytest.approx(0.55)  # half way down
    assert learning_rate_at(15, recipe) == pytest.approx(0.1)


@given(st.integers(2, 40), st.integers(0, 10), st.integers(1, 7))
def test_it_is_timm_s_cosine_schedule(epochs: int, warmup: int, steps: int) -> None:
    recipe = LongTail(batch=256, base_lr=0.5, min_lr=1e-6, epochs=epochs, warmup_epochs=min(warmup, epochs - 1))
    other = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    theirs = CosineLRScheduler(
        other,
        t_initial=(epochs - recipe.warmup_epochs) * steps,
        lr_min=recipe.min_lr,
        warmup_t=recipe.warmup_epochs * steps,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    for step in range(epochs * steps):
        assert learning_rate_at(step / steps, recipe) == pytest.approx(theirs._get_lr(step)[0], abs=1e-9)


def test_each_group_gets_its_scaled_learning_rate() -> None:
    adam = build_optimizer(timm.create_model("test_vit", num_classes=10), RECIPE)
    set_learning_rate(adam, 0.1)
    assert {round(g["lr"] / g["lr_scale"], 9) for g in adam.param_groups} == {0.1}
