"""`clarion explain` prints what happened so that people can read it, and nothing that came from outside can steer their terminal."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import pytest
from tests.cli.conftest import Cli, FakeServer
from tests.control.shop import HOUR, NOON, SECOND, Shop
from tests.e2e.engines import ENGINES

from clarion.config import load_settings
from clarion.domain.ids import run_id
from clarion.stores import open_store

CART = """
workflow: cart
start:
  on: [{event: add_to_cart, where: {all: [{field: event.price, op: gte, value: 20}]}}]
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: Hi, message: You, url: "https://shop.example/"}}
"""

Result = TypeVar("Result")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at(data: Path, work: Callable[[Shop], Awaitable[Result]]) -> Result:
    """Do something with the directory's site, as a running server would."""

    async def run() -> Result:
        store = open_store(load_settings(data, os.environ))
        await store.open()
        try:
            return await work(Shop(store, (await store.configuration()).sites[0]))
        finally:
            await store.close()

    return asyncio.run(run())


async def a_day(shop: Shop) -> dict[str, str]:
    """One message sent, one event refused."""
    await shop.register("phone", "ann")
    await shop.publish(CART)
    cheap = await shop.send("add_to_cart", "ann", price=12.5)
    shop.now += SECOND
    start = await shop.send("add_to_cart", "ann", price=25)
    shop.now += HOUR
    await shop.apply()
    shop.now += SECOND
    await shop.deliver()
    return {"cheap": cheap, "start": start, "run": run_id(shop.site.id, "cart", start, None)}


def test_an_event_is_explained(cli: Cli, data: Path) -> None:
    ids = at(data, a_day)
    assert cli("explain", ids["cheap"], "--data", data).out == (
        f"event add_to_cart ({ids['cheap']}) of profile ann, taken at 2026-05-01T12:00:00.000Z\n"
        '  {"price":12.5}\n'
        "  concerned 2 workflows, started 1 run and did something in 1 run\n"
        "  cart v1: not started: start.on[0].where.all[0]: event.price gte 20 — saw 12.5\n"
        f"  welcome v1: started run {run_id(1, 'welcome', ids['cheap'], None)}\n"
        f"  welcome v1, run {run_id(1, 'welcome', ids['cheap'], None)}, step pause: waits until 2026-05-01T12:00:10.000Z\n"
    )
    view = cli("explain", ids["cheap"], "--data", data, "--json").json
    [cart, _] = view["inputs"][0]["verdicts"]
    assert (cart["verdict"], cart["version"], cart["run_id"]) == ("where", 1, None)
    assert cart["rows"] == [
        {
            "path": "start.on[0].where.all[0]",
            "field": "event.price",
            "op": "gte",
            "expected": 20,
            "compared": None,
            "saw": 12.5,
            "ok": False,
            "decisive": True,
            "sentence": "start.on[0].where.all[0]: event.price gte 20 — saw 12.5",
        }
    ]


def test_a_run_is_explained(cli: Cli, data: Path) -> None:
    ids = at(data, a_day)
    assert cli("explain", "--run", ids["run"], "--data", data).out == (
        f"run {ids['run']} of cart v1, profile ann\n"
        f"  started at 2026-05-01T12:00:01.000Z by event add_to_cart ({ids['start']})\n"
        "  2026-05-01T12:00:01.000Z  hour: waits until 2026-05-01T13:00:01.000Z\n"
        "  2026-05-01T13:00:01.000Z  remind: sends a push\n"
        "  2026-05-01T13:00:01.000Z  remind: came to its end\n"
        "  cart v1, step remind: push to phone: sent at 2026-05-01T13:00:02.000Z\n"
        "    attempt at 2026-05-01T13:00:02.000Z: status 201, after 12ms\n"
        "  now: came to its end at 2026-05-01T13:00:01.000Z\n"
    )


def test_why_not_is_answered(cli: Cli, data: Path) -> None:
    ids = at(data, a_day)
    timeline = (
        f"2026-05-01T12:00:00.000Z  event add_to_cart ({ids['cheap']})\n"
        '  {"price":12.5}\n'
        "  cart v1: not started: start.on[0].where.all[0]: event.price gte 20 — saw 12.5\n"
        f"2026-05-01T12:00:01.000Z  event add_to_cart ({ids['start']})\n"
        '  {"price":25}\n'
        f"  cart v1: started run {ids['run']} (start.on[0].where.all[0]: event.price gte 20 — saw 25)\n"
        f"  cart v1, run {ids['run']}, step hour: waits until 2026-05-01T13:00:01.000Z\n"
        "2026-05-01T13:00:01.000Z  timer\n"
        f"  cart v1, run {ids['run']}, step remind: sends a push\n"
        f"  cart v1, run {ids['run']}, step remind: came to its end\n"
        "2026-05-01T13:00:01.000Z  cart v1, step remind: push to phone: sent at 2026-05-01T13:00:02.000Z\n"
    )
    answer = (
        "answer (sent): a message was sent at 2026-05-01T13:00:02.000Z (step remind); "
        f"run {ids['run']}, started at 2026-05-01T12:00:01.000Z, came to its end at 2026-05-01T13:00:01.000Z\n"
    )
    for named, who in ((("--profile", "ann"), "ann"), (("--subscriber", "phone"), "ann")):
        shown = cli("explain", *named, "--workflow", "cart", "--data", data)
        assert shown.out == f"profile {who} and workflow cart (active, v1), newest last\n{timeline}{answer}"
    never = cli("explain", "--profile", "bob", "--workflow", "cart", "--data", data)
    assert never.out == (
        "profile bob and workflow cart (active, v1), newest last\n"
        "answer (unknown_profile): nothing has ever come for this profile; the workflow listens for add_to_cart\n"
    )
    view = cli("explain", "--profile", "bob", "--workflow", "cart", "--data", data, "--json").json
    assert (view["conclusion"]["answer"], view["events"], view["items"]) == ("unknown_profile", ["add_to_cart"], [])


def test_a_timeline_is_shown_in_pages(cli: Cli, data: Path) -> None:
    ids = at(data, a_day)
    shown = cli("explain", "--profile", "ann", "--limit", "1", "--data", data)
    first, *_, last = shown.out.splitlines()
    assert first == "profile ann (subscribers phone), newest last"
    assert last.startswith(f"earlier: clarion explain --data {data} --profile ann --before ")
    earlier = last.split()[-2:]
    assert ids["cheap"] not in shown.out
    before = cli("explain", "--profile", "ann", *earlier, "--data", data).out
    assert (ids["cheap"] in before, ids["start"] in before) == (True, True)
    assert before.count("sends a push") == shown.out.count("sends a push")


@pytest.mark.parametrize(
    ("limit", "kinds"), [(1, ["timer"]), (2, ["event", "timer"]), (3, ["event", "event", "timer"]), (4, ["event", "event", "timer"])]
)
def test_what_an_answer_rests_on_is_shown_as_far_as_asked(cli: Cli, data: Path, limit: int, kinds: list[str]) -> None:
    at(data, a_day)
    asked = ("explain", "--profile", "ann", "--workflow", "cart", "--data", data)
    view = cli(*asked, "--limit", limit, "--json").json
    assert [one["kind"] for one in view["items"]] == [*kinds, "delivery"]  # what was sent does not count
    assert {**view, "items": None} == {**cli(*asked, "--json").json, "items": None}


def test_a_line_whose_version_is_not_known_has_none(cli: Cli, server: FakeServer) -> None:
    reasons = [{"step": "a", "sentence": "said"}]
    runs = [{"run_id": "r", "workflow": "w", "version": version, "reasons": reasons} for version in (None, 2)]
    server.say("GET", f"/api/v1/profiles/p/timeline?{urlencode({'limit': 50})}", {"items": [{"at": NOON, "kind": "timer", "runs": runs}]})
    shown = cli("explain", "--profile", "p", "--server", server.url, "--key", "k").out
    assert shown.splitlines()[2:] == ["  w, run r, step a: said", "  w v2, run r, step a: said"]


def test_what_is_not_known_is_told(cli: Cli, data: Path) -> None:
    waiting = at(data, lambda shop: shop.accept("go", "ann"))
    for arguments, message in (
        ((waiting,), f"event {waiting} was accepted and waits for the engine to take it"),
        (("nothing",), "no event nothing is known"),
        (("--run", "nothing"), "there is no run nothing"),
        (("--profile", "nobody"), "there is no such profile"),
        (("--subscriber", "nobody"), "there is no such subscriber"),
    ):
        failed = cli("explain", *arguments, "--data", data)
        assert (failed.code, failed.out) == (1, "")
        assert failed.err.startswith(f"error: {message}")
        assert failed.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("e", "--run", "r"), ("--profile", "p", "--subscriber", "s"), ("e", "--workflow", "w")])
def test_exactly_one_thing_has_to_be_named(cli: Cli, data: Path, arguments: tuple[str, ...]) -> None:
    failed = cli("explain", *arguments, "--data", data)
    assert (failed.code, failed.out) == (2, "")
    assert " — " in failed.err


HOSTILE = "\x1b[31m\u202e[bold red]x[/]\r\n\x9b2J"


def test_names_from_outside_do_nothing_to_a_terminal(cli: Cli, data: Path, server: FakeServer) -> None:
    async def hostile(shop: Shop) -> str:
        listener = {"event": HOSTILE, "where": {"field": "event.x", "op": "eq", "value": HOSTILE}}
        await shop.publish(json.dumps({"workflow": "cart", "start": {"on": [listener]}, "steps": []}))
        return await shop.send(HOSTILE, HOSTILE, x=f"{HOSTILE}!")

    id = at(data, hostile)
    said = cli("explain", id, "--data", data).out
    said += cli("explain", "--profile", HOSTILE, "--data", data).out
    said += cli("explain", "--profile", HOSTILE, "--workflow", "cart", "--data", data).out
    said += cli("profiles", "show", HOSTILE, "--data", data).out
    # also from a server that would have it so
    conclusion = {"answer": HOSTILE, "sentence": HOSTILE, "because": [HOSTILE]}
    items = [{"at": 1, "kind": "event", "name": HOSTILE, "id": HOSTILE, "verdicts": [{"workflow": HOSTILE, "sentence": HOSTILE}]}]
    server.say("GET", "/api/v1/profiles/p/workflows/w/explanation", {"conclusion": conclusion, "items": items, "status": HOSTILE})
    said += cli("explain", "--profile", "p", "--workflow", "w", "--server", server.url, "--key", "k").out
    assert "[bold red]x[/]" in said
    assert all(line.isprintable() for line in said.split("\n"))


def test_a_server_is_asked_the_same(cli: Cli, server: FakeServer) -> None:
    remote = ("--server", server.url, "--key", "k")
    event = {"event_id": "e/1", "event_name": "go", "status": "nothing", "sentence": "said", "at": NOON, "inputs": [], "deliveries": []}
    server.say("GET", "/api/v1/events/e%2F1/explanation", event)
    assert cli("explain", "e/1", *remote).out == "event go (e/1) of a profile, taken at 2026-05-01T12:00:00.000Z\n  said\n"
    server.say("GET", "/api/v1/runs/r/history", {"run_id": "r", "workflow": "w", "version": 1, "history": [], "deliveries": []})
    assert cli("explain", "--run", "r", *remote).code == 0
    server.say("GET", f"/api/v1/profiles/a%2Fb/timeline?{urlencode({'limit': 50})}", {"profile_id": "a/b", "items": []})
    assert cli("explain", "--profile", "a/b", *remote).out == "profile a/b, newest last\nnothing is recorded\n"
    asked = urlencode({"workflow": "w", "limit": 7, "before": "9.1.7"})
    server.say("GET", f"/api/v1/subscribers/d/timeline?{asked}", {"items": []})
    assert cli("explain", "--subscriber", "d", "--workflow", "w", "--limit", 7, "--before", "9.1.7", *remote).code == 0
    server.say("GET", f"/api/v1/subscribers/d/timeline?{asked}", {"devices": ["d d"], "workflow": "w", "before": "8.1.7"})
    earlier = cli("explain", "--subscriber", "d", "--workflow", "w", "--limit", 7, "--before", "9.1.7", *remote).out.splitlines()[-1]
    assert earlier == f"earlier: clarion explain --server {server.url} --workflow w --subscriber 'd d' --before 8.1.7"
    server.say("GET", "/api/v1/subscribers/d/workflows/w/explanation", {"workflow": "w", "items": []})
    assert cli("explain", "--device", "d", "--workflow", "w", *remote).out == "profile (anonymous) and workflow w (unknown), newest last\n"
    missing = FakeServer.error(404, "Not found.", 1004, ("no event e is known", ["event"]))
    server.answers["GET", "/api/v1/events/e/explanation"] = (404, missing, {})
    failed = cli("explain", "e", *remote)
    assert (failed.code, failed.err.startswith("error: no event e is known (HTTP 404)")) == (1, True)
