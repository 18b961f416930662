"""Which images come when, in which micro-batches."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.finetune.sampler import MicroBatchSampler


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_shows_each_image_at_most_once_and_leaves_out_less_than_a_batch(
    more: int, batch: int, seed: int, epoch: int
) -> None:
    sampler = MicroBatchSampler(batch + more, batch, 1, seed)
    seen = list(chain.from_iterable(sampler.micro_batches(epoch)))
    assert len(seen) == len(set(seen)) == sampler.optimizer_steps * batch
    assert 0 <= sampler.num_images - len(seen) < batch
    assert {which for which, _ in seen} == {epoch}


@given(st.integers(0, 60), st.integers(1, 12), st.integers(0, 40), st.integers(0, 5))
def test_epochs_of_as_many_images_as_another_has_show_each_image_equally_often(
    more: int, batch: int, added: int, seed: int
) -> None:
    count = batch + more
    sampler = MicroBatchSampler(count, batch, 1, seed, epoch_images=count + added)
    seen: list[tuple[int, int]] = []
    for epoch in range(5):
        own = list(chain.from_iterable(sampler.micro_batches(epoch)))
        assert len(own) == sampler.optimizer_steps * batch == (count + added) // batch * batch
        seen += own
    assert len(set(seen)) == len(seen)  # no view of an image comes twice
    for number in range(len(seen) // count):
        own = seen[number * count : (number + 1) * count]
        assert own == [(number, index) for index in np.random.default_rng([seed, number]).permutation(count)]


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0, 5), st.sampled_from([None, 0, 7, 90]))
def test_on_any_number_of_devices_a_batch_has_the_same_micro_batches(
    accumulation_steps: int, devices: int, size: int, seed: int, added: int | None
) -> None:
    batch, count = accumulation_steps * devices * size, 3 * accumulation_steps * devices * size + 1
    images = None if added is None else count + added
    alone = MicroBatchSampler(count, batch, accumulation_steps * devices, seed, epoch_images=images)
    keys = [
        (step, alone.micro_batch_index(accumulation_step))
        for step in range(alone.optimizer_steps)
        for accumulation_step in range(alone.gradient_accumulation_steps)
    ]
    whole = dict(zip(keys, alone.micro_batches(2), strict=True))
    for rank in range(devices):
        mine = MicroBatchSampler(count, batch, accumulation_steps, seed, rank, devices, epoch_images=images)
        assert len(list(mine.micro_batches(2))) == len(mine)
        keys = [
            (step, mine.micro_batch_index(n)) for step in range(mine.optimizer_steps) for n in range(accumulation_steps)
        ]
        for key, micro_batch in zip(keys, mine.micro_batches(2), strict=True):
            assert micro_batch == whole[key]


def test_each_epoch_and_seed_has_its_own_order() -> None:
    orders = [
        [index for _, index in chain.from_iterable(MicroBatchSampler(50, 10, 1, seed).micro_batches(epoch))]
        for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]


def test_a_batch_that_cannot_be_split_or_filled_is_refused() -> None:
    with pytest.raises(UsageError, match="a batch of 10 cannot be split into 3 micro-batches on 1 device") as caught:
        MicroBatchSampler(50, 10, 3, 0)
    assert caught.value.hint == "change --batch or --grad-accum-steps"
    with pytest.raises(UsageError, match="a batch of 64 is more than the 50 training images"):
        MicroBatchSampler(50, 64, 1, 0)
