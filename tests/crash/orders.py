"""The shop under test: its workflows, and exactly what an order has to lead to in each of them."""

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Final

from clarion.domain.ids import caused_event_id, delivery_id, digest, effect_id, run_id

EVENT: Final = "order"
PROFILES: Final = 8
"""Few, so that each has several runs at a time."""
DECLINED: Final = "/declined"
"""End of the address of a receiver that wants nothing: it answers 400."""
SHIPPED: Final = "shipped"
"""What a journey sends, and waits for."""
MILLIONTHS: Final = 1_000_000
"""What a value of one is counted as."""
SAME: Final = {"field": "event.n", "op": "eq", "value": {"from": "entry.n"}}
PAUSABLE: Final = ("patient", "notify")
"""Workflows that a test may pause: nothing else starts by what they do but receipts of what they sent."""

Transitions = tuple[tuple[str, str], ...]
"""(what, step) of every line of a run's history."""


@dataclass(frozen=True)
class Order:
    """An event that a client sends."""

    n: int
    wait: bool
    push: bool
    journey: bool
    by_device: bool
    """It names the profile's subscriber instead of the profile."""
    event_id: str | None
    batch: int | None = None
    """Number of the first order of the batch that it went out in."""

    @property
    def profile(self) -> str:
        return f"customer-{self.n % PROFILES}"

    @property
    def data(self) -> dict[str, Any]:
        return {"n": self.n, "wait": self.wait, "push": self.push, "journey": self.journey}

    @property
    def fields(self) -> dict[str, Any]:
        """The request body."""
        whom = {"device_token_hash": device(self.profile)} if self.by_device else {"profile_id": self.profile}
        fields = {"event_name": EVENT, **whom, "data": self.data}
        return fields if self.event_id is None else fields | {"event_id": self.event_id}


@dataclass(frozen=True)
class Effect:
    """What a step wants done, once."""

    id: str
    delivery: str
    step: str
    content: str
    """Of the request's body, or of the push's message: the same on every copy."""
    fate: str = "sent"
    """What the delivery ends as, and counts as."""


@dataclass(frozen=True)
class ExpectedRun:
    """A run from its start to its end."""

    id: str
    workflow: str
    transitions: Transitions
    effects: tuple[Effect, ...]
    counted: tuple[tuple[str, str, str], ...]
    """(step, name, branch) of the counters that it made grow by one, beside what became of its effects."""
    worth: tuple[tuple[tuple[str, str, str], int], ...] = ()
    """The counters that it made grow by an amount, in millionths."""


def device(profile: str) -> str:
    """The one subscriber that a profile has."""
    return f"device-of-{profile}"


def documents(url: str) -> list[dict[str, Any]]:
    """The workflows; what they send goes to `url`."""

    def http(step: str, field: str = "n", to: str = "") -> dict[str, Any]:
        return {"id": step, "http": {"url": url + to, "body": {"about": f"{{{{ {field} }}}}", "step": step}}}

    def start(field: str) -> dict[str, Any]:
        wanted = {"all": [{"field": f"event.{field}", "op": "eq", "value": True}]}
        return {"on": [{"event": EVENT, "where": wanted}], "key": "event.n"}

    text = {"title": "Order", "message": "{{ n }}", "url": "https://shop.example/"}
    return [
        {"workflow": "direct", "start": {"on": [{"event": EVENT}], "key": "event.n"}, "steps": [http("first"), http("second")]},
        {"workflow": "patient", "start": start("wait"), "steps": [http("before"), {"id": "pause", "wait": {"for": "1s"}}, http("after")]},
        {"workflow": "notify", "start": start("push"), "steps": [{"id": "tell", "push": text}]},
        {
            "workflow": "journey",
            "start": start("journey"),
            "settings": {"goal": {"event": SHIPPED, "value": "event.n", "within": "1h", "where": SAME}},
            "steps": [
                {"id": "mark", "update": {"set": {"last": "{{ n }}"}}},
                {"id": "deal", "split": {"by": "run", "paths": [{"percent": 50, "steps": [http("gift")]}, {"percent": 50, "steps": []}]}},
                {"id": "ship", "send_event": {"event": SHIPPED, "data": {"n": "{{ n }}"}}},
                {"id": "arrival", "wait_for": {"on": [{"event": SHIPPED, "where": SAME}], "timeout": "1h", "otherwise": [http("lost")]}},
                {"id": "ask", "http": {**http("ask")["http"], "await": True}},
                {"id": "judge", "decide": {"cases": [{"when": {"field": "ask.status", "op": "eq", "value": 200}, "steps": []}]}},
            ],
        },
        {
            "workflow": "shipping",
            "start": {"on": [{"event": SHIPPED}], "key": "event.n"},
            "steps": [http("packed"), http("offered", to=DECLINED)],
        },
        {
            "workflow": "receipt",
            "start": {"on": [{"event": "PushEngage.Notification.Sent"}], "key": "event.delivery"},
            "steps": [http("note", "delivery")],
        },
    ]


def expected_runs(order: Order, event: str, site: int, paused: Container[tuple[str, str]] = ()) -> Iterator[ExpectedRun]:
    """What an order that the log has under the id `event` leads to; `paused` are the starts, (event, workflow), that were refused."""
    yield _requests(run_id(site, "direct", event, str(order.n)), "direct", ("first", "second"), order.n)
    if order.wait and (event, "patient") not in paused:
        yield _patient(order, event, site)
    if order.journey:
        yield from _journey(order, event, site)
    if order.push and (event, "notify") not in paused:
        notify = run_id(site, "notify", event, str(order.n))
        tell = effect_id(notify, "tell", 1)
        delivery = delivery_id(tell, device(order.profile))
        sent = Effect(tell, delivery, "tell", str(order.n))
        yield ExpectedRun(notify, "notify", (("push", "tell"), ("completed", "tell")), (sent,), _counted("tell"))
        told = caused_event_id(caused_event_id(delivery, "outcome", 0), "PushEngage.Notification.Sent", 0)
        yield _requests(run_id(site, "receipt", told, delivery), "receipt", ("note",), delivery)


def _patient(order: Order, event: str, site: int) -> ExpectedRun:
    run = run_id(site, "patient", event, str(order.n))
    history = (("http", "before"), ("waiting", "pause"), ("http", "after"), ("completed", "after"))
    effects = tuple(_request(run, step, order.n) for step in ("before", "after"))
    return ExpectedRun(run, "patient", history, effects, _counted("before", "pause", "after"))


def _journey(order: Order, event: str, site: int) -> Iterator[ExpectedRun]:
    """Down one of two paths, through the inbox and back to its goal, and on with what a receiver answered."""
    run = run_id(site, "journey", event, str(order.n))
    gift = int(digest("split", str(site), "journey", "deal", run)[:16], 16) % 10_000 < 5_000
    history = (
        ("update", "mark"),
        ("split", "deal"),
        *((("http", "gift"),) if gift else ()),
        ("send_event", "ship"),
        ("waiting", "arrival"),
        ("goal", "arrival"),
        ("resumed", "arrival"),
        ("awaiting", "ask"),
        ("result", "ask"),
        ("decided", "judge"),
        ("completed", "judge"),
    )
    effects = tuple(_request(run, step, order.n) for step in (("gift", "ask") if gift else ("ask",)))
    path = "1" if gift else "2"
    ways = {"arrival": "then", "deal": path, "judge": "1"}
    steps = ("mark", "deal", *(("gift",) if gift else ()), "ship", "arrival", "ask", "judge")
    goals = (("", "goals", ""), ("deal", "goals", path))
    worth = tuple(((step, "value", branch), order.n * MILLIONTHS) for step, _, branch in goals)
    yield ExpectedRun(run, "journey", history, effects, (*_counted(*steps, ways=ways), *goals), worth)
    shipped = caused_event_id(effect_id(run, "ship", 1), SHIPPED, 0)
    yield _requests(run_id(site, "shipping", shipped, str(order.n)), "shipping", ("packed", "offered"), order.n)


def _counted(*steps: str, ways: dict[str, str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """What a run counts that starts, goes through steps and completes; `ways` are the branches it took."""
    ways = ways or {}
    passed = [(step, name, branch) for step in steps for name, branch in (("entered", ""), ("left", ways.get(step, "")))]
    return ("", "started", ""), *passed, ("", "completed", "")


def _requests(run: str, workflow: str, steps: tuple[str, ...], about: int | str) -> ExpectedRun:
    history = (*(("http", step) for step in steps), ("completed", steps[-1]))
    return ExpectedRun(run, workflow, history, tuple(_request(run, step, about) for step in steps), _counted(*steps))


def _request(run: str, step: str, about: int | str) -> Effect:
    effect = effect_id(run, step, 1)
    content = json.dumps({"about": about, "step": step}, separators=(",", ":"))
    return Effect(effect, effect, step, content, "failed" if step == "offered" else "sent")
