"""What a call reads does not depend on how much there is, nor on how little there was when its plans were made."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import msgspec
import pytest
from tests.store.builders import FAR, NOW, SITE, delivery, entry, run

from clarion.clock import DAY
from clarion.domain.records import Profile, Subscriber
from clarion.store.postgres.connection import Database
from clarion.store.postgres.engine import Engine
from clarion.store.postgres.nodes import Nodes
from clarion.store.postgres.outbox import Outbox
from clarion.store.postgres.pulse import Pulse
from clarion.store.postgres.signals import Signals
from clarion.store.records.batches import Asked, MemoryKey, SiteProfile
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.deliveries import Delivery, Report
from clarion.store.records.runs import EntryMemory
from clarion.store.records.states import PartitionState, WorkflowState

MANY = 10_000
"""Rows of everything in one partition, behind which the few stand that a call is about."""

FILL = """
INSERT INTO inbox (partition, kind, site, id, body, received) SELECT 0, 'event', 1, 'i' || n, '{}', 0 FROM generate_series(1, $1) AS n;
INSERT INTO profiles (partition, site, key, attributes, segments, created, pushed, recheck)
    SELECT 0, 1, 'n:' || n, '{}', '[]', 0, '{}', 9000000000000000 + n FROM generate_series(1, $1) AS n;
INSERT INTO subscribers (partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts)
    SELECT 0, 1, 'd' || n, 'n:' || n, '', '', '', true, 0, 0, '{}' FROM generate_series(1, $1) AS n;
INSERT INTO runs (partition, id, site, workflow, version, profile, status, step, due, held, started, state, goal_until, device)
    SELECT 0, 'r' || n, 1, 'cart', 1, 'n:' || n, 'waiting', 'hour', 9000000000000000 + n, false, n, '{}', 9000000000000000, 'd' || n
    FROM generate_series(1, $1) AS n
    UNION ALL
    SELECT 0, 'f' || n, 1, 'cart', 1, 'n:' || n, 'failed', 'hour', NULL, false, n, '{}', 9000000000000000, 'd' || n
    FROM generate_series(1, $1) AS n;
INSERT INTO entry_memory (partition, site, profile, workflow, key, started, run)
    SELECT 0, 1, 'n:' || n, 'cart', '', 0, '' FROM generate_series(1, $1) AS n;
INSERT INTO deliveries (
    partition, id, created, site, effect, run, workflow, step, profile, kind, job, due, expires, hops, attempts, status, version
)
SELECT 0, 'x' || n, 1750000000000000, 1, '', '', 'cart', '', '', 'push', '{}', 9000000000000000, 0, 0, '[]', 'pending', 1
FROM generate_series(1, $1) AS n;
INSERT INTO outbox (partition, id, created, sequence, site, workflow, due, held)
    SELECT partition, id, created, sequence, site, workflow, due, false FROM deliveries WHERE id LIKE 'x%';
"""

READ = "SELECT coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_user_tables"


class Session:
    """The store's areas over one connection: its plans stay."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, most=1)
        signals = Signals(url)
        self._pulse = Pulse(url, self.database.gone, self.database.there)
        self.outbox = Outbox(self.database, signals, lambda: NOW)
        self.engine = Engine(self.database, signals, self.outbox)
        self._nodes = Nodes(self.database, self._pulse, signals)
        self.state: PartitionState

    async def open(self) -> None:
        await self.database.open()
        self.outbox.open(4)
        self.state = await self._nodes.own(0, "")

    async def close(self) -> None:
        await self.outbox.close()
        await self.database.close()

    async def rows(self, work: Awaitable[Any]) -> int:
        """How many rows of all tables a call reads."""
        await self._flush()
        before = await self.database.fetchval(READ)
        await work
        await self._flush()
        return int(await self.database.fetchval(READ) - before)

    async def _flush(self) -> None:
        await self.database.execute("SELECT pg_stat_force_next_flush()")

    async def commit(self, **fields: Any) -> None:
        moved = fields.pop("moved", [])
        first = self.state.sequence + 1
        moves = [LogMove(one.position, first + place, NOW, "n:1") for place, one in enumerate(moved)]
        state = msgspec.structs.replace(self.state, sequence=self.state.sequence + len(moves), log_time=NOW)
        await self.engine.commit(Outcome(state, moved=moves, **fields))
        self.state = state


@pytest.fixture
async def session(postgres_url: str) -> AsyncIterator[Session]:
    opened = Session(postgres_url)
    await opened.open()
    yield opened
    await opened.close()


async def everything(session: Session, name: str) -> dict[str, int]:
    """Each call once, about a few things; by its name: how many rows it read."""
    engine, outbox, read = session.engine, session.outbox, {}
    found: dict[str, Any] = {}
    few = [f"{name}{number}" for number in range(5)]
    made = [delivery(one, due=NOW - 9) for one in few]
    runs = [run(one, due=NOW - DAY, profile=f"n:{one}", goal_until=FAR) for one in few]
    devices = [(SITE, Subscriber(one, f"n:{one}", "", "", "")) for one in few]

    async def taking() -> None:
        found["taken"] = await engine.take(0, 5, NOW, 20)

    async def claiming() -> None:
        found["claimed"] = (await outbox.claim(10, NOW))[0]

    read["commit"] = await session.rows(
        session.commit(
            runs=runs,
            subscribers=devices,
            profiles=[(SITE, Profile(f"n:{one}", recheck=NOW - DAY)) for one in few],
            memory=[EntryMemory(SITE, "cart", f"n:{one}", "", NOW, "r") for one in few],
            workflows=[WorkflowState(SITE, "cart", 2, "active")],
            deliveries=made,
            emitted=[entry(one) for one in few],
        )
    )
    asked = Asked(
        named=[SiteProfile(SITE, one) for one in few],
        profiles=[SiteProfile(SITE, f"n:{number}") for number in range(1, 6)],
        memory=[MemoryKey(SITE, "cart", "", f"n:{one}") for one in few],
        joining=[SiteProfile(SITE, few[0])],
        runs=[runs[0].id, "r1", "f2"],
    )
    read["take"] = await session.rows(taking())
    assert len(found["taken"].due) == 10
    read["page"] = await session.rows(engine.profiles_page(0, SITE, "n:", 5))
    read["facts"] = await session.rows(engine.facts(0, asked))
    read["move"] = await session.rows(session.commit(moved=found["taken"].entries))
    read["behind"] = await session.rows(engine.runs_behind(0, SITE, "cart", 1, 10))
    read["held"] = await session.rows(engine.held_runs(0, SITE, "cart", 10))
    read["claim"] = await session.rows(claiming())
    claimed: list[Delivery] = found["claimed"]
    assert {one.id for one in claimed} == {one.id for one in made}
    read["unclaim"] = await session.rows(outbox.unclaim([claimed[0].id]))
    reports = [Report(claimed[1], None, NOW, NOW + 1), *(Report(one, "sent", NOW) for one in claimed[2:])]
    read["report"] = await session.rows(outbox.report(reports))
    read["rest"] = await session.rows(outbox.report([Report(one, "sent", NOW) for one in claimed[:2]]))
    read["due"] = await session.rows(outbox.poll())
    kept = [delivery(f"{one} kept", workflow="kept") for one in few]
    await session.commit(deliveries=kept, hold=[(SITE, "kept")])
    read["stale"] = await session.rows(session.commit(release=[(SITE, "kept", NOW + 1)]))
    await session.commit(profiles=[(SITE, Profile(f"n:{one}")) for one in few])
    gone = {"gone_runs": [one.id for one in runs], "gone_subscribers": [(SITE, one) for one in few]}
    people = [f"n:{one} erased" for one in few]
    await session.commit(
        profiles=[(SITE, Profile(one)) for one in people],
        runs=[run(one, profile=one) for one in people],
        deliveries=[delivery(one, profile=one) for one in people],
        memory=[EntryMemory(SITE, "cart", one, "", NOW, "r") for one in people],
        subscribers=[(SITE, Subscriber(one, one, "", "", "")) for one in people],
    )
    read["erased"] = await session.rows(session.commit(erased=[(SITE, one) for one in people]))
    read["gone"] = await session.rows(session.commit(**gone))
    return read


@pytest.mark.parametrize("analyzed", [False, True], ids=["planned-while-empty", "planned-when-full"])
async def test_calls_read_what_they_are_about_and_no_more(session: Session, *, analyzed: bool) -> None:
    before = await everything(session, "before")
    for statement in FILL.replace("$1", str(MANY)).split(";")[:-1]:
        await session.database.execute(statement)
    if analyzed:
        await session.database.execute("ANALYZE")
    after = await everything(session, "after")
    assert max(before.values()) < 200
    assert {name: rows for name, rows in after.items() if rows > before[name] + 100} == {}
