"""Which worker gets the next job: the counts are right whatever happens, and it is one with the fewest."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from genie_cli.fleet.members import Member, Members
from genie_cli.fleet.messages import Gone, Lease, Ready, Said
from tests.plans import a_job

SLOTS = (1, 2, 4)


class Nobody:
    """A worker that does nothing."""

    name = "nobody"

    def lease(self, lease: Lease | None) -> None: ...

    def hear(self) -> Said:
        return Gone("")


@given(
    st.lists(st.tuples(st.sampled_from(["admit", "give", "take", "replace", "give"]), st.integers(0, 4)), max_size=60)
)
def test_the_least_has_the_fewest(happens: list[tuple[str, int]]) -> None:
    """Against looking at all of them each time."""
    members, numbers = Members(), count()
    for place in range(5):
        members.add(Member(place, Nobody()))
    for what, place in happens:
        member = members[place]
        if what == "admit" and not member.ready:
            members.admit(member, Ready(SLOTS[place % 3], "cpu", "digits@1", {}))
        elif what == "give" and member.ready:
            members.give(member, a_job(seed=next(numbers)))
        elif what == "take" and member.held:
            job = next(iter(member.held.values()))
            assert members.take(member, job)
            assert not members.take(member, job)
        elif what == "replace":
            members.remove(member)
            members.add(Member(place, Nobody()))
        ready = [member for member in members if member.ready]
        assert members.ready == len(ready)
        assert members.held == sum(len(member.held) for member in ready)
        assert members.room == sum(3 * SLOTS[member.place % 3] + 8 for member in ready)
        least = members.least()
        assert (least is None) == (not ready)
        assert least is None or len(least.held) == min(len(member.held) for member in ready)
        assert all(members.of(member.worker) is member for member in members)
        assert len(members.workers) == 5


def test_what_a_worker_may_have_begun() -> None:
    """Its batch, and as many that are being decoded: those that it was sent first."""
    members, jobs = Members(), [a_job(seed=seed) for seed in range(12)]
    members.add(member := Member(0, Nobody()))
    assert member.begun == []
    members.admit(member, Ready(4, "cpu", "digits@1", {}))
    for job in jobs:
        members.give(member, job)
    assert member.begun == jobs[:8]
    members.take(member, jobs[1])
    assert member.begun == [jobs[0], *jobs[2:9]]
