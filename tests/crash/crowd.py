"""A crowd that is sent a broadcast, some of whom change their minds while it is on its way, and what it has to come to."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.crash.hall import Arrivals, Caller, Hall

from clarion.domain.ids import (
    anonymous_profile,
    broadcast_workflow,
    caused_event_id,
    digest,
    effect_id,
    named_profile,
    partition_of_profile,
    run_id,
)
from clarion.store.records.bodies import SubscriberPut

RED, BLUE = "red", "blue"
PUSH: Final = {"title": "News", "message": "{{ team }}", "url": "https://shop.example/"}
AUDIENCE: Final = {"field": "profile.team", "op": "eq", "value": RED}
SEND: Final = {"push": PUSH, "to": {"audience": AUDIENCE}, "broadcast_id": "news"}


@dataclass(frozen=True)
class Member:
    """One of the crowd, with a device of its own."""

    number: int

    @property
    def device(self) -> str:
        return f"device-{self.number}"

    @property
    def profile_id(self) -> str | None:
        """Every fourth has no name."""
        return None if self.number % 4 == 0 else f"member-{self.number}"

    @property
    def profile(self) -> str:
        """Key of the profile."""
        return anonymous_profile(self.device) if self.profile_id is None else named_profile(self.profile_id)

    @property
    def team(self) -> str:
        """When the broadcast is asked for."""
        return BLUE if self.number % 3 == 0 else RED

    def put(self, arrivals: Arrivals) -> SubscriberPut:
        """Its registration."""
        browser = arrivals.browser
        return SubscriberPut(
            self.device, arrivals.endpoint(self.device), browser.p256dh, browser.auth, self.profile_id, attributes={"team": self.team}
        )


def crowd(count: int) -> list[Member]:
    return [Member(number) for number in range(count)]


def wanted(members: list[Member], hall: Hall, broadcast: str) -> dict[str, str]:
    """By device: the effect of the one push that it has to get."""
    slug = broadcast_workflow(broadcast)
    found = {}
    for one in members:
        if one.team == RED:
            entry = digest("broadcast", str(hall.site), broadcast, str(partition_of_profile(hall.site, one.profile, hall.partitions)))
            run = run_id(hall.site, slug, caused_event_id(entry, one.profile, 0), None)
            found[one.device] = effect_id(run, "push", 1)
    return found


async def change_minds(caller: Caller, members: list[Member], rng: random.Random, numbers: Iterator[int]) -> None:
    """Without end: somebody changes the team, logs out or comes anew, in turn; too late to matter."""
    named = [one for one in members if one.profile_id is not None]
    for number in numbers:
        one = rng.choice(named)
        other = RED if one.team == BLUE else BLUE
        await caller.sure("PATCH", f"/profiles/{one.profile_id}/attributes", {"team": other})
        await caller.sure("PATCH", f"/profiles/newcomer-{number}/attributes", {"team": RED})
        await caller.sure("POST", "/events", {"event_name": "visit", "device_token_hash": rng.choice(members).device})


def numbers() -> Iterator[int]:
    """Of newcomers."""
    return itertools.count()


async def problems(members: list[Member], hall: Hall, broadcast: str) -> list[str]:
    """All that does not add up, when everything is done."""
    effects, slug = wanted(members, hall, broadcast), broadcast_workflow(broadcast)
    found = []
    for device in sorted(effects.keys() | hall.arrivals.pushes.keys()):
        copies = hall.arrivals.pushes.get(device, [])
        if set(copies) != ({effects[device]} if device in effects else set()):
            found.append(f"{device} should have {effects.get(device)} and got {copies}")
    rows: list[tuple[Any, ...]] = await hall.look(f"SELECT subscriber, effect, status FROM deliveries WHERE workflow = '{slug}'")
    if sorted(rows) != sorted((device, effect, "sent") for device, effect in effects.items()):
        strays = {*rows} ^ {(device, effect, "sent") for device, effect in effects.items()}
        found.append(f"{len(rows)} deliveries, of which are doubled, missing, or not wanted: {sorted(strays)[:10]}")
    runs = await hall.look(f"SELECT status, count(*) FROM runs WHERE workflow = '{slug}' GROUP BY status")
    if runs != [("completed", len(effects))]:
        found.append(f"the runs are {runs}, not {len(effects)}")
    return found + await leftovers(hall)


async def leftovers(hall: Hall) -> list[str]:
    """What should not be there in the end."""
    books = await hall.glimpse()
    found = [f"set aside: {one}" for one in books.poisoned]
    if books.pending != (0, 0, 0):
        found.append(f"left in inbox, outbox, runs: {books.pending}")
    if sweeps := await hall.look("SELECT partition, id, cursor FROM sweeps"):
        found.append(f"not gone through: {sweeps}")
    for partition, sequences in books.sequences.items():
        if [sequence for sequence, _ in sequences] != list(range(sequences[0][0], sequences[0][0] + len(sequences))):
            found.append(f"the log of partition {partition} has gaps")
        if [at for _, at in sequences] != sorted(at for _, at in sequences):
            found.append(f"the log of partition {partition} goes back in time")
    return found
