"""Which pictures come when."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.finetune.batches import Batches


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_shows_each_picture_at_most_once_and_leaves_out_less_than_a_batch(
    more: int, batch: int, seed: int, epoch: int
) -> None:
    batches = Batches(batch + more, batch, 1, seed, epoch=epoch)
    seen = list(chain.from_iterable(batches))
    assert len(seen) == len(set(seen)) == batches.updates * batch
    assert 0 <= batches.count - len(seen) < batch
    assert {which for which, _ in seen} == {epoch}


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0, 5))
def test_however_a_batch_is_shared_out_its_parts_are_the_same(
    accumulate: int, devices: int, part: int, seed: int
) -> None:
    batch, count = accumulate * devices * part, 3 * accumulate * devices * part + 1
    alone = Batches(count, batch, accumulate * devices, seed)
    whole = dict(
        zip([(u, alone.number(t)) for u in range(alone.updates) for t in range(alone.accumulate)], alone, strict=True)
    )
    for device in range(devices):
        mine = Batches(count, batch, accumulate, seed, device, devices)
        assert len(list(mine)) == len(mine)
        places = [(update, mine.number(turn)) for update in range(mine.updates) for turn in range(accumulate)]
        for place, pictures in zip(places, mine, strict=True):
            assert pictures == whole[place]


def test_each_epoch_and_seed_has_its_own_order() -> None:
    first, again, later, other = (
        Batches(50, 10, 1, seed, epoch=epoch) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    numbers = [[n for part in batches for _, n in part] for batches in (first, again, later, other)]
    assert numbers[0] == numbers[1]
    assert numbers[0] != numbers[2]
    assert numbers[0] != numbers[3]


def test_a_batch_that_cannot_be_cut_or_filled_is_refused() -> None:
    with pytest.raises(UsageError, match="a batch of 10 cannot be cut into 3 parts on 1 device"):
        Batches(50, 10, 3, 0)
    with pytest.raises(UsageError, match="a batch of 64 is more than the 50 training images"):
        Batches(50, 64, 1, 0)
