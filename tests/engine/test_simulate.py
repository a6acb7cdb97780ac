"""Simulation: the same as live, in one world, under a virtual clock."""

import heapq
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR, SECOND, SITE, Partition

from clarion.domain.ids import digest
from clarion.domain.records import FrequencyCap
from clarion.engine import simulate as module
from clarion.engine.ledger import Kept, row_from_run
from clarion.engine.simulate import Simulated, simulate
from clarion.engine.timeline import timeline
from clarion.engine.world import Answer, Given, Happened, Known, Reacted, Subscribed, World
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import Entry, EntryKind
from clarion.store.records.states import SiteState
from clarion.workflow.history import History
from clarion.workflow.source import read_document

MINUTE = 60 * SECOND
STARTS = 20_000 * 24 * HOUR
URL = "https://shop.example/"


def run(*texts: str, events: list[Given], world: World | None = None, until: int | None = None, **more: Any) -> Simulated:
    return simulate([read_document(text) for text in texts], world or World(STARTS), events, until, **more)


def at(minutes: int, event: str, **data: Any) -> Happened:
    return Happened(STARTS + minutes * MINUTE, event, data)


def sent(simulated: Simulated) -> list[tuple[int, str, str]]:
    """Minute, kind and step, or name, of all that went out."""
    return [((one.at - STARTS) // MINUTE, one.kind, one.step or one.content["name"]) for one in simulated.sent]


def ends(simulated: Simulated) -> list[tuple[str, str, str | None]]:
    return [(one.workflow, one.status, one.reason) for one in simulated.runs]


def lines(simulated: Simulated) -> list[tuple[int, str, str]]:
    return [((line.at - STARTS) // MINUTE, line.came, line.what) for line in timeline(simulated)]


# -- what it does ------------------------------------------------------------------------------------------------------

CART = """
workflow: cart
start: {on: [{event: add}], key: event.cart}
exit: [{event: buy, where: {field: event.cart, op: eq, value: {from: entry.cart}}}]
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: "{{ cart }}", message: m, url: "https://shop.example/", tag: "t-{{ cart }}", ttl: 1h, urgency: low}}
"""


def test_an_effect_is_one_message_however_many_subscribers_get_it() -> None:
    simulated = run(CART, events=[at(0, "add", cart="c")], world=World(STARTS, subscribers=(Known(), Known(), Known())))
    [message] = simulated.sent
    assert message.content == {"title": "c", "message": "m", "url": URL, "tag": "t-c", "ttl": 3600, "urgency": "low"}
    assert sum(one.count for one in simulated.counts if one.name == "sent") == 3


def test_without_a_subscriber_nothing_is_sent_and_the_run_goes_on() -> None:
    simulated = run(CART, events=[at(0, "add", cart="c")], world=World(STARTS, subscribers=()))
    assert (sent(simulated), ends(simulated)) == ([], [("cart", "completed", None)])
    assert (60, "timer", "no_subscriber") in lines(simulated)


def test_a_subscriber_may_come_later() -> None:
    events = [at(0, "add", cart="c"), Subscribed(STARTS + 59 * MINUTE, {"language": "de"}, {"name": "Ann"})]
    simulated = run(CART, events=events, world=World(STARTS, subscribers=(), attributes={"age": 7}))
    assert sent(simulated) == [(60, "push", "remind")]
    assert simulated.profile.attributes == {"age": 7, "name": "Ann"}


def test_a_timer_comes_before_an_entry_of_the_same_instant() -> None:
    simulated = run(CART, events=[at(0, "add", cart="c"), at(60, "buy", cart="c")])
    assert (sent(simulated), ends(simulated)) == ([(60, "push", "remind")], [("cart", "completed", None)])
    before = Happened(STARTS + 60 * MINUTE - 1, "buy", {"cart": "c"})
    simulated = run(CART, events=[at(0, "add", cart="c"), before])
    assert (sent(simulated), ends(simulated)) == ([], [("cart", "exited", "event buy")])


def test_inputs_are_taken_in_the_order_of_their_times_and_else_as_given() -> None:
    text = "workflow: w\nstart: {on: [{event: add}]}\nsteps: [{id: s, send_event: {event: said, data: {n: '{{ n }}'}}}]"
    simulated = run(text, events=[at(2, "add", n=3), at(1, "add", n=1), at(2, "add", n=4), at(1, "add", n=2)])
    assert [(one.at - STARTS, one.content["data"]) for one in simulated.sent] == [
        (MINUTE, {"n": 1}),
        (MINUTE, {"n": 2}),
        (2 * MINUTE, {"n": 3}),
        (2 * MINUTE, {"n": 4}),
    ]


@pytest.mark.parametrize(("until", "messages", "ended", "complete"), [(59, 0, 59, False), (60, 1, 60, True), (61, 1, 60, True)])
def test_until(until: int, messages: int, ended: int, *, complete: bool) -> None:
    simulated = run(CART, events=[at(0, "add", cart="c")], until=STARTS + until * MINUTE)
    assert (len(simulated.sent), simulated.ended, simulated.complete) == (messages, STARTS + ended * MINUTE, complete)


def test_an_input_at_the_end_is_taken() -> None:
    simulated = run(CART, events=[at(0, "add", cart="c"), at(5, "buy", cart="c")], until=STARTS + 5 * MINUTE)
    assert (ends(simulated), simulated.complete) == ([("cart", "exited", "event buy")], True)


REACT = """
workflow: react
start: {on: [{event: go}]}
steps:
  - {id: ask, push: {title: t, message: m, url: "https://shop.example/"}}
  - id: answer
    wait_for:
      on: [{event: PushEngage.Notification.Clicked, of: ask}]
      timeout: 1h
      then: [{id: yes, update: {set: {button: "{{ answer.event.action }}"}}}]
      otherwise: [{id: no, exit: {reason: nothing}}]
"""


def test_a_reaction_is_to_the_latest_push_of_a_step() -> None:
    simulated = run(REACT, events=[at(0, "go"), Reacted(STARTS + MINUTE, "clicked", "ask", 1)])
    assert (ends(simulated), simulated.profile.attributes) == ([("react", "completed", None)], {"button": 1})
    [clicked] = [one for one in simulated.counts if one.name == "clicked"]
    assert (clicked.step, clicked.count) == ("ask", 1)


def test_a_step_is_also_named_with_its_workflow() -> None:
    events = [at(0, "go"), Reacted(STARTS + MINUTE, "clicked", "react/ask")]
    simulated = run(REACT, REACT.replace("workflow: react", "workflow: other"), events=events)
    assert sorted(ends(simulated), key=str) == [("other", "exited", "nothing"), ("react", "completed", None)]


def test_what_came_to_nothing_is_told() -> None:
    early, unheard = Reacted(STARTS, "viewed", "ask"), at(1, "nobody-listens")
    simulated = run(REACT, events=[early, unheard])
    assert simulated.unmet == (early, unheard)
    assert lines(simulated) == [(0, "viewed", "nothing"), (1, "nobody-listens", "nothing")]


@pytest.mark.parametrize("outcome", ["failed", "gone"])
def test_nobody_reacts_to_a_push_that_did_not_come_through(outcome: str) -> None:
    reaction = Reacted(STARTS + MINUTE, "clicked", "ask")
    world = World(STARTS, answers={"ask": Answer(outcome)})
    simulated = run(REACT, CART, events=[at(0, "go"), reaction, at(2, "add", cart="c")], world=world)
    assert simulated.unmet == (reaction,)
    assert (62, "push", "remind") in sent(simulated) or outcome == "gone"


CALL = """
workflow: call
start: {on: [{event: go}]}
exit: [{event: stop}]
steps:
  - id: ask
    http:
      url: "https://api.example/{{ n }}"
      headers: {Key: "Bearer {{ secrets.API_KEY }}"}
      body: {key: "{{ secrets.API_KEY }}!", n: "{{ n }}"}
      await: true
      on_error: exit
  - {id: keep, update: {set: {status: "{{ ask.status }}", code: "{{ ask.response.code }}"}}}
"""


def test_a_request_is_answered_with_200_and_nothing_where_the_world_does_not_say() -> None:
    simulated = run(CALL, events=[at(0, "go", n=1)])
    assert (ends(simulated), simulated.profile.attributes) == ([("call", "completed", None)], {"status": 200})


def test_secrets_are_shown_by_their_names() -> None:
    [request, _] = run(CALL, events=[at(0, "go", n=1)]).sent
    assert request.content == {
        "method": "POST",
        "url": "https://api.example/1",
        "headers": {"Key": "Bearer {{ secrets.API_KEY }}"},
        "body": {"key": "{{ secrets.API_KEY }}!", "n": 1},
    }


@pytest.mark.parametrize(
    ("answer", "end", "attributes"),
    [
        (Answer(status=201, response={"code": "A"}, after=5 * MINUTE), ("completed", None), {"status": 201, "code": "A"}),
        (Answer("failed", 500), ("exited", "http failed"), {}),
        (Answer("expired", after=10 * MINUTE), ("exited", "http failed"), {}),
        (Answer(after=11 * MINUTE), ("exited", "event stop"), {}),
    ],
)
def test_a_request_is_answered_as_the_world_says(answer: Answer, end: tuple[str, str | None], attributes: dict[str, Any]) -> None:
    simulated = run(CALL, events=[at(0, "go"), at(11, "stop")], world=World(STARTS, answers={"call/ask": answer, "ask": Answer("failed")}))
    assert (ends(simulated), simulated.profile.attributes) == ([("call", *end)], attributes)


FIRST = """
workflow: first
start: {on: [{event: go}]}
steps:
  - {id: start, start_workflow: {workflow: second, data: {n: 1}}}
  - {id: nowhere, start_workflow: {workflow: missing}}
  - {id: day, wait: {for: 1d}}
  - {id: stop, stop_workflow: {workflow: second}}
"""
SECOND_ONE = """
workflow: second
start: {on: [{event: never}]}
steps:
  - {id: tell, send_event: {event: told, data: {n: "{{ n }}"}}}
  - {id: other, send_event: {event: told, profile_id: boss}}
  - {id: long, wait: {for: 2d}}
"""
THIRD = "workflow: third\nstart: {on: [{event: told}]}\nsteps: [{id: call, http: {url: 'https://api.example/{{ profile.id }}'}}]"


def test_workflows_start_stop_and_hear_each_other() -> None:
    simulated = run(FIRST, SECOND_ONE, THIRD, events=[at(0, "go")])
    assert sorted(ends(simulated), key=str) == [
        ("first", "completed", None),
        ("second", "exited", "stopped by first"),
        ("third", "completed", None),
        ("third", "completed", None),
    ]
    starts = [one.content for one in simulated.sent if one.content.get("name") == "PushEngage.Workflow.Start"]
    assert starts == [
        {"name": "PushEngage.Workflow.Start", "data": {"n": 1}, "workflow": "second"},
        {"name": "PushEngage.Workflow.Start", "data": {}, "workflow": "missing"},
    ]
    assert [one.content["url"] for one in simulated.sent if one.kind == "http"] == [
        "https://api.example/customer",
        "https://api.example/boss",
    ]
    assert [one.profile for one in simulated.sent if one.content.get("name") == "told"] == ["n:customer", "n:boss"]
    assert (0, "PushEngage.Workflow.Start", "unknown_workflow") in lines(simulated)


LOOP = "workflow: loop\nstart: {on: [{event: go}], while_running: parallel}\nsteps: [{id: again, send_event: {event: go}}]"
CASCADE = f"""
workflow: cascade
start: {{on: [{{event: go}}], while_running: parallel}}
steps: [{", ".join(f"{{id: s{n}, send_event: {{event: go}}}}" for n in range(4))}]
"""


def test_a_loop_ends_at_the_hop_limit() -> None:
    simulated = run(LOOP, events=[at(0, "go")])
    assert (len(simulated.runs), simulated.complete) == (8, True)
    assert lines(simulated)[-1][2] == "hop_limit"


def test_too_many_inputs_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INPUTS", 500)
    simulated = run(CASCADE, events=[at(0, "go")])
    assert (len(simulated.explanations), simulated.complete) == (500, False)
    assert run(LOOP, events=[at(minute, "go") for minute in range(55)]).complete  # 495 events


def test_too_much_to_tell_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOLD", 10_000)
    simulated = run(CASCADE, events=[at(0, "go")])
    assert not simulated.complete
    assert 10_000 < sum(len(bytes(one.body)) for one in simulated.explanations) + 200 * len(simulated.sent) < 40_000


@pytest.mark.parametrize(("asked", "runs"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_it_stops_when_it_is_told_to_also_in_the_middle_of_an_input(asked: int, runs: int) -> None:
    times = count()  # asked twice an input: before it, and before its only step
    simulated = run(LOOP, events=[at(0, "go")], stop=lambda: next(times) == asked)
    assert (len(simulated.runs), len(simulated.explanations), len(simulated.sent), simulated.complete) == (runs, runs, runs, False)


def test_being_asked_changes_nothing() -> None:
    events = [at(0, "go"), at(1, "add", cart="c"), Reacted(STARTS + MINUTE, "clicked", "ask", 1)]
    assert run(CART, REACT, CALL, events=events, stop=lambda: False) == run(CART, REACT, CALL, events=events)


def test_two_documents_of_one_workflow_are_refused() -> None:
    with pytest.raises(ValueError, match="two documents are of workflow cart"):
        run(CART, CART, events=[])


def test_other_profiles_live_beside_the_simulations_own() -> None:
    simulated = run(CART, events=[Happened(STARTS, "add", {"cart": "c"}, "somebody")])
    assert (sent(simulated), [one.profile for one in simulated.runs]) == ([], ["n:somebody"])


def test_a_timestamp_is_data() -> None:
    too_old = Happened(STARTS, "add", {"cart": "c"}, None, STARTS - 72 * HOUR - 1)
    assert lines(run(CART, events=[too_old])) == [(0, "add", "too_old")]


# -- the same as live --------------------------------------------------------------------------------------------------

WORKFLOWS = [
    """
workflow: journey
start: {on: [{event: add, where: {field: event.n, op: gte, value: 1}}], key: event.cart, while_running: restart}
exit: [{event: buy, where: {field: event.cart, op: eq, value: {from: run.key}}}, {audience: {field: segments, op: contains, value: out}}]
settings:
  timezone: subscriber
  quiet_hours: {from: "22:00", to: "07:00"}
  frequency_cap: {pushes: 2, per: 6h}
  goal: {event: buy, value: event.n, within: 2d, attribution: click}
steps:
  - {id: some, wait: {for: 1h}}
  - {id: ask, push: {title: "{{ cart }}", message: "{{ name || you }}", url: "https://shop.example/"}}
  - id: answer
    wait_for:
      on: [{event: PushEngage.Notification.Clicked, of: ask}, {event: view, where: {field: event.n, op: eq, value: {from: entry.n}}}]
      timeout: 3h
      then: [{id: liked, segment: {add: likes}}]
      otherwise:
        - id: side
          split:
            by: run
            paths:
              - {percent: 50, steps: [{id: again, push: {title: t, message: m, url: "https://shop.example/"}}]}
              - {percent: 50, steps: []}
  - {id: call, http: {url: "https://api.example/", body: {n: "{{ n }}"}, await: true}}
  - {id: morning, wait: {at: "09:00"}}
  - {id: next, start_workflow: {workflow: echo}}
""",
    """
workflow: echo
start: {on: [{event: view}, {event: PushEngage.Subscriber.AddSegment}], again: {after: 2h}}
steps:
  - {id: mark, update: {set: {seen: "{{ n }}"}}}
  - {id: pass, send_event: {event: add, data: {cart: "{{ cart || x }}", n: 2}}}
  - {id: tell, push: {title: echo, message: m, url: "https://shop.example/", transactional: true}}
  - id: leave
    decide: {cases: [{when: {field: subscriber.click_count, op: gte, value: 1}, steps: [{id: out, segment: {add: out}}]}]}
""",
]
WORLD = World(
    STARTS,
    SiteState(SITE, "Europe/Berlin", FrequencyCap(5, 24 * HOUR)),
    "p",
    subscribers=(),
    answers={"call": Answer("failed", 500), "again": Answer("gone", 410)},
)

events = st.builds(
    lambda name, cart, n: ("event", name, {"cart": cart, "n": n}),
    st.sampled_from(["add", "buy", "view"]),
    st.sampled_from("ab"),
    st.integers(0, 2),
)
reactions = st.builds(
    lambda receipt, step: ("react", receipt, step), st.sampled_from(["viewed", "clicked"]), st.sampled_from(["ask", "tell"])
)
subscriptions = st.just(("subscribe", "", {"timezone": "America/New_York"}))
times = st.integers(0, 48 * 6).map(lambda tenth: STARTS + tenth * 10 * MINUTE)
inputs = st.lists(st.tuples(times, st.one_of(events, reactions, subscriptions)), min_size=1, max_size=25)


def as_given(one: tuple[int, tuple[str, str, Any]]) -> Given:
    time, (kind, name, more) = one
    if kind == "event":
        return Happened(time, name, more)
    return Reacted(time, name, more) if kind == "react" else Subscribed(time, more)


class Live:
    """A partition, fed as an owner feeds it: what runs make comes back through the inbox, and deliveries end at once."""

    def __init__(self) -> None:
        self.partition = Partition()
        self.queue: list[tuple[int, int, Any]] = []
        self.order = count()
        self.pushes: dict[str, str] = {}
        self.devices = count(1)

    async def start(self) -> None:
        site = self.partition.entry(EntryKind.SITE, SiteChange(WORLD.site.timezone, WORLD.site.frequency_cap))
        await self.partition.apply(site, *map(self.partition.publish, WORKFLOWS), at=STARTS - 1)

    async def run(self, given: list[Given]) -> None:
        for index, one in enumerate(given):
            self.put(one.at, (digest("given", WORLD.profile_id, str(index)), one))
        while True:
            due = min((run.due for run in self.partition.runs.values() if run.status == "waiting" and run.due is not None), default=None)
            entry = self.queue[0][0] if self.queue else None
            now = min((time for time in (due, entry) if time is not None), default=None)
            if now is None:
                return
            await self.step(now)  # timers
            waiting = []
            while self.queue and self.queue[0][0] <= now:
                waiting.append(heapq.heappop(self.queue)[2])
            for one in waiting:  # one at a time: a reaction needs to know of the pushes that came before it
                await self.step(now, self.entry(one, now))

    def put(self, time: int, one: Any) -> None:
        heapq.heappush(self.queue, (time, next(self.order), one))

    def entry(self, one: Any, now: int) -> Entry | None:
        partition = self.partition
        match one:
            case Entry():
                return one
            case (id, Happened() as event):
                return partition.event(event.event, id, None, WORLD.profile_id, received=now, **event.data)
            case (id, Reacted() as reaction):
                if reaction.step not in self.pushes:
                    return None
                receipt = partition.receipt(self.pushes[reaction.step], reaction.receipt)
                return msgspec.structs.replace(receipt, id=id, received=now)
            case (id, Subscribed() as subscribed):
                device = f"device-{next(self.devices)}"
                put = partition.subscriber(device, WORLD.profile_id, facts=subscribed.facts)
                return msgspec.structs.replace(put, id=id, received=now)
        raise TypeError(one)

    async def step(self, now: int, entry: Entry | None = None) -> None:
        known = set(self.partition.deliveries)
        await self.partition.apply(*([] if entry is None else [entry]), at=now)
        for one in self.partition.emitted():
            self.put(now, one)
        latest: dict[str, str] = {}
        for id, delivery in self.partition.deliveries.items():
            if id in known:
                continue
            answer = WORLD.answer(delivery.kind, delivery.workflow, delivery.step)
            more = {"response": answer.response} if delivery.kind == "http" else {}
            ended = self.partition.outcome(id, answer.outcome, status=answer.status, **more)
            self.put(now, msgspec.structs.replace(ended, id=digest("outcome", id), received=now))
            if delivery.kind == "push" and answer.outcome == "sent" and latest.get(delivery.step) != delivery.effect:
                latest[delivery.step] = delivery.effect
                self.pushes[delivery.step] = id


def told(explanations: Any) -> list[tuple[str, int, History]]:
    return [(one.event, one.at, msgspec.json.decode(one.body, type=History)) for one in explanations]


@given(inputs)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_it_is_the_same_as_live(sequence: list[tuple[int, tuple[str, str, Any]]]) -> None:
    given_ = sorted((as_given(one) for one in sequence), key=lambda one: one.at)
    simulated = simulate([read_document(text) for text in WORKFLOWS], WORLD, given_)
    live = Live()
    await live.start()
    await live.run(given_)
    partition = live.partition
    assert partition.poisoned == []
    assert {run.id: row_from_run(Kept(run)) for run in simulated.runs} == partition.runs
    assert told(simulated.explanations) == told(partition.explanations)
    messages = {one.effect: one.step for one in partition.deliveries.values()}
    assert sorted(messages.values()) == sorted(one.step for one in simulated.sent if one.kind != "event")
    profile = partition.profiles.get((SITE, "n:p"))
    if profile is not None:
        assert msgspec.structs.replace(profile, created=STARTS) == simulated.profile
    counts: dict[tuple[str, int, str, str, str], int] = {}
    for one in simulated.counts:
        key = (one.workflow, one.version, one.step, one.name, one.branch)
        counts[key] = counts.get(key, 0) + one.count
    assert {key: total for key, total in counts.items() if total} == {key: total for key, total in partition.counts.items() if total}


@given(inputs)
@settings(max_examples=10, deadline=None)
def test_the_same_again_is_the_same(sequence: list[tuple[int, tuple[str, str, Any]]]) -> None:
    documents, given_ = [read_document(text) for text in WORKFLOWS], [as_given(one) for one in sequence]
    assert simulate(documents, WORLD, given_) == simulate(documents, WORLD, given_)
