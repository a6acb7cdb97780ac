"""What a partition's log says of dynamic segments, and what its owner has still to do with everybody."""

import msgspec
from tests.store.builders import NOW, SITE, Owner

from clarion.store.port import Store
from clarion.store.records.states import SegmentState, Sweep, SweepCount

AGED = {"all": [{"field": "profile.age", "op": "gte", "value": 1.50}, {"field": "subscriber.country", "op": "in", "value": ["PT", 'é"\\']}]}
LARGE = msgspec.Raw(b'{"broadcast":"b","n":1.50,"big":12345678901234567890,"text":"\\u00e9 \\"\\\\"}')


def segment(name: str, site: int = SITE, **fields: int) -> SegmentState:
    return msgspec.structs.replace(SegmentState(site, name, AGED, NOW), **fields)


def sweep(id_: str, at: int = NOW, site: int = SITE) -> Sweep:
    return Sweep(site, id_, at, f"entry of {id_}", LARGE)


async def test_there_are_none_in_the_beginning(store: Store) -> None:
    assert (await store.segment_states(0), await store.sweeps(0)) == ([], [])


async def test_segments_are_read_as_they_were_defined(store: Store, owner: Owner) -> None:
    known = [segment("b"), segment("é"), segment("a", 2)]
    await owner.commit(segments=list(reversed(known)))
    assert await store.segment_states(0) == known
    changed = SegmentState(SITE, "b", {"field": "profile.x", "op": "exists"}, NOW + 1)
    await owner.commit(segments=[changed], gone_segments=[(SITE, "é"), (SITE, "unknown")])
    assert await store.segment_states(0) == [changed, known[2]]
    await owner.commit(gone_segments=[(SITE, "a"), (2, "a")])  # of the one site there is none
    assert await store.segment_states(0) == [changed]


async def test_sweeps_are_read_in_the_order_in_which_they_were_asked_for(store: Store, owner: Owner) -> None:
    known = [sweep("segment:z", NOW - 1, 2), sweep("broadcast:b"), sweep("segment:a"), sweep("broadcast:a", NOW, 2), sweep("a", NOW + 1)]
    await owner.commit(sweeps=list(reversed(known)))
    assert await store.sweeps(0) == known
    ahead = msgspec.structs.replace(known[1], cursor="n:é", done=2**40)
    await owner.commit(sweeps=[ahead], ended_sweeps=[(SITE, "segment:a"), (SITE, "unknown"), (SITE, "segment:z")])
    assert await store.sweeps(0) == [known[0], ahead, *known[3:]]


async def test_a_later_one_takes_the_place_of_an_earlier(store: Store, owner: Owner) -> None:
    await owner.commit(sweeps=[msgspec.structs.replace(sweep("segment:a"), cursor="n:x", done=9)])
    later = msgspec.structs.replace(sweep("segment:a", NOW + 7), entry="another", body=msgspec.Raw(b"{}"))
    await owner.commit(sweeps=[later])
    assert await store.sweeps(0) == [later]


async def test_what_ends_and_begins_anew_in_one_commit_is_there(store: Store, owner: Owner) -> None:
    await owner.commit(segments=[segment("a")], sweeps=[sweep("segment:a")])
    again, later = segment("a", defined=NOW + 1), sweep("segment:a", NOW + 1)
    await owner.commit(gone_segments=[(SITE, "a")], segments=[again], ended_sweeps=[(SITE, "segment:a")], sweeps=[later])
    assert (await store.segment_states(0), await store.sweeps(0)) == ([again], [later])


async def test_how_far_they_are_is_told_by_id(store: Store, owner: Owner) -> None:
    known = [sweep("broadcast:b"), msgspec.structs.replace(sweep("broadcast:a"), cursor="n:é", done=2**40), sweep("broadcast:c", site=2)]
    await owner.commit(sweeps=known)
    ids = ["broadcast:b", "broadcast:a", "broadcast:c", "broadcast:unknown", "broadcast:a"]
    assert await store.sweep_counts(SITE, ids) == [SweepCount("broadcast:a", 1, 2**40), SweepCount("broadcast:b", 1, 0)]
    assert await store.sweep_counts(2, ids) == [SweepCount("broadcast:c", 1, 0)]
    assert await store.sweep_counts(SITE, []) == []
    await owner.commit(ended_sweeps=[(SITE, "broadcast:a")])
    assert await store.sweep_counts(SITE, ids) == [SweepCount("broadcast:b", 1, 0)]
