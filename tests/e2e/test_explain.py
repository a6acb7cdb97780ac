"""Why somebody did not get a message, asked of a real server: also, and above all, where no run ever started."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from tests.e2e.server import Api, Server, eventually, unique

PUSH = {"id": "push", "push": {"title": "t", "message": "m", "url": "https://shop.example/"}}
HOUR = {"id": "hour", "wait": {"for": "1h"}}


class Case:
    """A workflow of a test's own, an event that starts it, and a person."""

    def __init__(self, server: Server, api: Api) -> None:
        self.server, self.api = server, api
        self.slug, self.event, self.person = unique("w"), unique("go"), unique("ann")

    async def publish(self, steps: list[Any] | None = None, where: object = None, **start: object) -> None:
        listener = {"event": self.event} | ({} if where is None else {"where": where})
        steps = [HOUR] if steps is None else steps
        await self.server.apply({"workflow": self.slug, "start": {"on": [listener], **start}, "steps": steps})

    async def change(self, change: str) -> None:
        answer = await self.api.ask("POST", f"/workflows/{self.slug}/{change}", {})
        assert answer.status == 200, answer
        await self.api.place(self.person)

    async def send(self, **fields: Any) -> str:
        """Send the event; returns its id in the log."""
        about = {"profile_id": self.person} | fields
        await self.api.accept(self.event, **about)
        await self.api.place(*filter(None, [about["profile_id"]]), device=about.get("device_token_hash"))
        [*_, mine] = [event for event in (await self.api.get("/log?limit=100"))["events"] if event["event_name"] == self.event]
        return str(mine["event_id"])

    async def conclusion(self, person: str | None = None) -> Any:
        answer = await self.api.get(f"/profiles/{quote(person or self.person, safe='')}/workflows/{self.slug}/explanation")
        return answer["conclusion"]


@pytest.fixture
def case(server: Server, api: Api) -> Case:
    return Case(server, api)


async def refused(case: Case, verdict: str, sentence: str) -> None:
    """The last event was refused: over all three ways of asking."""
    id = await case.send()
    conclusion = await case.conclusion()
    assert (conclusion["answer"], conclusion["event_id"], conclusion["verdict"]["verdict"]) == ("refused", id, verdict)
    assert sentence in conclusion["sentence"]
    explained = await case.api.get(f"/events/{id}/explanation")
    [told] = [one for given in explained["inputs"] for one in given["verdicts"] if one["workflow"] == case.slug]
    assert told == conclusion["verdict"]
    timeline = await case.api.get(f"/profiles/{case.person}/timeline?workflow={case.slug}")
    assert timeline["items"][-1]["verdicts"] == [told]


async def test_where(case: Case) -> None:
    await case.publish(where={"all": [{"field": "event.a", "op": "not_exists"}, {"field": "event.price", "op": "gte", "value": 20}]})
    await refused(case, "where", "start.on[0].where.all[1]: event.price gte 20 — the field is missing")


async def test_audience(case: Case) -> None:
    await case.publish(audience={"any": [{"field": "segments", "op": "in", "value": ["vip"]}]})
    await refused(case, "audience", 'start.audience.any[0]: segments in ["vip"] — saw []')


async def test_no_key(case: Case) -> None:
    await case.publish(key="event.cart_id")
    await refused(case, "no_key", "the key event.cart_id is missing (start.key)")


async def test_not_again(case: Case) -> None:
    await case.publish(steps=[], again={"after": "24h"})
    await case.send()
    await refused(case, "not_again", "and may start again from ")


async def test_too_old(case: Case) -> None:
    await case.publish(max_age="1ms")
    id = await case.send(timestamp="2020-01-01T00:00:00Z")
    conclusion = await case.conclusion()
    assert (conclusion["answer"], conclusion["event_id"]) == ("refused", id)
    assert "it happened at 2020-01-01T00:00:00.000Z, more than 1ms before 2" in conclusion["sentence"]


async def test_already_running(case: Case) -> None:
    await case.publish()
    first = await case.send()
    await case.send()
    conclusion = await case.conclusion()
    assert conclusion["answer"] == "waiting"
    assert f"run {conclusion['run_id']} has been under way since 2" in conclusion["because"][-1]
    history = await case.api.get(f"/runs/{conclusion['run_id']}/history")
    assert (history["entry_event_id"], history["workflow"], history["status"]) == (first, case.slug, "waiting")
    assert [line["what"] for line in history["history"]] == ["waiting"]


@pytest.mark.parametrize(("change", "verdict"), [("pause", "paused"), ("drain", "draining")])
async def test_paused_and_draining(case: Case, change: str, verdict: str) -> None:
    await case.publish()
    await case.change(change)
    await refused(case, verdict, f"the workflow was {verdict}")


async def test_archived(case: Case) -> None:
    await case.publish()
    await case.change("archive")
    id = await case.send()
    conclusion = await case.conclusion()
    assert (conclusion["answer"], conclusion["event_id"]) == ("archived", id)


async def test_hop_limit(case: Case) -> None:
    await case.publish([{"id": "again", "send_event": {"event": case.event}}], while_running="parallel")
    await case.send()

    async def ask() -> Any:
        return await case.conclusion()

    conclusion = await eventually(ask, lambda seen: seen["answer"] == "refused")
    assert conclusion["verdict"]["verdict"] == "hop_limit"


async def test_unknown_subscriber(case: Case) -> None:
    await case.publish()
    device = unique("nobody")
    id = await case.send(profile_id=None, device_token_hash=device)
    explained = await case.api.get(f"/events/{id}/explanation")
    assert [one["verdict"] for one in explained["inputs"][0]["verdicts"]] == ["unknown_subscriber"]
    answer = await case.api.get(f"/subscribers/{device}/workflows/{case.slug}/explanation")
    assert answer["conclusion"]["answer"] == "unknown_subscriber"


async def test_nothing_came_at_all(case: Case) -> None:
    assert (await case.conclusion())["answer"] == "unknown_workflow"
    await case.send()
    await case.publish()
    assert (await case.conclusion())["answer"] == "published_later"
    other = unique("bob")
    assert (await case.conclusion(other))["answer"] == "unknown_profile"
    await case.api.accept(unique("elsewhere"), profile_id=other)
    await case.api.place(other)
    assert await case.conclusion(other) == {
        "answer": "no_event",
        "sentence": f"no event that it listens for has come for this profile: {case.event}",
        "because": [],
        "event_id": None,
        "run_id": None,
        "verdict": None,
    }


async def test_a_draft(case: Case) -> None:
    document = f"workflow: {case.slug}\nstart: {{on: [{{event: {case.event}}}]}}\nsteps: []\n"
    saved = await case.api.ask("PUT", f"/workflows/{case.slug}/draft", document.encode(), content_type="application/yaml")
    assert saved.status == 200, saved
    await case.send()
    assert (await case.conclusion())["answer"] == "draft"


async def test_a_run_that_sent_nothing(case: Case) -> None:
    await case.publish([PUSH])
    await case.send()
    conclusion = await case.conclusion()
    assert conclusion["answer"] == "ended"
    assert conclusion["because"][0].endswith("step push: no push: the profile has no active subscriber")


async def test_what_is_not_known_is_a_404_that_says_why(case: Case) -> None:
    for path, named, said in (
        (f"/events/{unique('e')}/explanation", "event", "is known"),
        (f"/events/{'0' * 32}/explanation", "event", "is known"),
        (f"/runs/{unique('r')}/history", "run", "there is no run"),
        (f"/profiles/{unique('p')}/timeline", "profile_id", "there is no such profile"),
        (f"/subscribers/{unique('d')}/timeline", "device_token_hash", "there is no such subscriber"),
    ):
        answer = await case.api.ask("GET", path)
        assert (answer.status, answer.json["error"]["code"], answer.json["error"]["message"]) == (404, 1004, "Not found.")
        [detail] = answer.json["error"]["details"]
        assert detail["path"] == [named]
        assert said in detail["message"]


async def test_names_may_hold_anything(case: Case) -> None:
    await case.publish()
    for person in ("a/b", "a/timeline", "a/workflows/x/explanation", "ä b?c&d%2F", "\x1b[31m"):
        named = unique(person) if not person.endswith(("timeline", "explanation")) else f"{unique('p')}/{person}"
        await case.send(profile_id=named)
        place = f"/profiles/{quote(named, safe='')}"
        assert (await case.api.get(place))["profile_id"] == named
        timeline = await case.api.get(f"{place}/timeline")
        assert (timeline["profile_id"], timeline["items"][0]["event"]["profile_id"]) == (named, named)
        assert (await case.conclusion(named))["answer"] == "waiting"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=-1", "before=1.5", "before=1.9.1"])
async def test_a_page_has_bounds(case: Case, query: str) -> None:
    answer = await case.api.ask("GET", f"/profiles/p/timeline?{query}")
    assert answer.status == 400
    assert answer.json["error"]["details"][0]["path"] == [query.partition("=")[0]]


async def test_reading_needs_a_key_with_its_scope(case: Case) -> None:
    events_only = (await case.server.run("keys", "create", "--name", unique("k"), "--scopes", "events"))["key"]
    async with case.server.api(events_only) as other:

        async def ask() -> int:
            return (await other.ask("GET", "/profiles/p/timeline")).status

        assert await eventually(ask, lambda status: status != 401) == 403
        for path in ("/events/e/explanation", "/runs/r/history", "/profiles/p/workflows/w/explanation", "/subscribers/d/timeline"):
            assert (await other.ask("GET", path)).status == 403


async def test_the_command_says_the_same_locally_and_over_http(case: Case) -> None:
    await case.publish(where={"field": "event.price", "op": "gte", "value": 20})
    await case.send(data={"price": 12.5})
    arguments = ("explain", "--profile", case.person, "--workflow", case.slug)
    local = await case.server.run(*arguments)
    assert local["conclusion"]["sentence"].endswith("did not start it: start.on[0].where: event.price gte 20 — saw 12.5")
    assert local == await case.api.get(f"/profiles/{case.person}/workflows/{case.slug}/explanation")
    timelines = [case.api.get(f"/profiles/{case.person}/timeline"), case.server.run("explain", "--profile", case.person)]
    one, other = await asyncio.gather(*timelines)
    assert one == other
