"""Broadcasts: who gets one, who does not, when, and never twice, whatever happens on the way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.delivery.receiver import Received, Receiver, receiving
from tests.e2e import engines
from tests.e2e.conftest import Start
from tests.e2e.engines import forget_nodes
from tests.e2e.server import Api, eventually, unique
from tests.e2e.shop import CREATED, Device
from tests.e2e.test_people import PUSH, change, listed

CROWD = 60
AT_ONCE = 8
"""Pushes on their way at a time, where a test says so: what a sender has taken up may go out also when there is a pause meanwhile."""
SOME = 10
"""Pushes that have gone out when something happens."""


class Crowd:
    """Many people with a device each, at one push service."""

    def __init__(self, service: Receiver, tag: str) -> None:
        self.service, self.tag = service, tag
        self.people: dict[str, Device] = {}
        self.held = asyncio.Event()
        """Until it is set, only SOME requests are answered."""
        self.held.set()
        self.passed = 0
        """Pushes that were sent beside a broadcast."""
        service.answer = self._answer

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if len(self.service.requests) > SOME:
            await self.held.wait()
        await CREATED(request, writer)

    async def join(self, api: Api, number: int, **fields: object) -> list[str]:
        """So many more people; returns them. They are in the segment of the crowd's tag."""
        new = {f"{self.tag}-{len(self.people) + n}": Device(self.service) for n in range(number)}
        self.people |= new
        for person, phone in new.items():
            keys = {"p256dh": phone.browser.p256dh, "auth": phone.browser.auth}
            body = {"subscription": {"endpoint": phone.endpoint, "keys": keys}, "profile_id": person, "segments": [self.tag], **fields}
            await change(api, "POST", "/subscribers", body)
        await eventually(lambda: self.reachable(api), lambda seen: new.keys() <= seen)
        return list(new)

    async def reachable(self, api: Api) -> set[str]:
        """Those whose subscription is with their profile."""
        found: set[str] = set()
        cursor = ""
        while True:
            page = await api.get(f"/subscribers?segment={self.tag}&active=true&limit=1000{cursor}")
            found |= {row["profile_id"] for row in page["subscribers"]}
            if page["cursor"] is None:
                return found
            cursor = f"&cursor={page['cursor']}"

    def got(self) -> Counter[str]:
        """How many pushes came for each."""
        owners = {phone.path: person for person, phone in self.people.items()}
        return Counter(owners[request.path] for request in self.service.requests)


@asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    """Nobody yet."""
    async with receiving(CREATED) as service:
        yield Crowd(service, unique("crowd"))


async def send(api: Api, to: object, **more: object) -> str:
    """Send a broadcast; returns its id."""
    said = await change(api, "POST", "/broadcasts", {"push": PUSH, "to": to} | more)
    id: str = said["broadcast_id"]
    return id


async def until(api: Api, id: str, status: str) -> Any:
    """The broadcast once it stands so."""
    return await eventually(lambda: api.get(f"/broadcasts/{id}"), lambda seen: seen["status"] == status)


async def send_some(api: Api, people: Crowd) -> str:
    """Send a broadcast to all; returns its id once SOME have it and others are on their way, which the push service does not answer."""
    people.held = asyncio.Event()
    id = await send(api, "everybody")
    await people.service.wait_for(SOME + 1)
    return id


async def pass_by(api: Api, people: Crowd, person: str) -> int:
    """Let go what is on its way, and then another push that nothing holds; returns how many of the others have come out."""
    await api.place(*people.people)  # what was asked for is applied
    people.held.set()
    people.passed += 1
    last = await send(api, {"profile_id": person}, push={**PUSH, "title": "other"})
    await until(api, last, "sent")
    await eventually(lambda: api.get(f"/broadcasts/{last}"), lambda seen: counts(seen)["push", "sent"] == 1)
    return people.got().total() - people.passed


def counts(shown: Any) -> Counter[tuple[str, str]]:
    """What was counted of a broadcast, by step and name."""
    return Counter({(row["step"], row["name"]): row["count"] for row in shown["counters"]})


async def all_counted(api: Api, id: str, number: int = CROWD) -> None:
    """The broadcast is through, also where nobody lives whom it is for, and each of so many people was counted once."""
    shown = await eventually(
        lambda: api.get(f"/broadcasts/{id}"), lambda seen: seen["status"] == "sent" and counts(seen)["push", "sent"] >= number
    )
    expected = {("", "started"): number, ("", "completed"): number}
    expected |= {("push", name): number for name in ("entered", "left", "sent")}
    assert {one: count for one, count in counts(shown).items() if one[0] != "when"} == expected
    assert set(shown["progress"].values()) == {0}


async def test_those_who_are_addressed_get_it_once(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        germans = await people.join(api, 3, country="DE", attributes={"points": 7})
        others = await people.join(api, 3, country="AT")
        single = await server.run("profiles", "show", others[0])
        [hashed] = [row["device_token_hash"] for row in single["subscribers"]]
        audience = {
            "all": [{"field": "subscriber.country", "op": "eq", "value": "DE"}, {"field": "profile.points", "op": "gt", "value": 6}]
        }
        expected: Counter[str] = Counter()
        for to, reached in (
            ("everybody", germans + others),
            ({"segment": people.tag}, germans + others),
            ({"segment": "nobody"}, []),
            ({"audience": audience}, germans),
            ({"profile_id": germans[0]}, germans[:1]),
            ({"device_token_hash": hashed}, others[:1]),
        ):
            id = await send(api, to)
            expected.update(reached)
            await people.service.wait_for(expected.total())
            shown = await until(api, id, "sent")
            assert (people.got(), shown["push"]) == (expected, PUSH), to
        payloads = [phone.read(one)["id"] for phone in people.people.values() for one in phone.received]
        assert len(payloads) == len(set(payloads)), "each push has an id of its own"
        listed = await server.run("broadcasts", "list")
        assert len(listed["broadcasts"]) == 6
        assert [row["workflow"] for row in (await api.get("/workflows"))["workflows"]] == ["welcome"], (
            "a broadcast is none of the site's own"
        )


async def test_the_same_request_again_is_the_same_broadcast(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        await people.join(api, 4)
        key = unique("sale")
        async with server.api() as second, server.api() as third:
            at_once = await asyncio.gather(*(send(one, "everybody", broadcast_id=key) for one in (api, second, third)))
        ids = {*at_once, await send(api, "everybody", broadcast_id=key)}
        assert len(ids) == 1
        answer = await api.ask("POST", "/broadcasts", {"push": PUSH, "to": {"segment": people.tag}, "broadcast_id": key})
        assert answer.status == 409, answer
        await people.service.wait_for(4)
        await until(api, ids.pop(), "sent")
        await send(api, "everybody")
        await people.service.wait_for(8)
        assert set(people.got().values()) == {2}


async def test_one_id_is_one_broadcast_to_whom_it_was_first_for_however_late_it_is_repeated(start: Start) -> None:
    server, key = start(), unique("sale")
    async with crowd() as people:
        async with server.api() as api:
            ann, bob = await people.join(api, 2)
            to: dict[str, object] = {"profile_id": ann}
            id = await send(api, to, broadcast_id=key)
            await people.service.wait_for(1)
            assert (await api.get(f"/broadcasts/{id}"))["to"] == "person"
            for other in ({"profile_id": bob}, {"device_token_hash": "d" * 64}, {"segment": people.tag}, "everybody"):
                assert (await api.ask("POST", "/broadcasts", {"to": other, "push": PUSH, "broadcast_id": key})).status == 409
            everybody = await send(api, "everybody", broadcast_id=f"{key}-2")
            await people.service.wait_for(3)
            assert (await api.get(f"/broadcasts/{everybody}"))["to"] == "everybody"
        # what is remembered of the ids of events goes after two days; a broadcast does not
        server.stop()
        await engines.change(server, "DELETE FROM event_ids")
        server.start()
        async with server.api() as api:
            await people.join(api, 1)
            assert [await send(api, to, broadcast_id=key), await send(api, "everybody", broadcast_id=f"{key}-2")] == [id, everybody]
            await pass_by(api, people, bob)
            assert people.got() == {ann: 2, bob: 2}


async def test_membership_is_that_of_the_moment_at_which_it_was_sent(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        there = await people.join(api, CROWD)
        left, logged_out = there[-20:], there[:1]
        await change(api, "POST", f"/profiles/{left[0]}/segments", {"remove": [people.tag]})
        id = await send(api, {"segment": people.tag})
        # whatever comes after it, on all sides of where it may have got to
        for person in left[1:]:
            await change(api, "POST", f"/profiles/{person}/segments", {"remove": [people.tag]})
        # from both ends of the order in which the profiles are gone through
        for person in ("!" + unique("new"), "~" + unique("new")):
            phone = Device(people.service)
            people.people[person] = phone
            keys = {"p256dh": phone.browser.p256dh, "auth": phone.browser.auth}
            body = {"subscription": {"endpoint": phone.endpoint, "keys": keys}, "profile_id": person, "segments": [people.tag]}
            await change(api, "POST", "/subscribers", body)
        await people.service.wait_for(CROWD - 1)
        await until(api, id, "sent")
        assert people.got() == Counter(set(there) - {left[0]})
        assert logged_out[0] in people.got()


async def test_it_is_paused_while_it_is_sent_and_goes_on(start: Start) -> None:
    server = start(delivery_concurrency=str(AT_ONCE), delivery_per_host=str(AT_ONCE))
    async with crowd() as people:
        async with server.api() as api:
            there = await people.join(api, CROWD)
            id = await send_some(api, people)
            assert (await change(api, "POST", f"/broadcasts/{id}/pause", {}))["status"] == "paused"
            on_their_way = await pass_by(api, people, there[0])
            assert on_their_way <= SOME + AT_ONCE, "more than what was on its way"
            shown = await eventually(lambda: api.get(f"/broadcasts/{id}"), lambda seen: counts(seen)["push", "sent"] >= on_their_way)
            assert (shown["status"], counts(shown)["push", "sent"]) == ("paused", on_their_way)
            # whatever is started anew meanwhile
            server.stop()
            server.start()
        async with server.api() as api:
            assert (await api.get(f"/broadcasts/{id}"))["status"] == "paused"
            assert await pass_by(api, people, there[0]) == on_their_way
            shown = await server.run("broadcasts", "resume", id)
            assert shown["status"] in {"sending", "scheduled", "sent"}
            await people.service.wait_for(CROWD + 2)
            await all_counted(api, id)
            assert people.got() == Counter(there) + Counter(there[:1] * 2)


async def test_it_is_paused_before_its_time_and_goes_on_after_it(start: Start) -> None:
    server = start()
    async with crowd() as people:
        async with server.api() as api:
            there = await people.join(api, CROWD)
            due = datetime.now(UTC) + timedelta(seconds=4)
            id = await send(api, "everybody", at=due.isoformat())
            await until(api, id, "scheduled")
            assert (await change(api, "POST", f"/broadcasts/{id}/pause", {}))["status"] == "paused"
            await api.place(*there)
            assert datetime.now(UTC) < due, "its time was over before the pause"
            server.kill()
        await forget_nodes(server)
        server.start()
        async with server.api() as api:
            # a push that goes out after that time, and those that were due before would have been there
            await until(api, await send(api, {"profile_id": there[0]}, at=due.isoformat()), "sent")
            await people.service.wait_for(1)
            shown = await api.get(f"/broadcasts/{id}")
            assert (shown["status"], shown["progress"]["in_flight"]) == ("paused", CROWD)
            assert (counts(shown)["", "started"], counts(shown)["push", "entered"]) == (CROWD, 0)
            for change_to in ("resume", "pause", "resume"):
                await change(api, "POST", f"/broadcasts/{id}/{change_to}", {})
            await all_counted(api, id)
            assert people.got() == Counter(there) + Counter(there[:1])


async def test_what_is_stopped_is_over(start: Start) -> None:
    server = start(delivery_concurrency=str(AT_ONCE), delivery_per_host=str(AT_ONCE))
    async with server.api() as api, crowd() as people:
        there = await people.join(api, CROWD)
        id = await send_some(api, people)
        assert (await change(api, "POST", f"/broadcasts/{id}/stop", {}))["status"] == "stopped"
        await pass_by(api, people, there[0])
        for change_to in ("resume", "pause"):
            answer = await api.ask("POST", f"/broadcasts/{id}/{change_to}", {})
            assert answer.status == 409, (change_to, answer)
        ended = await eventually(
            lambda: api.get(f"/broadcasts/{id}"), lambda seen: counts(seen)["push", "sent"] + counts(seen)["push", "stale"] == CROWD
        )
        sent = counts(ended)["push", "sent"]
        assert (ended["status"], ended["progress"]["in_flight"]) == ("stopped", 0)
        assert SOME <= sent <= SOME + AT_ONCE, "more than what was on its way"
        statuses = Counter([row["status"] for person in there for row in (await api.profile(person))["deliveries"]])
        assert statuses == Counter(sent=sent + 1, stale=CROWD - sent)
        assert people.got().total() == sent + 1
        assert max((people.got() - Counter(there[:1])).values()) == 1, "nobody gets it twice"


async def test_it_goes_on_after_a_power_cut(start: Start) -> None:
    server = start(delivery_concurrency=str(AT_ONCE), delivery_per_host=str(AT_ONCE))
    async with crowd() as people:
        async with server.api() as api:
            there = await people.join(api, CROWD)
            id = await send(api, "everybody")
            await people.service.wait_for(AT_ONCE)
            server.kill()
        await forget_nodes(server)
        server.start()
        async with server.api() as api:
            await until(api, id, "sent")
            await eventually(lambda: asyncio.sleep(0, people.got().keys()), lambda seen: seen == set(there))
    ids = {person: {phone.read(one)["id"] for one in phone.received} for person, phone in people.people.items()}
    assert all(len(one) == 1 for one in ids.values()), "what was sent again has the same id"
    twice = sum(count > 1 for count in people.got().values())
    assert twice <= 2 * AT_ONCE, "only what was on its way may have gone out again"


async def test_a_power_cut_right_behind_the_answer_loses_nothing_of_it(start: Start) -> None:
    server, key = start(), unique("sale")
    async with crowd() as people:
        async with server.api() as api:
            there = await people.join(api, 4)
            id = await send(api, "everybody", broadcast_id=key)
            server.kill()
        await forget_nodes(server)
        server.start()
        async with server.api() as api:
            await all_counted(api, id, 4)
            assert await send(api, "everybody", broadcast_id=key) == id
            await pass_by(api, people, there[0])
            assert people.got().keys() == set(there)
            await all_counted(api, id, 4)


async def test_they_are_listed_page_by_page(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        [ann] = await people.join(api, 1)
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        ids = [await send(api, "everybody", at=later) for _ in range(5)]
        for id in ids:
            await until(api, id, "scheduled")
        await change(api, "POST", f"/broadcasts/{ids[1]}/stop", {})
        await eventually(lambda: api.get(f"/broadcasts/{ids[1]}"), lambda seen: seen["progress"]["in_flight"] == 0)
        await change(api, "POST", f"/broadcasts/{ids[0]}/pause", {})
        rows = await listed(api, "broadcasts", "")
        assert [row["broadcast_id"] for row in rows] == [ids[0], ids[1], *reversed(ids[2:])], "those that were changed last come first"
        assert [row["status"] for row in rows] == ["paused", "stopped", *["scheduled"] * 3]
        assert [row["progress"]["in_flight"] for row in rows] == [1, 0, 1, 1, 1]
        assert (await api.ask("GET", "/broadcasts?cursor=nonsense")).status == 400
        assert (await api.ask("GET", "/broadcasts?limit=101")).status == 400
        assert len((await api.get("/broadcasts?limit=100"))["broadcasts"]) == 5
        assert people.got()[ann] == 0


async def test_a_time_to_come_is_waited_for_and_one_that_has_passed_is_not(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        # it is 20 hours later in Kiritimati than in Honolulu all year round: of one local time, one has passed and one is to come
        [east] = await people.join(api, 1, timezone="Pacific/Kiritimati")
        [west] = await people.join(api, 1, timezone="Pacific/Honolulu")
        local = (datetime.now(UTC) + timedelta(hours=2)).replace(tzinfo=None).isoformat(timespec="seconds")
        id = await send(api, "everybody", at=local, timezone="subscriber")
        await people.service.wait_for(1)
        await until(api, id, "scheduled")
        [run] = (await api.profile_when(west, lambda seen: seen["runs"]))["runs"]
        assert people.got() == {east: 1}
        due = datetime.fromisoformat(local + "-10:00")
        assert run["due"] == int(due.timestamp()) * 1_000_000
        # soon, everywhere at once
        soon = datetime.now(UTC) + timedelta(seconds=1)
        await send(api, "everybody", at=soon.isoformat())
        await people.service.wait_for(3)
        assert datetime.now(UTC) >= soon
        assert people.got() == {east: 2, west: 1}


async def test_caps_hold_for_broadcasts_unless_they_are_transactional(start: Start) -> None:
    server = start()
    async with server.api() as api, crowd() as people:
        await change(api, "PATCH", "/site", {"frequency_cap": {"pushes": 1, "per": "1d"}})
        [ann] = await people.join(api, 1)
        await until(api, await send(api, "everybody"), "sent")
        capped = await until(api, await send(api, "everybody"), "sent")
        path = f"/broadcasts/{capped['broadcast_id']}"
        await eventually(lambda: api.get(path), lambda shown: "capped" in json.dumps(shown["counters"]))
        await send(api, "everybody", transactional=True, name="Your order")
        await people.service.wait_for(2)
        assert people.got() == {ann: 2}
