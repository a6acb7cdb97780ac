"""What a batch has to read before it can be applied."""

from collections.abc import Iterable

import msgspec

from clarion.domain.ids import anonymous_profile, named_profile
from clarion.domain.records import Event
from clarion.domain.system_events import IDENTIFIED, SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED, SUBSCRIBER_UPDATED
from clarion.engine.ledger import Remembered
from clarion.engine.notices import about_push, about_subscriber, name_of
from clarion.engine.registry import ProgramKey, Registry
from clarion.store.records.batches import Asked, Facts, MemoryKey, SiteProfile
from clarion.store.records.bodies import DeliveryOutcome, Receipt, RunChange, SiteChange, SubscriberPut, WorkflowChange
from clarion.store.records.runs import DueRun, RunRow
from clarion.store.records.states import WorkflowState
from clarion.workflow.start import remembered_key

Body = Event | SubscriberPut | DeliveryOutcome | Receipt | RunChange | WorkflowChange | SiteChange | None
"""Of an entry; None for one without."""


class Needs:
    """Gathers what the inputs of a batch can touch: `add` and `add_runs`, then `asked`, then with what there is `asked_next`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
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
                if body.response is not None:  # a run waits for it
                    self._runs[body.run] = None
            case Receipt():
                self._add_report(site, body, body.subscriber)
            case RunChange():
                self._runs[body.run] = None
                self._add_version(site, body.workflow)
            case WorkflowChange():
                if body.version:
                    self.versions.add((site, body.workflow, body.version))
                else:
                    self._add_version(site, body.workflow)
            case SiteChange() | None:
                pass

    def _add_version(self, site: int, workflow: str) -> None:
        """The current version of a workflow, also of an archived one."""
        state = self._registry.state(site, workflow)
        if state is not None:
            self.versions.add((site, workflow, state.version))

    def _add_event(self, site: int, event: Event) -> None:
        device, profile = event.device_token_hash, None
        if event.workflow is None:
            listening = self._registry.listening(site, event.name)
        else:
            self._add_version(site, event.workflow)
            state = self._registry.active(site, event.workflow)
            listening = () if state is None else (state,)
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

    def _add_subscriber(self, site: int, put: SubscriberPut) -> None:
        device = SiteProfile(site, put.device_token_hash)
        self._devices[device] = None
        profile = anonymous_profile(put.device_token_hash)
        self._profiles[SiteProfile(site, profile)] = None
        if put.profile_id is not None:
            profile = named_profile(put.profile_id)
            self._profiles[SiteProfile(site, profile)] = None
            self._joining[device] = None
        self._joined.setdefault((site, put.device_token_hash), []).append(profile)
        names = [SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED] if put.profile_id is None else [SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED, IDENTIFIED]
        for name in names:
            if listening := self._registry.listening(site, name):
                event = about_subscriber("", name, put.device_token_hash, put.facts, 0, told=put.attributes)
                self._remember(site, event, put.device_token_hash, None, listening)

    def _add_report(self, site: int, report: DeliveryOutcome | Receipt, device: str) -> None:
        """What became of a push. A run's key that depends on what the subscriber has told before is asked for when it is known."""
        self._devices[SiteProfile(site, device)] = None
        self._senders[report.run] = (SiteProfile(site, device), report.profile)
        if listening := self._registry.listening(site, name_of(report)):
            self._remember(site, about_push(report, device, "", 0), device, None, listening)
        is_gone = isinstance(report, DeliveryOutcome) and report.outcome == "gone"
        if is_gone and (listening := self._registry.listening(site, SUBSCRIBER_REMOVED)):
            self._remember(site, about_subscriber("", SUBSCRIBER_REMOVED, device, {}, 0), device, None, listening)

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
            for target in self._joined[site, device.value]:
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


def together(facts: Facts, more: Facts) -> Facts:
    """What was asked for first and what was asked for next."""
    return msgspec.structs.replace(
        facts,
        subscribers=[*facts.subscribers, *more.subscribers],
        profiles=[*facts.profiles, *more.profiles],
        runs=[*facts.runs, *more.runs],
        memory=[*facts.memory, *more.memory],
    )
