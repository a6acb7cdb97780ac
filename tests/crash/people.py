"""People who get names, change them and log out while events about them stream in, and what that has to come to."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.crash.hall import Arrivals, Caller

from clarion.domain.ids import anonymous_profile, effect_id, is_anonymous, lone_subscriber, named_profile, run_id
from clarion.store.records.bodies import SubscriberPut

NAMES: Final = ("ann", "bob", "cid", "dee")
"""Few, so that each has several devices whose anonymous profiles become part of it at a time."""
CALLERS: Final = 4
DEVICES: Final = 3
"""Of each caller: what becomes of one device is asked for one after the other."""
VISIT: Final = "visit"
MARK: Final = "mark"
STEPS: Final = ("before", "after")
HIGH: Final = "high"
"""A dynamic segment: somebody has said a level of at least LEVEL."""
LEVEL: Final = 60


def level(caller: int) -> str:
    """Name of the attribute that a caller sets."""
    return f"level_{caller}"


def club(caller: int) -> str:
    """Name of the segment that a caller puts profiles into, and takes them out of."""
    return f"club-{caller}"


CONDITION: Final = {"any": [{"field": f"profile.{level(caller)}", "op": "gte", "value": LEVEL} for caller in range(CALLERS)]}


@dataclass
class Device:
    """A device and what is known to have become of it, as the only one who changes it knows."""

    name: str
    profile_id: str | None = None
    own: int | None = None
    """The latest mark of its anonymous profile."""
    marks: dict[str, int] = field(default_factory=dict)
    """By profile_id: its mark there."""
    joins: int = 0
    logouts: int = 0
    unsure: int = 0
    """Logouts that were asked for again, and may have happened twice."""

    def mark(self, n: int) -> None:
        if self.profile_id is None:
            self.own = n
        else:
            self.marks[self.profile_id] = n

    def join(self, profile_id: str) -> None:
        """What its anonymous profile has comes along, but what the named one has wins."""
        if profile_id == self.profile_id:
            return
        if self.profile_id is None and self.own is not None:
            self.marks.setdefault(profile_id, self.own)
        self.own = None
        self.profile_id = profile_id
        self.joins += 1

    def leave(self, unsure: int) -> None:
        self.profile_id = self.own = None
        self.logouts += 1
        self.unsure += unsure

    def put(self, arrivals: Arrivals) -> SubscriberPut:
        browser = arrivals.browser
        return SubscriberPut(self.name, arrivals.endpoint(self.name), browser.p256dh, browser.auth)


@dataclass
class Owner:
    """One caller: its devices, and what it has said last of each profile."""

    number: int
    devices: list[Device]
    visits: set[int] = field(default_factory=set)
    """Acknowledged."""
    levels: dict[str, int] = field(default_factory=dict)
    clubs: dict[str, bool] = field(default_factory=dict)

    async def act(self, caller: Caller, rng: random.Random, numbers: Iterator[int]) -> None:
        """Without end, one thing after the other, each until it is acknowledged."""
        for n in numbers:
            device, name = rng.choice(self.devices), rng.choice(NAMES)
            match rng.choice(("visit", "visit", "visit by name", "mark", "mark", "identify", "identify", "logout", "level", "club")):
                case "visit":
                    await self._track(caller, VISIT, n, device_token_hash=device.name)
                    self.visits.add(n)
                case "visit by name":
                    await self._track(caller, VISIT, n, profile_id=name)
                    self.visits.add(n)
                case "mark":
                    await self._track(caller, MARK, n, device_token_hash=device.name)
                    device.mark(n)
                case "identify":
                    await caller.sure("POST", f"/subscribers/{device.name}/identify", {"profile_id": name})
                    device.join(name)
                case "logout":
                    await caller.sure("POST", f"/subscribers/{device.name}/logout", {})
                    device.leave(caller.repeated)
                case "level":
                    value = n % (2 * LEVEL)
                    await caller.sure("PATCH", f"/profiles/{name}/attributes", {level(self.number): value})
                    self.levels[name] = value
                case "club":
                    enters = rng.random() < 0.6
                    await caller.sure("POST", f"/profiles/{name}/segments", {"add" if enters else "remove": [club(self.number)]})
                    self.clubs[name] = enters

    @staticmethod
    async def _track(caller: Caller, event: str, n: int, **whom: str) -> None:
        data = {"n": n, "device": whom.get("device_token_hash", "")}
        await caller.sure("POST", "/events", {"event_name": event, "event_id": f"e{n}", "data": data, **whom})


def owners() -> list[Owner]:
    return [Owner(number, [Device(f"device-{number}-{one}") for one in range(DEVICES)]) for number in range(CALLERS)]


def numbers() -> Iterator[int]:
    """Of all that is done, by whomever."""
    return itertools.count(1)


def documents(url: str, owners: list[Owner]) -> list[dict[str, Any]]:
    """The workflows; what they send goes to `url`."""

    def http(step: str, about: str) -> dict[str, Any]:
        return {"id": step, "http": {"url": url, "body": {"about": about, "step": step}}}

    before, after = (http(step, "{{ n }}") for step in STEPS)
    return [
        {
            "workflow": VISIT,
            "start": {"on": [{"event": VISIT}], "key": "event.n"},
            "steps": [before, {"id": "pause", "wait": {"for": "1s"}}, after],
        },
        {
            "workflow": "greet",
            "start": {"on": [{"event": "PushEngage.Subscriber.Identify"}], "while_running": "parallel"},
            "steps": [http("hello", "{{ profile.id }}")],
        },
        *(
            {
                "workflow": f"mark-{device.name}",
                "start": {
                    "on": [{"event": MARK, "where": {"field": "event.device", "op": "eq", "value": device.name}}],
                    "while_running": "parallel",
                },
                "steps": [
                    {"id": "write", "update": {"set": {device.name: "{{ n }}"}}},
                    {"id": "enter", "segment": {"add": f"of-{device.name}"}},
                ],
            }
            for owner in owners
            for device in owner.devices
        ),
    ]


def wanted_effects(site: int, event: str, n: int) -> tuple[str, set[str]]:
    """The run that a visit has to lead to, and its effects."""
    run = run_id(site, VISIT, event, str(n))
    return run, {effect_id(run, step, 1) for step in STEPS}


def belongs(device: Device, profile: str, logouts: int) -> bool:
    """Whether a device may belong to a profile, after so many logouts."""
    if not device.logouts <= logouts <= device.logouts + device.unsure:
        return False
    if device.profile_id is not None:
        return profile == named_profile(device.profile_id)
    return is_anonymous(profile) and lone_subscriber(profile) == device.name and profile == anonymous_profile(device.name, logouts)
