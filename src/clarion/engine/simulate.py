"""Simulation: documents and timed inputs in; every step, effect and reason out. The real core under a virtual clock (semantics §8)."""

import heapq
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

import msgspec

from clarion.clock import DAY
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.domain.ids import digest
from clarion.domain.records import Event, Profile, Scalar, Subscriber
from clarion.engine.apply import Applier
from clarion.engine.ledger import Ledger
from clarion.engine.registry import Registry
from clarion.store.records import Count, Delivery, DeliveryOutcome, EntryKind, Explanation, NewEntry, Receipt, SiteState, WorkflowState
from clarion.workflow.document import Document
from clarion.workflow.program import compile_program
from clarion.workflow.run import WAITING, Run
from clarion.workflow.start import ACTIVE

SITE: Final = 1
VERSION: Final = 1
MOST_INPUTS: Final = 100_000
"""Timers and entries, those that runs make included, that one simulation takes; past that it stops and says so."""
LONGEST: Final = 5 * 366 * DAY
"""How far the virtual clock goes at most."""

_decode_event = msgspec.json.Decoder(Event).decode
_decode_push = msgspec.json.Decoder(PushJob).decode
_decode_http = msgspec.json.Decoder(HttpJob).decode


class Answer(msgspec.Struct, frozen=True):
    """How an HTTP request of a step ends."""

    outcome: str = "sent"
    status: int | None = 200
    response: dict[str, Scalar] = {}


class Given(msgspec.Struct, frozen=True):
    """An input at a time: an event, or what somebody did with the latest push of a step."""

    at: int
    """UTC microseconds."""
    event: str
    """Name of the event; for a receipt `viewed`, `clicked` or `closed`."""
    data: dict[str, Scalar] = {}
    profile_id: str | None = None
    """None: the simulation's own profile."""
    step: str | None = None
    """Of a receipt: the push step."""
    action: int | None = None
    """Of a receipt: which button."""


class World(msgspec.Struct, frozen=True):
    """What is there before anything happens."""

    starts: int
    """UTC microseconds of the virtual clock."""
    site: SiteState = SiteState(SITE, "UTC")
    profile_id: str = "customer"
    attributes: dict[str, Scalar] = {}
    segments: tuple[str, ...] = ()
    subscribers: tuple[dict[str, Scalar], ...] = ({},)
    """The facts of each of the profile's subscribers, the most recently active one first."""
    answers: dict[str, Answer] = {}
    """By `http` step; one that is not here is answered with 200 and an empty object."""


class Sent(msgspec.Struct, frozen=True):
    """Something that went out: a push to all of a profile's subscribers, a request, or an event."""

    at: int
    kind: str
    """push, http, event."""
    workflow: str
    step: str
    run: str
    profile: str
    """Key of the profile."""
    content: dict[str, Any]
    """A push's title, message, url, …; a request's method, url, headers, body; an event's name and data."""


class Simulated(msgspec.Struct, frozen=True):
    """What came of it all."""

    sent: tuple[Sent, ...]
    explanations: tuple[Explanation, ...]
    """In the order in which they came about; those of timers have the run's id in the place of the event's."""
    runs: tuple[Run, ...]
    """In the order in which they started."""
    profile: Profile
    counts: tuple[Count, ...]
    ended: int
    """Where the virtual clock stands."""
    complete: bool
    """False where the simulation had to stop: at its time, or at `MOST_INPUTS`."""


def simulate(documents: Iterable[Document], world: World, given: Sequence[Given], until: int | None = None) -> Simulated:
    """Run documents in a world of one profile until nothing is left to do, or until a time.

    The same arguments give the same outcome. Nothing is sent: pushes reach their subscribers at once, requests are answered as the world
    says.
    """
    return _Simulation(documents, world, given).run(min(until or world.starts + LONGEST, world.starts + LONGEST))


class _Simulation:
    def __init__(self, documents: Iterable[Document], world: World, given: Sequence[Given]) -> None:
        self._world = world
        self._now = world.starts
        self._ledger = Ledger()
        registry = Registry(None)
        registry.load([], [msgspec.structs.replace(world.site, site=SITE)])
        for document in documents:
            state = WorkflowState(SITE, document.workflow, VERSION, ACTIVE)
            registry.install(state, compile_program(document, VERSION))
        self._applier = Applier(self._ledger, registry, self._arm)
        self._order = count()
        self._queue: list[tuple[int, int, Given | NewEntry | DeliveryOutcome]] = []
        for one in given:
            heapq.heappush(self._queue, (max(one.at, world.starts), next(self._order), one))
        self._timers: list[tuple[int, str]] = []
        self._sent: list[Sent] = []
        self._seen = 0
        self._emitted = 0
        self._pushes: dict[str, Delivery] = {}
        self._profile = "n:" + world.profile_id
        profile = Profile(self._profile, dict(world.attributes), tuple(sorted(set(world.segments))), world.starts)
        self._ledger.profiles.load((SITE, self._profile), profile)
        for number, facts in enumerate(world.subscribers):
            device = f"device-{number + 1}"
            subscriber = Subscriber(
                device, self._profile, f"https://push.example/{device}", "", "", True, world.starts, world.starts - number, facts
            )
            self._ledger.subscribers.load((SITE, device), subscriber)
            self._ledger.devices.load((SITE, self._profile), (*(self._ledger.devices.get((SITE, self._profile)) or ()), device))

    def run(self, until: int) -> Simulated:
        """Take timers and entries in their order."""
        complete = True
        for taken in count():
            due = self._timers[0][0] if self._timers else None
            entry = self._queue[0][0] if self._queue else None
            at = min((time for time in (due, entry) if time is not None), default=None)
            if at is None:
                break
            if at > until or taken == MOST_INPUTS:
                complete = False
                break
            self._now = max(self._now, at)
            if due is not None and due == at:  # timers come before entries of the same time (design §3.2)
                self._applier.timer(heapq.heappop(self._timers)[1], self._now)
            else:
                self._apply(heapq.heappop(self._queue)[2])
            self._ledger.keep()
            self._collect()
        runs = [kept.run for _, kept in self._ledger.runs.items()]
        profile = self._ledger.profiles.get((SITE, self._profile))
        assert profile is not None  # noqa: S101  # loaded above
        return Simulated(
            sent=tuple(self._sent),
            explanations=tuple(self._ledger.explanations),
            runs=tuple(sorted(runs, key=lambda run: (run.started, run.id))),
            profile=profile,
            counts=tuple(self._ledger.counts()),
            ended=self._now,
            complete=complete and not any(run.status == WAITING for run in runs),
        )

    def _arm(self, run: Run) -> None:
        if run.due is not None:
            heapq.heappush(self._timers, (run.due, run.id))

    def _apply(self, one: Given | NewEntry | DeliveryOutcome) -> None:
        now = self._now
        match one:
            case NewEntry():
                self._applier.event(SITE, _decode_event(one.body), now)
            case DeliveryOutcome():
                self._applier.outcome(SITE, one, digest("outcome", one.delivery), now, now)
            case Given(step=None):
                id = digest("given", str(next(self._order)), one.event)
                device = "device-1" if one.profile_id is None and self._world.subscribers else None
                target = one.profile_id or self._world.profile_id
                self._applier.event(
                    SITE, Event(id, one.event, device, target, msgspec.Raw(msgspec.json.encode(one.data)), received=now), now
                )
            case Given():
                self._receipt(one, now)

    def _receipt(self, one: Given, now: int) -> None:
        """What somebody did with the latest push of a step; nothing where there was none."""
        push = self._pushes.get(one.step or "")
        if push is None:
            return
        receipt = Receipt(
            one.event, push.id, push.run, push.workflow, push.version, push.step, push.profile, push.subscriber or "", one.action, push.hops
        )
        self._applier.receipt(SITE, receipt, digest("receipt", str(next(self._order))), now, now)

    def _collect(self) -> None:
        """Take what the input wants done: note it, and have it end."""
        for delivery in self._ledger.deliveries[self._seen :]:
            self._deliver(delivery)
        self._seen = len(self._ledger.deliveries)
        for entry in self._ledger.emitted[self._emitted :]:
            if entry.kind is EntryKind.EVENT:
                event = _decode_event(entry.body)
                run = self._ledger.runs.get(event.cause or "")
                if run is not None:
                    profile = "n:" + event.profile_id if event.profile_id else run.run.profile
                    content = {"name": event.name, "data": msgspec.json.decode(event.data)}
                    if event.workflow is not None:
                        content["workflow"] = event.workflow
                    self._sent.append(Sent(self._now, "event", run.run.workflow, "", run.run.id, profile, content))
            heapq.heappush(self._queue, (self._now, next(self._order), entry))
        self._emitted = len(self._ledger.emitted)

    def _deliver(self, delivery: Delivery) -> None:
        answer = Answer()
        if delivery.kind == "push":
            latest = self._pushes.get(delivery.step)
            if latest is None or latest.effect != delivery.effect:  # one effect is one message, however many subscribers get it
                self._pushes[delivery.step] = delivery
                content = msgspec.json.decode(_decode_push(delivery.job).payload)
                self._note(delivery, "push", {name: value for name, value in content.items() if name not in ("id", "tag")})
            answer = Answer(status=201)
        else:
            answer = self._world.answers.get(delivery.step, answer)
            job = _decode_http(delivery.job)
            body = None if job.body is None else msgspec.json.decode(job.body)
            self._note(delivery, "http", {"method": job.method, "url": job.url, "headers": job.headers, "body": body})
        outcome = DeliveryOutcome(
            delivery=delivery.id,
            effect=delivery.effect,
            run=delivery.run,
            workflow=delivery.workflow,
            step=delivery.step,
            kind=delivery.kind,
            outcome=answer.outcome,
            profile=delivery.profile,
            subscriber=delivery.subscriber,
            status=answer.status,
            hops=delivery.hops,
            version=delivery.version,
            response=answer.response,
        )
        heapq.heappush(self._queue, (self._now, next(self._order), outcome))

    def _note(self, delivery: Delivery, kind: str, content: dict[str, Any]) -> None:
        self._sent.append(Sent(self._now, kind, delivery.workflow, delivery.step, delivery.run, delivery.profile, content))
