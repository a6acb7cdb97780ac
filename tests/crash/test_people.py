"""Death while people get names, change them and log out: nothing acknowledged is missing, nothing happens twice, everybody is somebody."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import takewhile
from typing import Final

import msgspec
import pytest
from tests.crash.conftest import MakePlace
from tests.crash.crowd import leftovers
from tests.crash.hall import Caller, Hall, Ports, calling, opened
from tests.crash.nodes import serving
from tests.crash.people import (
    CONDITION,
    HIGH,
    LEVEL,
    NAMES,
    VISIT,
    Owner,
    belongs,
    club,
    documents,
    level,
    numbers,
    owners,
    wanted_effects,
)
from tests.crash.places import PostgresPlace

from clarion.domain.ids import named_profile, partition_of, partition_of_profile

SEED: Final = 20_290_201
CYCLES: Final = 3
SOAK_CYCLES: Final = 60
PARTITIONS: Final = 7
ROLES: Final = ("api", "api", "engine", "engine", "engine", "delivery")


@asynccontextmanager
async def peopled(make_place: MakePlace, engine: str, people: list[Owner], patience: float = 110) -> AsyncIterator[Hall]:
    """A hall with these people, whom the server knows, stopped."""
    place, key = await make_place(engine, PARTITIONS)
    devices = [device for owner in people for device in owner.devices]
    async with opened(
        place, key, lambda arrivals: (one.put(arrivals) for one in devices), lambda url: documents(url, people), patience
    ) as hall:
        server = await hall.start()
        await hall.rest()
        await server.stop()
        yield hall


@asynccontextmanager
async def acting(hall: Hall, ports: Ports, people: Sequence[Owner], rng: random.Random) -> AsyncIterator[None]:
    """All of them act until the end of the block, and each is sure of what it did last."""
    over, counted = asyncio.Event(), numbers()

    def until_over() -> Iterator[int]:
        return takewhile(lambda _: not over.is_set(), counted)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for owner in people:
            caller = await stack.enter_async_context(calling(hall.key, ports))
            group.create_task(owner.act(caller, random.Random(rng.random()), until_over()))
        yield
        over.set()


async def define(caller: Caller) -> None:
    """Define the dynamic segment; a repeat finds it there."""
    await caller.sure("POST", "/segments", {"segment": HIGH, "condition": CONDITION}, also=(409,))


async def kills(hall: Hall, people: list[Owner], rng: random.Random, cycles: int) -> None:
    """Let them act while the server is killed so many times; then let it do what is left."""
    async with acting(hall, hall.ports, people, rng), calling(hall.key, hall.ports) as caller:
        for cycle in range(cycles):
            server = await hall.start()
            if cycle == 1:
                await server.until(define(caller))
            await server.until(hall.arrivals.count.reach(hall.arrivals.count.value + rng.randint(20, 200)))
            await server.kill()
        server = await hall.start()
        await server.until(hall.arrivals.count.reach(hall.arrivals.count.value + 50))
    await hall.rest()
    await server.stop()


async def test_kills_while_people_change(make_place: MakePlace) -> None:
    people = owners()
    async with peopled(make_place, "sqlite", people) as hall:
        await kills(hall, people, random.Random(SEED), CYCLES)
        await judge(hall, people)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_many_kills_while_people_change(make_place: MakePlace, engine: str) -> None:
    people = owners()
    async with peopled(make_place, engine, people, 3_000) as hall:
        await kills(hall, people, random.Random(SEED + 1), SOAK_CYCLES)
        await judge(hall, people)


async def test_three_engines_die_while_people_change(make_place: MakePlace) -> None:
    people, rng = owners(), random.Random(SEED + 2)
    async with peopled(make_place, "postgres", people) as hall:
        assert isinstance(hall.place, PostgresPlace)
        async with serving(hall.place, ROLES) as nodes, calling(hall.key, nodes.ports) as caller:
            async with acting(hall, nodes.ports, people, rng):
                for role in ("engine", "api"):
                    await hall.arrivals.count.reach(hall.arrivals.count.value + rng.randint(50, 150))
                    await nodes.kill(rng.choice(nodes.of(role)))
                    await define(caller)
                await hall.arrivals.count.reach(hall.arrivals.count.value + 100)
            await hall.rest(nodes.ports)
            await nodes.stop()
        await judge(hall, people)


# -- what does not add up ------------------------------------------------------------------------------------------------


async def judge(hall: Hall, people: list[Owner]) -> None:
    """Every line is something that is lost, doubled, or not as the rules say."""
    found = [
        *await visit_problems(hall, people),
        *await greeting_problems(hall, people),
        *await subscriber_problems(hall, people),
        *await profile_problems(hall, people),
        *await leftovers(hall),
    ]
    assert not found, "\n".join([f"{len(found)} problems", *found[:20]])
    assert all(owner.visits for owner in people)
    assert sum(device.joins for owner in people for device in owner.devices) > 0


async def visit_problems(hall: Hall, people: list[Owner]) -> list[str]:
    """Each visit that was acknowledged is in the log once, and has led to one run with its effects."""
    rows = await hall.look("SELECT id, body FROM log WHERE kind = 'event'")
    visits = [(id, event["data"]["n"]) for id, body in rows if (event := msgspec.json.decode(body))["name"] == VISIT]
    counted = Counter(n for _, n in visits)
    acknowledged = {n for owner in people for n in owner.visits}
    found = [f"visit {n} was acknowledged and is not in the log" for n in sorted(acknowledged - counted.keys())]
    found += [f"visit {n} is in the log {count} times" for n, count in sorted(counted.items()) if count > 1]
    statuses = {
        id: (status, reason) for id, status, reason in await hall.look(f"SELECT id, status, reason FROM runs WHERE workflow = '{VISIT}'")
    }
    sent = dict(await hall.look(f"SELECT effect, status FROM deliveries WHERE workflow = '{VISIT}'"))
    effects: set[str] = set()
    for id, n in visits:
        run, wanted = wanted_effects(hall.site, id, n)
        effects |= wanted
        if statuses.pop(run, None) != ("completed", None):
            found.append(f"visit {n} has no run that is completed")
        for effect in wanted:
            if sent.get(effect) != "sent" or not hall.arrivals.calls.get(effect):
                found.append(f"an effect of visit {n} did not arrive: {sent.get(effect)}")
            elif {json.loads(copy)["about"] for copy in hall.arrivals.calls[effect]} != {n}:
                found.append(f"an effect of visit {n} says {hall.arrivals.calls[effect]}")
    found += [f"run {run} came of no visit" for run in statuses]
    found += [f"effect {effect} came of no visit" for effect in sent.keys() - effects]
    return found


async def greeting_problems(hall: Hall, people: list[Owner]) -> list[str]:
    """Who joins a profile is greeted once for it."""
    joins = sum(device.joins for owner in people for device in owner.devices)
    runs = await hall.look("SELECT status, count(*) FROM runs WHERE workflow = 'greet' GROUP BY status")
    sent = await hall.look("SELECT effect FROM deliveries WHERE workflow = 'greet' AND status = 'sent'")
    found = [] if runs == [("completed", joins)] else [f"{joins} joined, and the runs are {runs}"]
    if len({*sent}) != joins or any(effect not in hall.arrivals.calls for (effect,) in sent):
        found.append(f"{joins} joined, and {len({*sent})} were greeted")
    strays = hall.arrivals.calls.keys() - {effect for (effect,) in await hall.look("SELECT effect FROM deliveries")}
    return found + [f"effect {effect} arrived, and nobody wanted it" for effect in strays]


async def subscriber_problems(hall: Hall, people: list[Owner]) -> list[str]:
    """Every device belongs to one profile, which is there, and each copy is as its home says; there is one where the profile lives."""
    what = "partition, device_token_hash, profile, logouts, endpoint, active, created, last_active, facts"
    rows = {(partition, device): rest for partition, device, *rest in await hall.look(f"SELECT {what} FROM subscribers")}
    living = dict(await hall.look("SELECT key, partition FROM profiles WHERE merged IS NULL"))
    found, wanted = [], {}
    for device in (device for owner in people for device in owner.devices):
        home = partition_of(hall.site, device.name, hall.partitions)
        row = rows.get((home, device.name))
        if row is None:
            found.append(f"{device.name} is not known at its home")
            continue
        profile, logouts = row[0], row[1]
        lives = partition_of_profile(hall.site, profile, hall.partitions)
        wanted[home, device.name] = wanted[lives, device.name] = row
        if not belongs(device, profile, logouts):
            found.append(f"{device} belongs to {profile} after {logouts} logouts")
        if living.get(profile) != lives:
            found.append(f"{device.name} belongs to {profile}, which lives in {living.get(profile)}")
    found += [
        f"partition and device {at} should have {wanted.get(at)}, not {rows.get(at)}"
        for at in sorted(rows.keys() | wanted.keys())
        if rows.get(at) != wanted.get(at)
    ]
    return found


async def profile_problems(hall: Hall, people: list[Owner]) -> list[str]:
    """Named profiles have what was said of them last, and what the anonymous ones brought that became part of them."""
    rows = await hall.look("SELECT key, attributes, segments, merged FROM profiles")
    profiles = {key: (json.loads(attributes), set(json.loads(segments))) for key, attributes, segments, merged in rows if merged is None}
    found = [f"{key} became part of {merged}, which is not there" for key, _, _, merged in rows if merged not in {None, *profiles}]
    homes = {row[0] for row in await hall.look("SELECT profile FROM subscribers")}
    for name in NAMES:
        attributes, segments = profiles.get(named_profile(name), ({}, set()))
        levels = {level(owner.number): owner.levels[name] for owner in people if name in owner.levels}
        marks = {device.name: device.marks[name] for owner in people for device in owner.devices if name in device.marks}
        if attributes != levels | marks:
            found.append(f"{name} has {attributes}, not {levels | marks}")
        wanted = {club(owner.number) for owner in people if owner.clubs.get(name)} | {f"of-{device}" for device in marks}
        if any(value >= LEVEL for value in levels.values()):
            wanted.add(HIGH)
        if segments != wanted:
            found.append(f"{name} is in {sorted(segments)}, not {sorted(wanted)}")
    for device in (device for owner in people for device in owner.devices if device.profile_id is None):
        own = [profiles[key] for key in homes if key in profiles and key.startswith("a") and key.endswith(f":{device.name}")]
        marks = {} if device.own is None else {device.name: device.own}
        if [attributes for attributes, _ in own] != [marks]:
            found.append(f"{device} has {own}")
    return found
