"""What a batch has to read before it can be applied."""

from collections.abc import Iterable

from clarion.domain.ids import anonymous_profile, is_anonymous, is_broadcast, named_profile
from clarion.domain.records import Event, Scalar, Subscriber
from clarion.domain.system_events import (
    IDENTIFIED,
    SEGMENT_ADDED,
    SEGMENT_REMOVED,
    SUBSCRIBER_ADDED,
    SUBSCRIBER_REMOVED,
    SUBSCRIBER_UPDATED,
)
from clarion.engine.homes import ALONE, Homes
from clarion.engine.inputs import Body, Passed
from clarion.engine.notices import about_change, about_profile, about_push, about_subscriber, is_from_outside, name_of
from clarion.engine.programs import ProgramKey
from clarion.engine.registry import MOVE, Registry
from clarion.engine.tombstones import addressed, tombstone_key
from clarion.engine.wanted import Wanted
from clarion.store.outcomes import GONE
from clarion.store.records.batches import MemoryKey, SiteProfile
from clarion.store.records.bodies import (
    BroadcastStart,
    Carried,
    DeliveryOutcome,
    Erasure,
    Forwarded,
    Joined,
    Left,
    Merging,
    ProfileChange,
    Receipt,
    RunChange,
    Seen,
    SegmentChange,
    SiteChange,
    SubscriberChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.runs import DueRun, RunRow
from clarion.store.records.states import WorkflowState
from clarion.workflow.start import remembered_key


class Needs(Wanted):
    """Gathers what the inputs of a batch can touch: `add` and `add_runs`, then `asked`, then with what there is `asked_next`."""

    def __init__(self, registry: Registry, homes: Homes = ALONE) -> None:
        super().__init__(homes)
        self._registry = registry
        self.versions: set[ProgramKey] = set()

    def add(self, site: int, body: Body) -> None:
        """An entry's body names a subscriber, a profile, or a version."""
        match body:
            case Event():
                self._add_event(site, body)
            case SubscriberPut() | SubscriberChange() | ProfileChange() | Erasure():
                self._add_person(site, body)
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
            case Passed() | Joined() | Left() | Merging() | Seen():
                self._add_message(site, body)
            case BroadcastStart() | SegmentChange() | SiteChange() | None:
                self._add_request(site, body)

    def _add_request(self, site: int, asked: BroadcastStart | SegmentChange | SiteChange | None) -> None:
        """What concerns everybody touches nobody at once; but a broadcast may be for one profile only, which may live here."""
        if not isinstance(asked, BroadcastStart):
            return
        self._add_version(site, asked.workflow)
        if asked.profile is not None and self._homes.has_profile(site, asked.profile):
            self._profiles[SiteProfile(site, asked.profile)] = None

    def _add_person(self, site: int, change: SubscriberPut | SubscriberChange | ProfileChange | Erasure) -> None:
        """Somebody changes, or goes."""
        match change:
            case SubscriberPut():
                self._add_subscriber(site, change)
            case SubscriberChange():
                self._add_device(site, change)
            case ProfileChange():
                self._add_profile_change(site, change)
            case Erasure():
                self._add_erasure(site, change)

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
        if self._homes.partitions > 1 and is_anonymous(profile) and self._homes.has_profile(site, profile):
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
        elif event.profile is not None and self._homes.has_profile(site, event.profile):
            profile = event.profile
        if profile is not None:
            self._profiles[SiteProfile(site, profile)] = None
        if device is not None and (profile is None or listening or is_from_outside(event)):
            self._devices[SiteProfile(site, device)] = None
        if listening:
            self._remember(site, event, device, profile, listening)

    def _remember(self, site: int, event: Event, device: str | None, profile: str | None, listening: Iterable[WorkflowState]) -> None:
        """When the event's profile last started what listens for it: a given one, or those that the subscriber has or will have."""
        for state in listening:
            if is_broadcast(state.workflow):
                continue  # no start of one is remembered
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

    def _add_message(self, site: int, message: Passed | Joined | Left | Merging | Seen) -> None:
        said = addressed(message)
        if said is not None:
            self._memory[tombstone_key(site, said[0])] = None
        match message:
            case Passed():
                self._add_passed(site, message)
            case Joined():
                self._add_joined(site, message)
            case Left():
                self._devices[SiteProfile(site, message.device_token_hash)] = None
                self._profiles[SiteProfile(site, message.profile)] = None
                if message.into is not None:
                    self._merge(site, message.profile, message.into)
            case Merging():
                self._profiles[SiteProfile(site, message.profile)] = None
                self._add_carried(site, message.profile, message.carried)
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
            case SubscriberChange():
                self._remember_change(site, body, head.profile)
            case ProfileChange():
                self._remember_profile_change(site, body, None, head.profile)
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
        if joined.carried is not None:
            self._add_carried(site, profile, joined.carried)

    def _add_carried(self, site: int, profile: str, carried: Carried) -> None:
        """What comes to a profile of this partition from one that becomes part of it."""
        self._memory |= {MemoryKey(site, one.workflow, one.key, profile): None for one in carried.memory}
        self.versions |= {(site, row.workflow, row.version) for row in carried.runs}
        for workflow in carried.heard:
            state = self._registry.state(site, workflow)
            heard = () if state is None else state.heard
            self.versions |= {(site, workflow, directive.version) for directive in heard if directive.runs == MOVE}

    # -- registrations and reports -----------------------------------------------------------------------------------

    def _add_subscriber(self, site: int, put: SubscriberPut) -> None:
        device = SiteProfile(site, put.device_token_hash)
        self._devices[device] = None
        own = profile = anonymous_profile(put.device_token_hash)
        self._profiles[SiteProfile(site, own)] = None
        if put.profile_id is not None:
            profile = named_profile(put.profile_id)
            self._join(site, put.device_token_hash, profile)
        elif put.follows is not None:
            profile = put.follows
        if not self._homes.has_profile(site, profile):
            return
        if profile == put.follows:
            self._profiles[SiteProfile(site, profile)] = None
            self._merge(site, profile)
        self._joined.setdefault((site, put.device_token_hash), []).append(profile)
        for name in _told_of(put):
            if listening := self._registry.listening(site, name):
                event = about_subscriber("", name, put.device_token_hash, put.facts, 0, told=put.attributes)
                self._remember(site, event, put.device_token_hash, None, listening)

    def _join(self, site: int, device: str, profile: str) -> None:
        """A subscriber joins a named profile. It may belong to its own anonymous one by then, which the store does not know yet."""
        self._joining[SiteProfile(site, device)] = None
        self._merge(site, anonymous_profile(device), profile)
        if self._homes.has_profile(site, profile):
            self._profiles[SiteProfile(site, profile)] = None

    def _merge(self, site: int, source: str, target: str | None = None) -> None:
        """A profile of this partition may become part of another; None: it is not known yet of which."""
        if not is_anonymous(source):
            return
        targets = self._merging.setdefault(SiteProfile(site, source), {})
        if target is not None and self._homes.has_profile(site, target):
            targets[target] = None
            self._profiles[SiteProfile(site, target)] = None

    def _add_device(self, site: int, change: SubscriberChange) -> None:
        """A subscriber changes, at home."""
        device = change.device_token_hash
        self._devices[SiteProfile(site, device)] = None
        if change.change == "identify" and change.profile_id is not None:
            profile = named_profile(change.profile_id)
            self._join(site, device, profile)
            if self._homes.has_profile(site, profile):
                self._joined.setdefault((site, device), []).append(profile)
        elif change.change == "logout":
            self._logouts[site, device] = self._logouts.get((site, device), 0) + 1
        self._remember_change(site, change, None)

    def _remember_change(self, site: int, change: SubscriberChange, profile: str | None) -> None:
        """As `_remember`, of the event that a change of a subscriber brings."""
        device = change.device_token_hash
        subscriber = Subscriber(device, "", "", "", "")
        match change.change:
            case "identify":
                event: Event | None = about_subscriber("", IDENTIFIED, device, {}, 0)
            case "logout":
                return  # its profile is to be made
            case "unsubscribe" | "subscribe" | "forget" | "update":
                event = about_change(change, subscriber, "", 0)
            case _:
                return
        if event is not None and (listening := self._registry.listening(site, event.name)):
            self._remember(site, event, device, profile, listening)

    def _add_profile_change(self, site: int, change: ProfileChange) -> None:
        """A profile changes: one that is named, or that of a subscriber of this home."""
        if change.profile_id is not None:
            profile = named_profile(change.profile_id)
            self._profiles[SiteProfile(site, profile)] = None
            self._remember_profile_change(site, change, None, profile)
        elif change.device_token_hash is not None:
            self._devices[SiteProfile(site, change.device_token_hash)] = None
            self._remember_profile_change(site, change, change.device_token_hash, None)

    def _remember_profile_change(self, site: int, change: ProfileChange, device: str | None, profile: str | None) -> None:
        """As `_remember`, of the events that a change of a profile brings."""
        told: list[tuple[str, dict[str, Scalar]]] = []
        if change.set or change.remove or change.replace:
            told.append((SUBSCRIBER_UPDATED, change.set))
        told += [(SEGMENT_ADDED, {"segment": segment}) for segment in change.enter]
        told += [(SEGMENT_REMOVED, {"segment": segment}) for segment in change.leave]
        for name, data in told:
            if listening := self._registry.listening(site, name):
                self._remember(site, about_profile("", name, profile or named_profile(""), data, 0), device, profile, listening)

    def _add_erasure(self, site: int, erasure: Erasure) -> None:
        """Who is erased, as far as that is here."""
        for device in erasure.subscribers:
            if self._homes.has_subscriber(site, device):
                self._devices[SiteProfile(site, device)] = None
        for profile in erasure.profiles:
            self._profiles[SiteProfile(site, profile)] = None
            if erasure.after:
                self._memory[tombstone_key(site, profile)] = None

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

    def add_profiles(self, site: int, profiles: Iterable[str]) -> None:
        """Profiles that are to be touched, by their keys."""
        for profile in profiles:
            self._profiles[SiteProfile(site, profile)] = None


def _told_of(put: SubscriberPut) -> tuple[str, ...]:
    """Names of the system events that a registration may bring."""
    return (SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED) if put.profile_id is None else (SUBSCRIBER_ADDED, SUBSCRIBER_UPDATED, IDENTIFIED)
