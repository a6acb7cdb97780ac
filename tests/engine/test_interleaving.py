"""Profiles that have nothing to do with each other: the order in which their inputs lie between each other does not matter."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR, SECOND, Partition
from tests.engine.documents import EVENTS, OWN, documents
from tests.engine.line import now_done, told

from clarion.store.records.entries import Entry

PROFILES = ("p", "q", "r")
GROUPS = st.lists(
    st.tuples(
        st.sampled_from([1, SECOND, HOUR, 3 * HOUR, 30 * HOUR]),
        st.lists(st.tuples(st.sampled_from(PROFILES), st.sampled_from(EVENTS), st.integers(0, 3)), min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
)
"""(time since the group before, what happens then)."""


def shuffled(entries: Sequence[tuple[str, Entry]], dice: Random) -> list[Entry]:
    """Another order of the entries of all profiles, the same order of each one's."""
    queues = {who: [entry for of, entry in entries if of == who] for who in PROFILES}
    turns = [who for who, _ in entries]
    dice.shuffle(turns)
    return [queues[who].pop(0) for who in turns]


def whose(partition: Partition, entry: Entry) -> str:
    """The profile that an entry which came back belongs to."""
    return next(who for who in PROFILES if f'"profile_id":"{who}"'.encode() in bytes(entry.body))


def applied(texts: tuple[str, ...], groups: list[tuple[int, list[tuple[str, str, int]]]], seed: int | None) -> Partition:
    """A partition after the groups; with a seed, each group in another order."""
    partition, now, number = Partition(), 1_000 * HOUR, 0
    dice = Random(seed)
    for text in texts:
        now_done(partition.apply(partition.publish(text), at=now))
    for who in PROFILES:
        now_done(partition.apply(partition.subscriber(f"d-{who}", who), at=now))
    for gap, events in groups:
        now += gap
        entries = []
        for who, name, n in events:
            number += 1
            entries.append((who, partition.event(name, f"event-{number}", profile=who, n=n, received=now)))
        back = [(whose(partition, entry), entry) for entry in partition.emitted()]
        for part in (back, entries):
            order = [entry for _, entry in part] if seed is None else shuffled(part, dice)
            now_done(partition.apply(*order, at=now))
    now_done(partition.apply(at=now + 100 * HOUR))
    return partition


def order_does_not_matter(texts: tuple[str, ...], groups: list[tuple[int, list[tuple[str, str, int]]]], seed: int) -> None:
    one, other = applied(texts, groups, None), applied(texts, groups, seed)
    assert not one.poisoned
    assert told(one, in_order=False) == told(other, in_order=False)


GIVEN = (st.tuples(*(documents(name, alone=True) for name in OWN)), GROUPS, st.integers())

test_the_order_between_profiles_does_not_matter = settings(max_examples=40, deadline=None)(given(*GIVEN)(order_does_not_matter))
test_nor_over_many_logs = pytest.mark.soak(settings(max_examples=2000, deadline=None)(given(*GIVEN)(order_does_not_matter)))
