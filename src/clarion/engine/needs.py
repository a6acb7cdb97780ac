"""What a batch has to read before it can be applied."""

from collections.abc import Iterable

import msgspec

from clarion.domain.ids import PROFILE_ANONYMOUS, anonymous_profile, named_profile
from clarion.domain.records import Event
from clarion.domain.system_events import IDENTIFIED, SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED, SUBSCRIBER_UPDATED
from clarion.engine.homes import ALONE, Homes
from clarion.engine.inputs import Body, Passed
from clarion.engine.ledger import Remembered
from clarion.engine.notices import about_push, about_subscriber, name_of
from clarion.engine.programs import ProgramKey
from clarion.engine.registry import MOVE, Registry
from clarion.store.outcomes import GONE
from clarion.store.records.batches import Asked, Facts, MemoryKey, SiteProfile
from clarion.store.records.bodies import (
    DeliveryOutcome,
    Forwarded,
    Joined,
    Left,
    Receipt,
    RunChange,
    Seen,
    SiteChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.runs import DueRun, RunRow
from clarion.store.records.states import WorkflowState
from clarion.workflow.start import remembered_key


class Needs:
    """Gathers what the inputs of a batch can touch: `add` and `add_runs`, then `asked`, then with what there is `asked_next`."""

    def __init__(self, registry: Registry, homes: Homes = ALONE) -> None:
        self._registry, self._homes = registry, homes
        self._devices: dict[SiteProfile, None] = {}
        self._profiles: dict[SiteProfile, None] = {}
        self._memory: dict[MemoryKey, None] = {}
        self._joining: dict[SiteProfile, None] = {}
        self._runs: dict[str, None] = {}
        self._joined: dict[tuple[int, str], list[str]] = {}
        """By subscriber: the profiles that it may come to belong to in this batch, in order."""
        self._senders: dict[str, tuple[SiteProfile, str]] = {}
        """By run whose push somebody reports on: the subscriber, and the profile that it belonged to when the push went out."""
        self.versions: set[ProgramKey] = set()

    def add(self, site: int, body: Body) -> None:
        """An entry's body names a subscriber, a profile, or a version."""
        match body:
            case Event():
                self._add_event(site, body)
            case SubscriberPut():
                self._add_subscriber(site, body)
            case DeliveryOutcome():
                if body.subscriber is not None:
                    self._add_report(site, body, body.subscriber)
                if body.response is not None:
                    self._add_result(site, body)
            case Receipt():
                self._add_report(site, body, body.subscriber)
            case RunChange():
                self._add_change(site, body)
            case WorkflowChange():
                if body.version:
                    self.versions.add((site, body.workflow, body.version))
                else:
                    self._add_version(site, body.workflow)
            case Passed() | Joined() | Left() | Seen():
                self._add_message(site, body)
            case SiteChange() | None:
                pass

    def _add_version(self, site: int, workflow: str) -> None:
        """The current version of a workflow, also of an archived one."""
        state = self._registry.state(site, workflow)
        if state is not None:
            self.versions.add((site, workflow, state.version))

    def _add_change(self, site: int, change: RunChange) -> None:
        self._runs[change.run] = None
        self._add_version(site, change.workflow)
        self._add_left(site, change.profile)

    def _add_result(self, site: int, outcome: DeliveryOutcome) -> None:
        """Of a request that a run waits for."""
        self._runs[outcome.run] = None
        self._add_left(site, outcome.profile)

    def _add_left(self, site: int, profile: str) -> None:
        """An anonymous profile says whose part it is by now, which matters where that may be elsewhere."""
        if self._homes.partitions > 1 and profile.startswith(PROFILE_ANONYMOUS) and self._homes.has_profile(site, profile):
            self._profiles[SiteProfile(site, profile)] = None

    def _listening(self, site: int, event: Event) -> tuple[WorkflowState, ...]:
        if event.workflow is None:
            return self._registry.listening(site, event.name)
        self._add_version(site, event.workflow)
        state = self._registry.active(site, event.workflow)
        return () if state is None else (state,)

    def _add_event(self, site: int, event: Event) -> None:
        device, profile, listening = event.device_token_hash, None, self._listening(site, event)
        if event.profile_id is not None:
            profile = named_profile(event.profile_id)
            self._profiles[SiteProfile(site, profile)] = None
        if device is not None and (profile is None or listening or event.cause is None):  # what a run sends shows nobody active
            self._devices[SiteProfile(site, device)] = None
        if listening:
            self._remember(site, event, device, profile, listening)

    def _remember(self, site: int, event: Event, device: str | None, profile: str | None, listening: Iterable[WorkflowState]) -> None:
        """When the event's profile last started what listens for it: a given one, or those that the subscriber has or will have."""
        for state in listening:
            program = self._registry.program(site, state.workflow, state.version)
            key = None if program is None else remembered_key(program, event)
            if key is None:
                continue
            if profile is not None:
                self._memory[MemoryKey(site, state.workflow, key, profile)] = None
                continue
            self._memory[MemoryKey(site, state.workflow, key, None, device)] = None
            for other in self._joined.get((site, device or ""), ()):
                self._memory[MemoryKey(site, state.workflow, key, other)] = None

    # -- messages ----------------------------------------------------------------------------------------------------

    def _add_message(self, site: int, message: Passed | Joined | Left | Seen) -> None:
        match message:
            case Passed():
                self._add_passed(site, message)
            case Joined():
                self._add_joined(site, message)
            case Left():
                self._devices[SiteProfile(site, message.device_token_hash)] = None
                self._profiles[SiteProfile(site, message.profile)] = None
            case Seen():
                self._devices[SiteProfile(site, message.device_token_hash)] = None

    def _add_passed(self, site: int, passed: Passed) -> None:
        """What was passed on to a profile of this partition, or to a run of it."""
        head, body = passed.head, passed.body
        self._profiles[SiteProfile(site, head.profile)] = None
        if head.subscriber is not None:
            self._devices[SiteProfile(site, head.subscriber.device_token_hash)] = None
        match body:
            case Event():
                self._remember(site, body, None, head.profile, self._listening(site, body))
            case DeliveryOutcome() | Receipt():
                self._add_passed_report(site, head, body)
            case RunChange():
                self._add_change(site, body)
            case Seen():
                pass

    def _add_passed_report(self, site: int, head: Forwarded, report: DeliveryOutcome | Receipt) -> None:
        device = report.subscriber
        if device is None or head.to_sender:
            self._runs[report.run] = None
        else:
            self._devices[SiteProfile(site, device)] = None
            self._remember_report(site, report, device, head.profile)

    def _add_joined(self, site: int, joined: Joined) -> None:
        put, profile = joined.put, joined.subscriber.profile
        self._devices[SiteProfile(site, put.device_token_hash)] = None
        self._profiles[SiteProfile(site, profile)] = None
        for name in _told_of(put):
            if listening := self._registry.listening(site, name):
                event = about_subscriber("", name, put.device_token_hash, joined.subscriber.facts, 0, told=put.attributes)
                self._remember(site, event, None, profile, listening)
        if joined.carried is None:
            return
        self._memory |= {MemoryKey(site, one.workflow, one.key, profile): None for one in joined.carried.memory}
        self.versions |= {(site, row.workflow, row.version) for row in joined.carried.runs}
        for workflow in joined.carried.heard:
            state = self._registry.state(site, workflow)
            heard = () if state is None else state.heard
            self.versions |= {(site, workflow, directive.version) for directive in heard if directive.runs == MOVE}

    # -- registrations and reports -----------------------------------------------------------------------------------

    def _add_subscriber(self, site: int, put: SubscriberPut) -> None:
        device = SiteProfile(site, put.device_token_hash)
        self._devices[device] = None
        profile = anonymous_profile(put.device_token_hash)
        self._profiles[SiteProfile(site, profile)] = None
        if put.profile_id is not None:
            profile = named_profile(put.profile_id)
            self._joining[device] = None
            if not self._homes.has_profile(site, profile):
                return
            self._profiles[SiteProfile(site, profile)] = None
        self._joined.setdefault((site, put.device_token_hash), []).append(profile)
        for name in _told_of(put):
            if listening := self._registry.listening(site, name):
                event = about_subscriber("", name, put.device_token_hash, put.facts, 0, told=put.attributes)
                self._remember(site, event, put.device_token_hash, None, listening)

    def _add_report(self, site: int, report: DeliveryOutcome | Receipt, device: str) -> None:
        """What became of a push. A run's key that depends on what the subscriber has told before is asked for when it is known."""
        self._devices[SiteProfile(site, device)] = None
        self._senders[report.run] = (SiteProfile(site, device), report.profile)
        self._add_left(site, report.profile)
        self._remember_report(site, report, device, None)

    def _remember_report(self, site: int, report: DeliveryOutcome | Receipt, device: str, profile: str | None) -> None:
        """As `_remember`, of the events that a report brings."""
        if listening := self._registry.listening(site, name_of(report)):
            self._remember(site, about_push(report, device, "", 0), device, profile, listening)
        is_gone = isinstance(report, DeliveryOutcome) and report.outcome == GONE
        if is_gone and (listening := self._registry.listening(site, SUBSCRIBER_REMOVED)):
            self._remember(site, about_subscriber("", SUBSCRIBER_REMOVED, device, {}, 0), device, profile, listening)

    def add_runs(self, runs: Iterable[RunRow | DueRun]) -> None:
        """Runs that are to be touched."""
        for run in runs:
            self._profiles[SiteProfile(run.site, run.profile)] = None

    def asked(self) -> Asked:
        """What to ask the store for."""
        return Asked(list(self._devices), list(self._profiles), list(self._memory), list(self._joining), list(self._runs))

    def asked_next(self, facts: Facts) -> Asked | None:
        """What to ask for once these facts are there; None: nothing.

        Where profiles become one, the later start of each workflow counts: what the named one remembers is needed under every key that the
        anonymous one has. And a push may have been sent by a run of another profile than its subscriber belongs to by now.
        """
        memory = self._joint_memory(facts) if self._joining else []
        runs = self._strange_runs(facts) if self._senders else []
        self._memory |= dict.fromkeys(memory)
        return Asked(memory=memory, runs=runs) if memory or runs else None

    def _joint_memory(self, facts: Facts) -> list[MemoryKey]:
        found: dict[MemoryKey, None] = {}
        for device in self._joining:
            site, source = device.site, anonymous_profile(device.value)
            keys = {(one.workflow, one.key): None for one in facts.memory if (one.site, one.profile) == (site, source)}
            keys |= {
                (one.workflow, one.key): None
                for one in self._memory
                if one.site == site and (one.device_token_hash == device.value or one.profile == source)
            }
            for target in self._joined.get((site, device.value), ()):
                if target != source:
                    found |= {MemoryKey(site, workflow, key, target): None for workflow, key in keys}
        return [key for key in found if key not in self._memory]

    def _strange_runs(self, facts: Facts) -> list[str]:
        owners = {(site, one.device_token_hash): one.profile for site, one in facts.subscribers}
        strange = [run for run, (device, profile) in self._senders.items() if owners.get((device.site, device.value), profile) != profile]
        known = {row.id for row in facts.runs} if strange else set()
        return [run for run in strange if run not in known]

    def remembered(self, facts: Facts) -> Remembered:
        """Which memory was read, when all that was asked for is there."""
        if not self._memory and not self._joining:
            return Remembered(set())
        owners = {(site, one.device_token_hash): one.profile for site, one in facts.subscribers}
        keys = set()
        for one in self._memory:
            profile = one.profile or owners.get((one.site, one.device_token_hash or ""))
            if profile is not None:
                keys.add((one.site, one.workflow, profile, one.key))
        joining = [(one.site, owners.get((one.site, one.value))) for one in self._joining]
        return Remembered(keys, {(site, profile) for site, profile in joining if profile is not None})


def _told_of(put: SubscriberPut) -> tuple[str, ...]:
    """Names of the system events that a registration may bring."""
    return (SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED) if put.profile_id is None else (SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED, IDENTIFIED)


def together(facts: Facts, more: Facts) -> Facts:
    """What was asked for first and what was asked for next."""
    return msgspec.structs.replace(
        facts,
        subscribers=[*facts.subscribers, *more.subscribers],
        profiles=[*facts.profiles, *more.profiles],
        runs=[*facts.runs, *more.runs],
        memory=[*facts.memory, *more.memory],
    )
