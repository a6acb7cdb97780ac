"""The same inputs given to SQLite, to PostgreSQL with one partition, and to PostgreSQL with five: what is there in the end is the same."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR
from tests.engine.cluster import FIVE
from tests.engine.documents import NAMES, OWN
from tests.engine.stage import Op, Told, TooMuch, of_file, of_server, on_file, on_server, staged
from tests.engine.test_messages_equal import (
    ATTRIBUTES,
    CHANGES_OF_PROFILES,
    DEVICES,
    FACTS,
    FOLLOWERS,
    GAPS,
    NAMES_OF_EVENTS,
    PROFILES,
    WHOM,
    told_apart,
)
from tests.postgres import databases

from clarion.control.workflows import TRANSITIONS
from clarion.store.sqlite.migrations import migrate

MOST = 250
"""Steps of one example: where runs start one another for longer than that, nothing new comes to light."""


def op(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Op]:
    return st.tuples(st.just(name), *arguments)


TIME = op("time", GAPS)
REGISTRATION = op("register", st.sampled_from(DEVICES), st.sampled_from([None, *PROFILES]), FACTS, ATTRIBUTES)
EVENT = st.tuples(st.sampled_from(NAMES_OF_EVENTS), WHOM, st.integers(0, 3)).map(lambda one: ("event", one[0], *one[1], one[2]))
DEVICE = st.sampled_from([*DEVICES, *FOLLOWERS])
PEOPLE = st.one_of(
    op("follow", DEVICE, st.sampled_from(["a:d2", "a1:d2", "n:p", "a:d3"])),
    op("device", DEVICE, st.just("identify"), st.sampled_from(PROFILES), st.just({})),
    op("device", DEVICE, st.sampled_from(["logout", "unsubscribe", "subscribe", "forget"]), st.none(), st.just({})),
    op("device", DEVICE, st.just("update"), st.none(), FACTS),
    st.tuples(WHOM, CHANGES_OF_PROFILES).map(lambda one: ("profile", *one[0], one[1])),
    op("erase", st.sampled_from(PROFILES)),
)
WHICH = st.integers(0, 1_000)
REPORTS = st.one_of(
    op("outcome", WHICH, st.sampled_from(["sent", "sent", "sent", "failed", "gone", "expired", "again"])),
    op("receipt", WHICH, st.sampled_from(["viewed", "clicked", "clicked", "closed"])),
)
CHANGES = st.one_of(
    op("operator", WHICH, st.sampled_from(["stop", "retry", "move"]), st.sampled_from([None, "s0", "s1"])),
    op("publish", st.sampled_from(NAMES).flatmap(told_apart), st.sampled_from(["keep", "move", "end"])),
    op("change", st.sampled_from(OWN), st.sampled_from(["pause", "resume", "resume", *TRANSITIONS])),
    op("site", st.sampled_from(["UTC", "Asia/Tokyo"])),
)


@st.composite
def newcomers(draw: st.DrawFn) -> list[Op]:
    """Somebody anonymous does this and that, and gets a name, perhaps in a pause."""
    device = draw(st.sampled_from(["n1", "n2", "n3", "n4"]))
    events = draw(
        st.lists(st.tuples(st.just("event"), st.sampled_from(NAMES_OF_EVENTS), st.just(device), st.none(), st.integers(0, 3)), max_size=3)
    )
    pause = draw(st.sampled_from([None, None, *OWN]))
    held: list[Op] = [] if pause is None else [("change", pause, "pause")]
    name: Op = ("register", device, draw(st.sampled_from(PROFILES)), {}, {})
    return [("register", device, None, {}, {}), *events, *held, draw(TIME), name]


def several(kind: st.SearchStrategy[Op], most: int) -> st.SearchStrategy[list[Op]]:
    return st.lists(kind, min_size=1, max_size=most)


PIECES = st.one_of(
    several(EVENT, 4),
    several(EVENT, 4),
    several(REPORTS, 4),
    newcomers(),
    several(REGISTRATION, 2),
    several(PEOPLE, 3),
    several(CHANGES, 1),
)
"""What happens between two gaps."""
TEXTS = st.tuples(*(told_apart(name) for name in NAMES))
LOGS = st.builds(
    lambda texts, pieces: [
        *(("publish", text, "keep") for text in texts),
        ("register", "d1", "p", {}, {}),
        ("register", "d2", None, {}, {}),
        *(one for gap, piece in pieces for one in (gap, *piece)),
        ("time", 30 * HOUR),
    ],
    TEXTS,
    st.lists(st.tuples(TIME, PIECES), min_size=8, max_size=20),
)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A migrated SQLite database, in memory where that can be."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        migrate(Path(folder) / "template.db")
        yield Path(folder) / "template.db"


async def on_sqlite(template: Path, ops: list[Op]) -> Told:
    path = Path(shutil.copy(template, template.with_name("clarion.db")))
    try:
        async with staged(on_file(path), MOST) as stage:
            await stage.play(ops)
        return of_file(path)
    finally:
        for file in path.parent.glob("clarion.db*"):
            file.unlink()


async def on_postgres(partitions: int, ops: list[Op]) -> Told:
    url = databases().fresh(partitions)
    try:
        async with staged(on_server(url), 10 * MOST) as stage:
            await stage.play(ops)
        return await of_server(url)
    finally:
        databases().drop(url)


def same_on_every_store(template: Path, ops: list[Op]) -> None:
    try:
        once = asyncio.run(on_sqlite(template, ops))
    except TooMuch:
        reject()
    assert (once["aside"], once["inbox"]) == ([], [])
    for partitions in (1, FIVE):
        other = asyncio.run(on_postgres(partitions, ops))
        for name, rows in once.items():
            assert other[name] == rows, (partitions, name)


def lasting(examples: int, *phases: Phase) -> Callable[..., Any]:
    return settings(
        max_examples=examples,
        phases=phases,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


@pytest.mark.timeout(600)
@lasting(25, Phase.reuse, Phase.generate)  # to make a failure small takes minutes: the long run does it
@given(ops=LOGS)
def test_same_on_every_store(template: Path, ops: list[Op]) -> None:
    same_on_every_store(template, ops)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@lasting(1000, *Phase)
@given(ops=LOGS)
def test_same_on_every_store_for_long(template: Path, ops: list[Op]) -> None:
    same_on_every_store(template, ops)
