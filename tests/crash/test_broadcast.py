"""Death while a broadcast is on its way: everybody who was there gets it once, nobody is left out; what was paused or stopped stays so."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest
from tests.crash.conftest import MakePlace
from tests.crash.crowd import SEND, change_minds, crowd, leftovers, numbers, problems, wanted
from tests.crash.hall import BROKEN, Caller, Hall, calling, meanwhile, opened
from tests.crash.nodes import serving
from tests.crash.places import PostgresPlace

from clarion.domain.ids import broadcast_workflow

MEMBERS: Final = 1_500
SOAK_MEMBERS: Final = 20_000
FIRST: Final = 20
"""Who has it when it is paused, beside those whom it is being sent to."""
SEED: Final = 20_290_101
FAULTS: Final = (
    "engine.before_commit:3",
    "delivery.before_send:30",
    "engine.after_commit:3",
    "delivery.after_send:30",
    "report.before_commit:2",
    "report.after_commit:2",
)
"""On either side of what the engine, and delivery, make last; a start's own commit is the first of the engine."""
ROLES: Final = ("api", "engine", "engine", "engine", "delivery", "delivery")
PARTITIONS: Final = 7
KILLS: Final = 2
SOAK_KILLS: Final = 60


@asynccontextmanager
async def crowded(make_place: MakePlace, engine: str, count: int, patience: float = 110) -> AsyncIterator[Hall]:
    """A hall with a crowd that the server knows, stopped."""
    place, key = await make_place(engine, PARTITIONS)
    async with opened(place, key, lambda arrivals: (one.put(arrivals) for one in crowd(count)), patience=patience) as hall:
        server = await hall.start()
        await hall.rest()
        await server.stop()
        yield hall


async def send(caller: Caller) -> str:
    """Have the broadcast sent, and be sure of it; its id."""
    answer = await caller.sure("POST", "/broadcasts", SEND)
    return str(answer.json["data"]["broadcast_id"])


async def change(caller: Caller, broadcast: str, what: str) -> None:
    """Pause, resume or stop it; a repeat finds it so already."""
    await caller.sure("POST", f"/broadcasts/{broadcast}/{what}", None, also=(409,))


async def paused(hall: Hall, caller: Caller) -> str:
    """Have it sent, and paused while the push service takes its time over most; then the server is killed. Its id."""
    hall.arrivals.most = FIRST
    server = await hall.start()
    broadcast = await send(caller)
    await server.until(hall.arrivals.count.reach(FIRST))
    await change(caller, broadcast, "pause")
    await server.kill()
    hall.arrivals.go_on()
    return broadcast


async def dies(hall: Hall) -> None:
    """The server ends by itself, at the point that it was started with."""
    assert hall.server is not None
    assert await hall.server.end() == -signal.SIGKILL, hall.server.log()


def nothing_wrong(found: list[str]) -> None:
    assert not found, "\n".join([f"{len(found)} problems", *found[:20]])


async def killed_on_the_way(hall: Hall, count: int, faults: Iterator[str], rng: random.Random) -> None:
    """Send it, die at each of these points while people change their minds, and have it done in the end."""
    members, comings = crowd(count), numbers()
    async with calling(hall.key, hall.ports) as caller:
        await hall.start()
        broadcast = await send(caller)
        async with meanwhile(change_minds(caller, members, rng, comings)):
            assert hall.server is not None
            await hall.server.kill()
            for fault in faults:
                await hall.start(fault)
                await dies(hall)
            server = await hall.start()
            await server.until(hall.arrivals.count.reach(count // 2))
        await hall.rest()
        assert await send(caller) == broadcast
        await hall.rest()
        await server.stop()
    nothing_wrong(await problems(members, hall, broadcast))


async def test_death_at_every_point(make_place: MakePlace) -> None:
    async with crowded(make_place, "sqlite", MEMBERS) as hall:
        await killed_on_the_way(hall, MEMBERS, iter(FAULTS), random.Random(SEED))
        assert hall.arrivals.repeats > 0


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_many_deaths(make_place: MakePlace, engine: str) -> None:
    rng = random.Random(SEED + 1)
    points = [f"{rng.choice(FAULTS).partition(':')[0]}:{rng.randint(2, 40)}" for _ in range(SOAK_KILLS)]
    points = [point.replace("report", "engine") if int(point.partition(":")[2]) > 9 else point for point in points]
    async with crowded(make_place, engine, SOAK_MEMBERS, 3_000) as hall:
        await killed_on_the_way(hall, SOAK_MEMBERS, iter(points), rng)


async def test_what_is_paused_stays_paused(make_place: MakePlace) -> None:
    """Killed when the pause is said, and when the resume is: nothing goes out in between, and all get it in the end."""
    members = crowd(MEMBERS)
    async with crowded(make_place, "sqlite", MEMBERS) as hall, calling(hall.key, hall.ports) as caller:
        broadcast = await paused(hall, caller)
        server = await hall.start()
        await hall.rest()
        await server.stop()
        before, held = hall.arrivals.count.value, await held_back(hall)
        assert held > 0
        await hall.start("engine.before_commit:2")  # a start's own commit is the first
        with suppress(*BROKEN):
            await caller.ask("POST", f"/broadcasts/{broadcast}/resume")
        await dies(hall)
        assert hall.arrivals.count.value == before
        assert await held_back(hall) == held
        server = await hall.start()
        await change(caller, broadcast, "resume")
        await hall.rest()
        await server.stop()
        nothing_wrong(await problems(members, hall, broadcast))


async def test_what_is_stopped_goes_no_further(make_place: MakePlace) -> None:
    """Killed before the stop is in the books, and after it: who has it has it once, and nobody else gets it."""
    members = crowd(MEMBERS)
    async with crowded(make_place, "sqlite", MEMBERS) as hall, calling(hall.key, hall.ports) as caller:
        broadcast = await paused(hall, caller)
        await hall.start("engine.after_commit:2")
        with suppress(*BROKEN):
            await caller.ask("POST", f"/broadcasts/{broadcast}/stop")
        await dies(hall)
        reached = {device: set(copies) for device, copies in hall.arrivals.pushes.items()}
        server = await hall.start()
        await change(caller, broadcast, "stop")
        await hall.rest()
        await server.stop()
        assert {device: set(copies) for device, copies in hall.arrivals.pushes.items()} == reached
        effects = wanted(members, hall, broadcast)
        assert reached == {device: {effects[device]} for device in reached}
        assert 0 < len(reached) < len(effects)
        rows = await hall.look(f"SELECT subscriber, status FROM deliveries WHERE workflow = '{broadcast_workflow(broadcast)}'")
        assert len(rows) == len({device for device, _ in rows}) <= len(effects)
        assert {device for device, status in rows if status == "sent"} <= reached.keys()
        assert {status for _, status in rows} == {"sent", "stale"}
        nothing_wrong(await leftovers(hall))


async def held_back(hall: Hall) -> int:
    """How many deliveries wait."""
    ((count,),) = await hall.look("SELECT count(*) FROM outbox")
    return int(count)


async def test_three_engines_and_two_senders_die(make_place: MakePlace) -> None:
    """In pairs, on one database, while people change their minds."""
    rng, members = random.Random(SEED + 2), crowd(MEMBERS)
    async with crowded(make_place, "postgres", MEMBERS) as hall:
        assert isinstance(hall.place, PostgresPlace)
        async with serving(hall.place, ROLES) as nodes, calling(hall.key, nodes.ports) as caller:
            broadcast = await send(caller)
            async with meanwhile(change_minds(caller, members, rng, numbers())):
                for _ in range(KILLS):
                    more = hall.arrivals.count.value + rng.randint(20, 150)
                    await hall.arrivals.count.reach(min(more, len(wanted(members, hall, broadcast))))
                    await asyncio.gather(*(nodes.kill(rng.choice(nodes.of(role))) for role in ("engine", "delivery")))
            await hall.rest(nodes.ports)
            await nodes.stop()
        nothing_wrong(await problems(members, hall, broadcast))
