"""A partition in memory: entries and timers go in, outcomes are applied to plain dictionaries, as a store would."""

from typing import Any

import msgspec

from clarion.domain.records import Event, Profile, Subscriber
from clarion.engine.batch import Batch
from clarion.engine.homes import ALONE, Homes
from clarion.engine.inputs import decode
from clarion.engine.needs import Needs
from clarion.engine.programs import Programs
from clarion.engine.registry import Registry
from clarion.engine.sweeps import Underway
from clarion.engine.wanted import together
from clarion.store.records.batches import Asked, Facts
from clarion.store.records.bodies import (
    BroadcastStart,
    DeliveryOutcome,
    Erasure,
    ProfileChange,
    Receipt,
    RunChange,
    SegmentChange,
    SubscriberChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import Entry, EntryKind, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import DueRun, EntryMemory, RunRow
from clarion.store.records.states import PartitionState, SegmentState, Sweep, WorkflowState
from clarion.store.records.workflows import WorkflowVersion
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import canonical, parse_canonical, read_document

SITE = 1
SECOND = 1_000_000
HOUR = 3_600 * SECOND


class Versions:
    """The only part of the store that a registry needs."""

    def __init__(self) -> None:
        self.documents: dict[tuple[int, str, int], bytes] = {}

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        document = self.documents[site, workflow, version]
        return WorkflowVersion(site, workflow, version, msgspec.Raw(document), "", 0)


class Partition:
    """Applies batches and remembers what they left."""

    def __init__(self, homes: Homes = ALONE, versions: Versions | None = None) -> None:
        self.versions = versions or Versions()
        self.homes = homes
        self.registry = Registry(Programs(self.versions))
        self.state = PartitionState(homes.here, 1, 0, 0, 0)
        self.timers = 1000
        self.sweep = True
        """Whether runs hear of a publish before anything else is applied, as with an owner; else each before its next input."""
        self.hurries = False
        """Whether each batch is over after its first input."""
        self.in_pieces = False
        """Whether it goes on then, with what has become of that input on its way to the store, as with an owner."""
        self.learnt = 0
        """How often memory had to be read in the middle of a batch."""
        self.piece = 1000
        """How many runs hear of a publish in one batch."""
        self.profiles: dict[tuple[int, str], Profile] = {}
        self.subscribers: dict[tuple[int, str], Subscriber] = {}
        self.runs: dict[str, RunRow] = {}
        self.memory: dict[tuple[int, str, str, str], EntryMemory] = {}
        self.workflows: dict[tuple[int, str], WorkflowState] = {}
        self.segments: dict[tuple[int, str], SegmentState] = {}
        self.sweeps: dict[tuple[int, str], Sweep] = {}
        """What is still to be done with all profiles; `sweep_some` does a piece of it."""
        self.deliveries: dict[str, Delivery] = {}
        self.explanations: list[Explanation] = []
        self.poisoned: list[Poisoned] = []
        self.outcomes: list[Outcome] = []
        self.inbox: list[NewEntry] = []
        self.counts: dict[tuple[str, int, str, str, str], int] = {}
        """By workflow, version, step, name, branch."""
        self._position = 0
        self._compiled: dict[tuple[str, int], Program] = {}

    def _next(self) -> int:
        self._position += 1
        return self._position

    def program(self, workflow: str, version: int) -> Program:
        """Any version that was published."""
        found = self._compiled.get((workflow, version))
        if found is None:
            document = self.versions.documents[SITE, workflow, version]
            found = self._compiled[workflow, version] = compile_program(parse_canonical(document), version)
        return found

    # -- entries -----------------------------------------------------------------------------------------------------

    def entry(self, kind: EntryKind, body: object, id: str | None = None, received: int = 0) -> Entry:
        self._next()
        return Entry(self._position, kind, SITE, id or f"entry{self._position}", msgspec.Raw(msgspec.json.encode(body)), received)

    def event(self, name: str, id: str | None = None, device: str | None = None, profile: str | None = "p", **data: Any) -> Entry:
        id = id or f"event{self._position + 1}"
        received = data.pop("received", 0)
        timestamp = data.pop("timestamp", None)
        hops = data.pop("hops", 0)
        raw = msgspec.Raw(msgspec.json.encode(data))
        return self.entry(EntryKind.EVENT, Event(id, name, device, profile, raw, timestamp, received, hops), id, received)

    def subscriber(self, device: str, profile_id: str | None = None, **more: Any) -> Entry:
        return self.entry(EntryKind.SUBSCRIBER, SubscriberPut(device, f"https://push.example/{device}", "k", "a", profile_id, **more))

    def device(self, device: str, change: str, profile_id: str | None = None, **more: Any) -> Entry:
        return self.entry(EntryKind.DEVICE, SubscriberChange(device, change, profile_id, **more))

    def profile(self, profile_id: str | None = "p", device: str | None = None, **more: Any) -> Entry:
        return self.entry(EntryKind.PROFILE, ProfileChange(profile_id, device, **more))

    def erase(self, profiles: tuple[str, ...], subscribers: tuple[str, ...] = ()) -> Entry:
        return self.entry(EntryKind.ERASE, Erasure(profiles, subscribers))

    def publish(self, text: str, runs: str = "keep") -> Entry:
        document = read_document(text)
        version = max((v for _, w, v in self.versions.documents if w == document.workflow), default=0) + 1
        self.versions.documents[SITE, document.workflow, version] = canonical(document)
        return self.entry(EntryKind.WORKFLOW, WorkflowChange(document.workflow, "publish", version, runs))

    def change(self, workflow: str, change: str, skip_older_than: int | None = None) -> Entry:
        return self.entry(EntryKind.WORKFLOW, WorkflowChange(workflow, change, skip_older_than=skip_older_than))

    def define(self, segment: str, condition: dict[str, Any] | None, *, offers: bool = False) -> Entry:
        return self.entry(EntryKind.SEGMENT, SegmentChange(segment, "define", condition, offers))

    def undefine(self, segment: str, *, offers: bool = False) -> Entry:
        return self.entry(EntryKind.SEGMENT, SegmentChange(segment, "forget", offers=offers))

    def broadcast(self, workflow: str, profile: str | None = None) -> Entry:
        return self.entry(EntryKind.BROADCAST, BroadcastStart(workflow.removeprefix("broadcast-"), workflow, 1, profile))

    def operator(self, run: str, change: str, **more: Any) -> Entry:
        return self.entry(EntryKind.RUN, RunChange(run, self.runs[run].workflow, change, **more))

    def receipt(self, delivery: str, event: str, **more: Any) -> Entry:
        """What a receiver did with a push."""
        sent = self.deliveries[delivery]
        return self.entry(
            EntryKind.RECEIPT,
            Receipt(
                event,
                sent.id,
                sent.run,
                sent.workflow,
                sent.version,
                sent.step,
                sent.profile,
                sent.subscriber or "",
                hops=sent.hops,
                **more,
            ),
        )

    def outcome(self, delivery: str, outcome: str, **more: Any) -> Entry:
        """How a delivery ended. An awaited request is answered with `{}` unless given."""
        sent = self.deliveries[delivery]
        if sent.kind == "http" and msgspec.json.decode(sent.job).get("capture"):
            more = {"response": {}} | more
        return self.entry(
            EntryKind.OUTCOME,
            DeliveryOutcome(
                sent.id, sent.effect, sent.run, sent.workflow, sent.step, sent.kind, outcome, sent.profile, sent.subscriber,
                hops=sent.hops, version=sent.version, **more,
            ),
        )  # fmt: skip

    def emitted(self) -> list[Entry]:
        """What runs have sent back in and what is not applied yet, as the inbox gives it."""
        entries = [Entry(self._next(), one.kind, one.site, one.id, msgspec.Raw(one.body), one.received) for one in self.inbox]
        self.inbox.clear()
        return entries

    # -- batches -----------------------------------------------------------------------------------------------------

    async def apply(self, *entries: Entry, at: int) -> Outcome:
        """One batch at a log time."""
        due = self.due(at)
        await self.registry.fetch(())
        needs = Needs(self.registry, self.homes)
        needs.add_runs(due)
        bodies = [decode(entry) for entry in entries]
        for entry, body in zip(entries, bodies, strict=True):
            needs.add(entry.site, body)
        batch = await self._batch(needs, due, at)
        rest: tuple[Entry, ...] = ()
        for index, (entry, body) in enumerate(zip(entries, bodies, strict=True)):
            while not (is_taken := batch.apply(entry, body, self.timers)) and (batch.unread is not None or self._goes_on(batch)):
                if batch.unread is not None:
                    self.learnt += 1
                    batch.learn(self._facts(Asked(memory=[batch.unread])).memory)
            if not is_taken:
                rest = entries[index:]
                break
        else:
            batch.fire_timers(self.timers)
            while self._goes_on(batch):
                batch.fire_timers(self.timers)
        outcome = batch.outcome()
        self._take(outcome)
        if batch.is_blocked:
            await self.sweep_up(at)
        for site, workflow in batch.directed:
            if self.sweep:
                await self._direct(site, workflow, at)
        for site, workflow in batch.resumed:
            again = [run for run in self.runs.values() if (run.site, run.workflow, run.held) == (site, workflow, True)]
            self.runs |= {run.id: msgspec.structs.replace(run, held=False) for run in again}
        return await self.apply(*rest, at=at + batch.asked) if rest else outcome

    def due(self, at: int) -> list[DueRun]:
        """Timers of runs and profiles."""
        runs = [
            DueRun(run.id, run.due, run.site, run.profile)
            for run in self.runs.values()
            if run.status == "waiting" and run.due is not None and run.due <= at and not run.held
        ]
        profiles = [
            DueRun("", one.recheck, site, one.key)
            for (site, _), one in self.profiles.items()
            if one.recheck is not None and one.recheck <= at
        ]
        return sorted([*runs, *profiles], key=lambda one: (one.due, one.id, one.site, one.profile))

    def next_of(self, id: str) -> str | None:
        """Key of the profile whose turn it is next in a sweep; None: there is none."""
        [one] = [one for one in self.registry.sweeps() if one.sweep.id == id]
        keys = (key for (site, key), profile in self.profiles.items() if site == one.sweep.site and profile.merged is None)
        return min((key for key in keys if key > one.sweep.cursor), default=None)

    async def sweep_some(self, id: str, at: int, most: int = 1) -> bool:
        """The next profiles have their turn, as with an owner; returns whether there were any."""
        [one] = [one for one in self.registry.sweeps() if one.sweep.id == id]
        site = one.sweep.site
        keys = sorted(key for (where, key), profile in self.profiles.items() if where == site and profile.merged is None)
        page = [self.profiles[site, key] for key in keys if key > one.sweep.cursor][:most]
        if not page:
            self._take(Outcome(self.state, ended_sweeps=[one.key]))
            self.registry.end_sweep(*one.key)
            return False
        await self.registry.fetch(())
        needs = Needs(self.registry, self.homes)
        needs.add_profiles(site, [profile.key for profile in page if one.concerns(profile)])
        batch = await self._batch(needs, [], at, one)
        batch.swept(page[-1].key, len(page))
        self._take(batch.outcome())
        self.registry.put_sweep(self.sweeps[one.key])
        return True

    async def sweep_all(self, at: int, most: int = 1000) -> None:
        """Everything that was asked for is done, by turns."""
        while self.sweeps:
            for _, id in list(self.sweeps):
                await self.sweep_some(id, at, most)

    def _goes_on(self, batch: Batch) -> bool:
        if not (self.in_pieces and batch.is_cut):
            return False
        self._take(batch.outcome())
        batch.go_on()
        return True

    async def pump(self, at: int) -> None:
        """Apply what runs send back in until nothing comes any more."""
        while self.inbox:
            await self.apply(*self.emitted(), at=at)

    async def sweep_up(self, at: int) -> None:
        """Let every run hear of every publish."""
        for site, workflow in list(self.workflows):
            await self._direct(site, workflow, at)

    async def _direct(self, site: int, workflow: str, at: int) -> None:
        """Let every run hear of a publish, then forget it, as the owner does in pieces."""
        state = self.workflows[site, workflow]
        behind = [run for run in self.runs.values() if (run.site, run.workflow, run.status) == (site, workflow, "waiting")]
        behind.sort(key=lambda run: run.id)
        if not state.directives:
            return
        for start in range(0, len(behind), self.piece):
            needs = Needs(self.registry, self.homes)
            needs.add_runs(behind[start : start + self.piece])
            self._take((await self._batch(needs, [], at)).outcome())
        self.workflows[site, workflow] = state = msgspec.structs.replace(state, directives=())
        self.registry.put(state)

    async def _batch(self, needs: Needs, due: list[DueRun], at: int, sweep: Underway | None = None) -> Batch:
        facts = self._facts(needs.asked())
        more = needs.asked_next(facts)
        if more is not None:
            facts = together(facts, self._facts(more))
        await self.registry.fetch(needs.versions | {(run.site, run.workflow, run.version) for run in facts.runs})
        batch = Batch(
            self.state,
            self.registry,
            facts,
            due,
            at,
            partitions=self.homes.partitions,
            remembered=needs.remembered(facts),
            is_over=lambda: self.hurries,
            sweep=sweep,
        )
        while not batch.prepare():
            pass
        return batch

    def _facts(self, asked: Asked) -> Facts:
        """What the store would give, and no more."""
        owner = {(site, device): one.profile for (site, device), one in self.subscribers.items()}
        named = {(one.site, one.value) for one in asked.named}
        people = {(one.site, one.value) for one in asked.profiles} | {(at[0], owner[at]) for at in named if at in owner}
        wanted = [self.runs[run] for run in asked.runs if run in self.runs]
        people |= {(run.site, run.profile) for run in wanted}
        joining = {(one.site, owner.get((one.site, one.value))) for one in asked.joining}
        joining |= {(one.site, one.value) for one in asked.merging}
        runs = [
            run
            for run in self.runs.values()
            if run in wanted
            or (run.status == "failed" and (run.site, run.profile) in joining)
            or ((run.status == "waiting" or (run.goal_until or -1) >= self.state.log_time) and (run.site, run.profile) in people)
        ]
        entered = {(run.site, msgspec.json.decode(run.state)["entry"].get("device_token_hash")) for run in runs}
        memory = {
            (one.site, one.profile or owner.get((one.site, one.device_token_hash or "")), one.workflow, one.key) for one in asked.memory
        }
        return Facts(
            [
                (at[0], one)
                for at, one in self.subscribers.items()
                if at in named or at in entered or (one.active and (at[0], one.profile) in people)
            ],
            [(site, one) for (site, key), one in self.profiles.items() if (site, key) in people],
            runs,
            [
                one
                for one in self.memory.values()
                if (one.site, one.profile, one.workflow, one.key) in memory or (one.site, one.profile) in joining
            ],
        )

    def _take(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.state = outcome.state
        self._erase(outcome.erased)
        self.profiles |= {(site, one.key): one for site, one in outcome.profiles}
        self.subscribers |= {(site, one.device_token_hash): one for site, one in outcome.subscribers}
        self.runs |= {run.id: run for run in outcome.runs}
        self.memory |= {(one.site, one.workflow, one.profile, one.key): one for one in outcome.memory}
        self.workflows |= {(one.site, one.workflow): one for one in outcome.workflows}
        self.segments |= {(one.site, one.segment): one for one in outcome.segments}
        self.sweeps |= {(one.site, one.id): one for one in outcome.sweeps}
        for gone_segment in outcome.gone_segments:
            self.segments.pop(gone_segment, None)
        for ended in outcome.ended_sweeps:
            self.sweeps.pop(ended, None)
        self.deliveries |= {one.id: one for one in outcome.deliveries}
        self.explanations += outcome.explanations
        self.inbox += outcome.emitted
        for count in outcome.counts:
            key = (count.workflow, count.version, count.step, count.name, count.branch)
            self.counts[key] = self.counts.get(key, 0) + count.count
        self.poisoned += outcome.poisoned
        for run in outcome.gone_runs:
            self.runs.pop(run, None)
        for gone in outcome.gone_subscribers:
            self.subscribers.pop(gone, None)

    def _erase(self, people: list[tuple[int, str]]) -> None:
        """As a store does, ahead of all else."""
        self.profiles = {at: one for at, one in self.profiles.items() if at not in people}
        self.subscribers = {at: one for at, one in self.subscribers.items() if (at[0], one.profile) not in people}
        self.runs = {id: run for id, run in self.runs.items() if (run.site, run.profile) not in people}
        self.memory = {at: one for at, one in self.memory.items() if (one.site, one.profile) not in people}
        self.deliveries = {id: one for id, one in self.deliveries.items() if (one.site, one.profile) not in people}

    def run(self, workflow: str, key: str | None = None) -> RunRow:
        """The latest run of a workflow."""
        return max((run for run in self.runs.values() if (run.workflow, run.key) == (workflow, key)), key=lambda run: run.started)

    def history(self, run: str) -> list[tuple[str, str | None]]:
        """(what, step) of all that a run did, in the order in which it was told."""
        return [(reason["what"], reason.get("step")) for reason in self.reasons(run)]

    def reasons(self, run: str) -> list[dict[str, Any]]:
        """All that a run did, in the order in which it was told."""
        told = [pair for one in self.explanations for pair in msgspec.json.decode(one.body).get("runs", [])]
        return [reason for id, reasons in told if id == run for reason in reasons]

    def count(self, workflow: str, name: str, step: str = "", branch: str = "") -> int:
        """A counter, summed over versions."""
        return sum(
            count for (flow, _, at, what, way), count in self.counts.items() if (flow, at, what, way) == (workflow, step, name, branch)
        )

    def pushes(self, step: str | None = None) -> list[Delivery]:
        """The pushes that went out, of a step."""
        return [one for one in self.deliveries.values() if one.kind == "push" and step in (None, one.step)]

    def verdicts(self, event: str) -> dict[str, Any]:
        """By workflow: the verdict on an event."""
        found: dict[str, Any] = {}
        for one in self.explanations:
            if one.event == event:
                for verdict in msgspec.json.decode(one.body).get("verdicts", []):
                    found[verdict["workflow"]] = verdict
        return found
