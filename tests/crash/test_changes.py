"""Death around what an operator does: a publish reaches every run exactly once, and a command is carried out exactly once."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from tests.crash.conftest import Open
from tests.crash.shop import Shop
from tests.crash.sleepers import CALLER, DOZE, Night, caller, glimpse, left, sleeper
from tests.e2e.server import Api, eventually
from tests.server.client import Client

from clarion.clock import HOUR
from clarion.domain.ids import effect_id

RUNS: Final = 1_100
"""More than hear of a publish at a time."""
PIECE: Final = 1_000
LATE: Final = 20.0
"""Seconds in which a server has to do all that there is to do."""
BROKEN: Final = (ConnectionError, asyncio.IncompleteReadError)
"""The answer may come before the server is dead, or not at all."""


@asynccontextmanager
async def operator(shop: Shop) -> AsyncIterator[Api]:
    client = await Client.connect("127.0.0.1", shop.server.port)
    try:
        yield Api(client, shop.key)
    finally:
        client.close()


async def publish(api: Api, document: dict[str, Any], runs: str) -> None:
    answer = await api.ask("PUT", f"/workflows/{document['workflow']}?runs={runs}", document)
    assert answer.status in {200, 201}, answer


async def rest(shop: Shop) -> None:
    """Wait until the server has done all that there is to do before an hour has passed."""
    async with shop.place.looking() as look, operator(shop) as api:

        async def remaining() -> int:
            assert (await api.ask("GET", "/workflows")).status == 200  # lets the server work between two looks
            return await left(look)

        await eventually(remaining, lambda left: left == 0, LATE)


async def begin(shop: Shop, document: dict[str, Any], runs: int) -> None:
    """Publish a workflow and let runs of it go to sleep, each of another profile; then stop the server."""
    await shop.start()
    async with operator(shop) as api:
        await publish(api, document, "keep")
        events = [{"event_name": DOZE, "profile_id": f"p-{n}", "data": {"n": n}} for n in range(runs)]
        for first in range(0, runs, 1_000):
            answer = await api.ask("POST", "/events/batch", {"events": events[first : first + 1_000]})
            assert answer.json["data"]["rejected"] == [], answer
    await rest(shop)
    await shop.server.stop()


async def dies(shop: Shop) -> None:
    """The server ends by itself, at the point that it was started with."""
    assert await shop.server.end() == -signal.SIGKILL, shop.server.log()


async def die(shop: Shop, fault: str) -> None:
    """Start with a fault and go on with what is left to do: that reaches the point."""
    await shop.start(fault)
    await dies(shop)


async def finish(shop: Shop) -> Night:
    """Start once more, and look when nothing is left to be done."""
    await shop.start()
    await rest(shop)
    await shop.server.stop()
    return await glimpse(shop.place)


MOVING: Final = (("waiting", "sleep"), ("moved", "sleep"))
ENDING: Final = (("waiting", "sleep"), ("exited", "sleep"))


def slept(*, moved: int = 0, ended: int = 0) -> Night:
    """All runs have gone to sleep in the first version, and so many of them were moved to the second, or ended."""
    stay = RUNS - moved - ended
    counts = {
        (1, "", "started", ""): RUNS,
        (1, "sleep", "entered", ""): RUNS,
        (1, "sleep", "waiting", ""): stay,
        (1, "", "exited", ""): ended,
        (1, "", "moved_out", ""): moved,
        (1, "sleep", "left", "moved"): moved,
        (2, "", "moved_in", ""): moved,
        (2, "sleep", "entered", "moved"): moved,
        (2, "sleep", "waiting", ""): moved,
    }
    beds = {
        (1, "waiting", "sleep", HOUR, None): stay,
        (2, "waiting", "sleep", 2 * HOUR, None): moved,
        (1, "exited", None, None, "ended"): ended,
    }
    return Night(
        Counter({bed: count for bed, count in beds.items() if count}),
        Counter({lines: count for lines, count in ((MOVING[:1], stay), (MOVING, moved), (ENDING, ended)) if count}),
        {key: (count, count) for key, count in counts.items() if count},
        Counter(),
        Counter({("workflow", "publish"): 2}),
        0,
    )


async def test_a_publish_moves_every_run_once(open_shop: Open) -> None:
    """Killed at the publish itself and between the pieces of the runs that hear of it, on either side of the commits."""
    async with open_shop(1, partitions=1) as shop:
        await begin(shop, sleeper(1), RUNS)
        await shop.start("engine.before_commit:2")  # a start's own commit is the first
        async with operator(shop) as api:
            with suppress(*BROKEN):
                await publish(api, sleeper(2), "move")
            await dies(shop)
        before = await glimpse(shop.place)
        await die(shop, "engine.after_commit:2")
        told = await glimpse(shop.place)
        await die(shop, "engine.after_commit:2")
        halfway = await glimpse(shop.place)
        await die(shop, "engine.before_commit:2")
        night = await finish(shop)
    assert before == replace(slept(), changes=Counter({("workflow", "publish"): 1}), left=1)
    assert told == replace(slept(), left=1)
    assert halfway == replace(slept(moved=PIECE), left=1)
    assert night == slept(moved=RUNS)


async def test_a_publish_ends_every_run_once(open_shop: Open) -> None:
    async with open_shop(2, partitions=1) as shop:
        await begin(shop, sleeper(1), RUNS)
        await shop.start("engine.before_commit:3")  # the publish is in the log, and nobody has heard of it
        async with operator(shop) as api:
            with suppress(*BROKEN):
                await publish(api, sleeper(2), "end")
            await dies(shop)
        told = await glimpse(shop.place)
        await die(shop, "engine.after_commit:2")
        halfway = await glimpse(shop.place)
        night = await finish(shop)
    assert told == replace(slept(), left=1)
    assert halfway == replace(slept(ended=PIECE), left=1)
    assert night == slept(ended=RUNS)


async def test_a_command_is_carried_out_once(open_shop: Open) -> None:
    """A run is sent back to the step that calls: it calls once more, and sleeps anew."""
    async with open_shop(3, partitions=1) as shop:
        await begin(shop, caller(shop.sink.url), 1)
        await shop.start("engine.before_commit:2")
        async with operator(shop) as api:
            (run,) = (await api.get(f"/runs?workflow={CALLER}"))["runs"]
            with suppress(*BROKEN):
                answer = await api.ask("POST", f"/runs/{run['run_id']}/move", {"step": "call"})
                assert answer.status == 200, answer
            await dies(shop)
        before = await glimpse(shop.place)
        await die(shop, "engine.after_commit:2")
        told = await glimpse(shop.place)
        night = await finish(shop)
    first = (("http", "call"), ("waiting", "sleep"))
    assert before.histories == Counter({first: 1})
    assert told.histories == night.histories == Counter({(*first, ("moved", "call"), *first): 1})
    ((version, status, step, sleeps, reason),) = night.runs
    assert (version, status, step, reason) == (1, "waiting", "sleep", None)
    assert sleeps is not None
    assert sleeps > HOUR
    assert night.deliveries == Counter({("call", "sent"): 2})
    assert set(shop.sink.arrived) == {effect_id(run["run_id"], "call", visit) for visit in (1, 2)}
    assert shop.sink.repeats == 0
    counts = {
        ("", "started", ""): 1,
        ("call", "entered", ""): 2,
        ("call", "left", ""): 2,
        ("call", "sent", ""): 2,
        ("sleep", "entered", ""): 2,
        ("sleep", "left", "moved"): 1,
        ("sleep", "waiting", ""): 1,
    }
    assert night.counters == {(1, *counter): (count, count) for counter, count in counts.items()}
    assert night.changes == Counter({("workflow", "publish"): 1, ("run", "move"): 1})
    assert night.left == 0
