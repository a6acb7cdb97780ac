"""What was accepted comes back byte for byte: every digit, every escape."""

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run
from tests.store.conftest import ENGINES

from clarion.domain.ids import partition_of
from clarion.domain.records import Profile, Scalar, Subscriber
from clarion.store.port import Store
from clarion.store.records.batches import Asked, SiteProfile
from clarion.store.records.deliveries import Attempt
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned

TRICKY = [
    b'{"n":12345678901234567890123456789012345678901234567890}',
    b'{"n":-9223372036854775809,"m":18446744073709551616}',
    b'{"n":1e2,"m":1E+2,"o":1.0,"p":-0,"q":-0.0,"r":1e-400,"s":1e400}',
    b'{"n":0.1000000000000000055511151231257827021181583404541015625}',
    b'{"s":"\\u00e9 \\ud83d\\ude00 \\/ \\" \\\\ \\n \\u007f"}',
    '{"s":"é 😀 \u2028 漢字","ü":"ключ"}'.encode(),
    b'{"a":1,"a":2}',
    b'{"":"","a b":true,"c":null,"d":[],"e":{}}',
    b'{"s":"\'; DROP TABLE inbox; --","t":"]}],[","u":":rows"}',
    b'"just text"',
    b"null",
    b"[[[[[[[[[[1]]]]]]]]]]",
]


@pytest.mark.parametrize("body", TRICKY)
async def test_a_body_survives_inbox_and_log(store: Store, owner: Owner, body: bytes) -> None:
    await store.append([entry("before", b'{"x":1}'), entry("tricky", body), entry("after", '{"y":"ä"}'.encode())])
    waiting = await owner.waiting()
    assert [bytes(one.body) for one in waiting] == [b'{"x":1}', body, '{"y":"ä"}'.encode()]
    await owner.commit(moved=waiting)
    assert bytes((await store.events(SITE, "0", 2)).rows[1].body) == body


@pytest.mark.parametrize("body", TRICKY)
async def test_json_survives_wherever_it_is_kept(store: Store, owner: Owner, body: bytes) -> None:
    raw = msgspec.Raw(body)
    await owner.commit(
        runs=[run("r", state=raw, due=NOW)],
        deliveries=[delivery("d", job=raw)],
        explanations=[Explanation(SITE, "n:ann", "e", NOW, raw)],
        poisoned=[Poisoned("p", SITE, "event", raw, NOW, "broke")],
        emitted=[entry("emitted", body)],
    )
    assert bytes((await store.facts(0, Asked([], [SiteProfile(SITE, "n:ann")]))).runs[0].state) == body
    assert bytes((await store.run(run("r").id)).state) == body
    assert bytes((await store.claim(1, NOW))[0][0].job) == body
    assert bytes((await store.deliveries(SITE, None, 1))[0].delivery.job) == body
    assert bytes((await store.explanations(SITE, "e"))[0].body) == body
    assert bytes((await store.poisoned(1))[0].body) == body
    assert bytes((await owner.waiting())[0].body) == body


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
integers = st.integers(-(2**63), 2**63 - 1)
scalars = texts | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@given(
    attributes=st.dictionaries(texts, scalars, max_size=5),
    segments=st.lists(texts, max_size=3).map(tuple),
    words=st.lists(texts, min_size=6, max_size=6),
    numbers=st.lists(integers, min_size=3, max_size=3),
    pushed=st.dictionaries(texts, st.lists(integers, max_size=3).map(tuple), max_size=3),
)
@settings(max_examples=25, deadline=None)
async def test_records_survive(
    engine: str,
    attributes: dict[str, Scalar],
    segments: tuple[str, ...],
    words: list[str],
    numbers: list[int],
    pushed: dict[str, tuple[int, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = ENGINES[engine](Path(directory), lambda: NOW)
        store = database.store()
        await store.open()
        home = partition_of(SITE, words[0], store.partitions)
        owner = await Owner.of(store, home)
        profile = Profile("n:" + words[0], attributes, segments, numbers[0], pushed)
        subscriber = Subscriber(words[1], profile.key, words[2], words[3], words[4], active=False, created=numbers[1], facts=attributes)
        row = run("r", profile=profile.key, key=words[5], reason=words[1], step=None, started=numbers[0], goal_until=numbers[2])
        one = delivery("d", profile=profile.key, step=words[2], attempts=(Attempt(NOW, 1, None, words[3]),), version=numbers[1] % 2**31)
        await owner.commit(profiles=[(SITE, profile)], subscribers=[(SITE, subscriber)], runs=[row], deliveries=[one])
        facts = await store.facts(home, Asked([SiteProfile(SITE, words[1])]))
        view = await store.profile(SITE, profile.key)
        claimed = (await store.claim(1, NOW))[0]
        await store.close()
        database.drop()
    assert (facts.profiles, facts.subscribers, facts.runs) == ([(SITE, profile)], [(SITE, subscriber)], [row])
    assert (view.profile, view.subscribers, claimed) == (profile, [subscriber], [msgspec.structs.replace(one, partition=home)])


async def test_an_entrys_words_survive(store: Store, owner: Owner) -> None:
    odd = msgspec.structs.replace(entry("x"), id='"} \\ ü 😀')
    await store.append([odd])
    assert [one.id for one in await owner.waiting()] == [odd.id]
