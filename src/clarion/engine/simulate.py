"""Simulation: documents and timed inputs in; every step, effect and reason out. The real core under a virtual clock (semantics §8)."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final

import msgspec

from clarion.clock import DAY
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.domain.ids import digest, named_profile
from clarion.domain.records import Event, Profile, Subscriber
from clarion.domain.secret_marks import replace_marks
from clarion.engine.apply import Applier
from clarion.engine.interruption import Interrupted, interruptible
from clarion.engine.ledger import Ledger
from clarion.engine.registry import Registry
from clarion.engine.world import SITE, Given, Happened, Reacted, Subscribed, World
from clarion.store.outcomes import ended
from clarion.store.records.bodies import DeliveryOutcome, Receipt, SubscriberPut
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.states import WorkflowState
from clarion.workflow.document import Document
from clarion.workflow.program import compile_program
from clarion.workflow.run import WAITING, Run
from clarion.workflow.start import ACTIVE

VERSION: Final = 1
"""Of every workflow."""
MOST_INPUTS: Final = 10_000
"""Timers and entries, those that runs make included, that one simulation takes; past that it stops and says so."""
MOST_TOLD: Final = 4 * 1024 * 1024
"""Bytes of explanations, of what goes out and of what runs send, after which it stops likewise."""
LONGEST: Final = 5 * 366 * DAY
"""How far the virtual clock goes at most."""

_decode_event = msgspec.json.Decoder(Event).decode
_decode_push = msgspec.json.Decoder(PushJob).decode
_decode_http = msgspec.json.Decoder(HttpJob).decode


class Sent(msgspec.Struct, frozen=True):
    """Something that went out: a push to all of a profile's subscribers, a request, or an event."""

    at: int
    kind: str
    """push, http, event."""
    workflow: str
    step: str
    """Empty for an event."""
    run: str
    profile: str
    """Key of the profile."""
    content: dict[str, Any]
    """A push's title, message, url, …; a request's method, url, headers, body; an event's name, data, and the workflow it is to start."""


class Simulated(msgspec.Struct, frozen=True):
    """What came of it all."""

    sent: tuple[Sent, ...]
    explanations: tuple[Explanation, ...]
    """In the order in which they came about; those of timers have the run's id in the place of the event's."""
    runs: tuple[Run, ...]
    """In the order in which they started."""
    profile: Profile
    counts: tuple[Count, ...]
    unmet: tuple[Given, ...]
    """Inputs that came to nothing: events that nothing listens for, reactions to a push that was not sent by then."""
    ended: int
    """Where the virtual clock stands."""
    complete: bool
    """Whether nothing is left to do; false where it had to stop: at its time, at one of its limits, or because it was told to."""


def simulate(
    documents: Iterable[Document],
    world: World,
    given: Sequence[Given],
    until: int | None = None,
    *,
    stop: Callable[[], bool] | None = None,
) -> Simulated:
    """Run documents in a world of one profile until nothing is left to do, or until a time.

    The same arguments give the same outcome. Nothing is sent: pushes and requests end as the world says. `stop` is asked before each input
    and each step whether that is enough. Raises ValueError where two documents are of one workflow.
    """
    latest = world.starts + LONGEST
    return _Simulation(documents, world, given, stop).run(latest if until is None else min(until, latest))


class _Simulation:
    def __init__(self, documents: Iterable[Document], world: World, given: Sequence[Given], stop: Callable[[], bool] | None) -> None:
        self._world = world
        self._stop = stop
        self._now = world.starts
        self._ledger = Ledger()
        registry = Registry(None)
        registry.load([], [msgspec.structs.replace(world.site, site=SITE)])
        for document in documents:
            if registry.state(SITE, document.workflow) is not None:
                raise ValueError(f"two documents are of workflow {document.workflow}")
            program = compile_program(document, VERSION)
            registry.install(
                WorkflowState(SITE, document.workflow, VERSION, ACTIVE), program if stop is None else interruptible(program, stop)
            )
        self._applier = Applier(self._ledger, registry, self._arm)
        self._order = count()
        self._queue: list[tuple[int, int, tuple[str, Given] | NewEntry | DeliveryOutcome]] = []
        for index, one in enumerate(given):
            self._put(max(one.at, world.starts), (digest("given", world.profile_id, str(index)), one))
        self._timers: list[tuple[int, str]] = []
        self._sent: list[Sent] = []
        self._unmet: list[Given] = []
        self._pushes: dict[str, Delivery] = {}
        """The latest one that came through, by step, and by workflow and step."""
        self._message = ""
        """Effect of the latest push: one effect is one message, however many subscribers get it."""
        self._seen = (0, 0, 0)
        """How many deliveries, entries and explanations have been taken from the books."""
        self._told = 0
        self._profile = named_profile(world.profile_id)
        profile = Profile(self._profile, dict(world.attributes), tuple(sorted(set(world.segments))), world.starts)
        self._ledger.profiles.load((SITE, self._profile), profile)
        self._devices = count(1)
        for number, known in enumerate(world.subscribers):
            device, endpoint = self._device()
            active = world.starts - number
            subscriber = Subscriber(device, self._profile, endpoint, "", "", True, known.created or world.starts, active, known.facts)
            self._ledger.subscribers.load((SITE, device), subscriber)
            self._ledger.devices.load((SITE, self._profile), (*(self._ledger.devices.get((SITE, self._profile)) or ()), device))

    def run(self, until: int) -> Simulated:
        """Take timers and entries in their order."""
        complete = True
        for taken in count():
            due = self._due()
            entry = self._queue[0][0] if self._queue else None
            at = min((time for time in (due, entry) if time is not None), default=None)
            if at is None:
                break
            if at > until:
                self._now = max(self._now, until)
            if at > until or taken == MOST_INPUTS or self._told > MOST_TOLD or not self._take(at, is_timer=due == at):
                complete = False
                break
        runs = [kept.run for _, kept in self._ledger.runs.items()]
        profile = self._ledger.profiles.get((SITE, self._profile))
        assert profile is not None  # noqa: S101  # loaded above
        return Simulated(
            sent=tuple(self._sent),
            explanations=tuple(self._ledger.explanations),
            runs=tuple(sorted(runs, key=lambda run: (run.started, run.id))),
            profile=profile,
            counts=tuple(self._ledger.counts()),
            unmet=tuple(self._unmet),
            ended=self._now,
            complete=complete and not any(run.status == WAITING for run in runs),
        )

    def _take(self, at: int, *, is_timer: bool) -> bool:
        """Take the next input; False: it was time to stop, and nothing of it stands. Timers come before entries (design §3.2)."""
        try:
            if self._stop is not None and self._stop():
                return False
            self._now = max(self._now, at)
            if is_timer:
                self._applier.timer(heapq.heappop(self._timers)[1], self._now)
            else:
                self._apply(heapq.heappop(self._queue)[2])
        except Interrupted:
            self._ledger.drop()
            return False
        self._ledger.keep()
        self._collect()
        return True

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _put(self, at: int, one: tuple[str, Given] | NewEntry | DeliveryOutcome) -> None:
        heapq.heappush(self._queue, (at, next(self._order), one))

    def _arm(self, run: Run) -> None:
        if run.due is not None:
            heapq.heappush(self._timers, (run.due, run.id))

    def _due(self) -> int | None:
        """When the next timer is due; those that were set anew since, or whose run has ended, are dropped."""
        while self._timers:
            due, id = self._timers[0]
            kept = self._ledger.runs.get(id)
            if kept is not None and kept.run.due == due:
                return due
            heapq.heappop(self._timers)
        return None

    def _device(self) -> tuple[str, str]:
        """Hash and endpoint of another subscriber."""
        device = f"device-{next(self._devices)}"
        return device, f"https://push.example/{device}"

    def _apply(self, one: tuple[str, Given] | NewEntry | DeliveryOutcome) -> None:
        now = self._now
        match one:
            case NewEntry():
                self._applier.event(SITE, _decode_event(one.body), now)
            case DeliveryOutcome():
                self._applier.outcome(SITE, one, digest("outcome", one.delivery), now, now)
            case (id, Happened() as event):
                data = msgspec.Raw(msgspec.json.encode(event.data))
                target = event.profile_id or self._world.profile_id
                self._applier.event(SITE, Event(id, event.event, None, target, data, event.timestamp, now), now)
                if len(self._ledger.explanations) == self._seen[2]:
                    self._unmet.append(event)
            case (id, Reacted() as reaction):
                self._react(id, reaction, now)
            case (id, Subscribed() as subscribed):
                device, endpoint = self._device()
                put = SubscriberPut(device, endpoint, "", "", self._world.profile_id, subscribed.attributes, subscribed.facts)
                self._applier.subscriber(SITE, put, id, now, now)

    def _react(self, id: str, given: Reacted, now: int) -> None:
        push = self._pushes.get(given.step)
        if push is None or push.subscriber is None:
            self._unmet.append(given)
            return
        receipt = Receipt(
            given.receipt,
            push.id,
            push.run,
            push.workflow,
            push.version,
            push.step,
            push.profile,
            push.subscriber,
            given.action,
            push.hops,
        )
        self._applier.receipt(SITE, receipt, id, now, now)

    # -- what an input led to ----------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Note what the input wants done, and have it come back: events first, for they are in the inbox before anything is sent."""
        deliveries, emitted, explanations = self._seen
        for entry in self._ledger.emitted[emitted:]:
            self._told += len(entry.body)
            if entry.kind is EntryKind.EVENT:
                self._note_event(_decode_event(entry.body))
            self._put(self._now, entry)
        for delivery in self._ledger.deliveries[deliveries:]:
            self._told += len(bytes(delivery.job))
            self._deliver(delivery)
        self._told += sum(len(bytes(one.body)) for one in self._ledger.explanations[explanations:])
        self._seen = (len(self._ledger.deliveries), len(self._ledger.emitted), len(self._ledger.explanations))

    def _note_event(self, event: Event) -> None:
        kept = self._ledger.runs.get(event.cause or "")
        if kept is None:
            return
        profile = kept.run.profile if event.profile_id is None else named_profile(event.profile_id)
        content = {"name": event.name, "data": msgspec.json.decode(event.data)}
        if event.workflow is not None:
            content["workflow"] = event.workflow
        self._sent.append(Sent(self._now, "event", kept.run.workflow, "", kept.run.id, profile, content))

    def _deliver(self, delivery: Delivery) -> None:
        answer = self._world.answer(delivery.kind, delivery.workflow, delivery.step)
        if delivery.kind == "http":
            self._note(delivery, _request(_decode_http(delivery.job)))
        elif delivery.effect != self._message:
            self._message = delivery.effect
            self._note(delivery, _message(_decode_push(delivery.job), delivery.effect))
            if answer.outcome == "sent":
                self._pushes[f"{delivery.workflow}/{delivery.step}"] = self._pushes[delivery.step] = delivery
        response = answer.response if delivery.kind == "http" else None
        over = ended(delivery, answer.outcome, self._now + answer.after, answer.status, response=response)
        self._put(over.at, over.told)

    def _note(self, delivery: Delivery, content: dict[str, Any]) -> None:
        self._sent.append(Sent(self._now, delivery.kind, delivery.workflow, delivery.step, delivery.run, delivery.profile, content))


def _message(job: PushJob, effect: str) -> dict[str, Any]:
    """A push as its receiver sees it; a tag only where the document gives one."""
    content: dict[str, Any] = msgspec.json.decode(job.payload)
    content |= {"urgency": job.urgency, "ttl": job.ttl}
    return {name: value for name, value in content.items() if name != "id" and (name != "tag" or value != effect)}


def _request(job: HttpJob) -> dict[str, Any]:
    """A request as it is shown: secrets by their names, as in the document."""
    headers = {name: _named(value) for name, value in job.headers.items()}
    body = None if job.body is None else msgspec.json.decode(_named(job.body))
    return {"method": job.method, "url": _named(job.url), "headers": headers, "body": body}


def _named(text: str) -> str:
    return replace_marks(text, lambda name: f"{{{{ secrets.{name} }}}}")
