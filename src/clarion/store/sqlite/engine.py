"""What a partition's owner reads, and the one transaction in which it writes."""

from typing import Any, Final

import apsw
import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Fenced, NotFound, StoreError
from clarion.store.records.batches import TAKEN_BYTES, Asked, Facts, Taken
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import Entry, NewEntry
from clarion.store.records.runs import DueRun, EntryMemory, RunRow
from clarion.store.records.states import PartitionState, SegmentState, SiteState, Sweep, WorkflowState
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.ending import insert_deliveries
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.holding import put_holds
from clarion.store.sqlite.statements import load, rows, value
from clarion.store.sqlite.writer import INBOX, OUTBOX

_SQL = load("engine")
_encode = msgspec.json.Encoder().encode
_decode_entries = msgspec.json.Decoder(list[Entry]).decode
_decode_memory = msgspec.json.Decoder(list[EntryMemory]).decode
_decode_sites = msgspec.json.Decoder(list[SiteState]).decode
_decode_runs = msgspec.json.Decoder(list[RunRow]).decode
_decode_due = msgspec.json.Decoder(list[DueRun]).decode
_decode_states = msgspec.json.Decoder(list[WorkflowState]).decode
_decode_segments = msgspec.json.Decoder(list[SegmentState]).decode
_decode_sweeps = msgspec.json.Decoder(list[Sweep]).decode
_decode_profiles = msgspec.json.Decoder(list[Profile]).decode


def own(connection: apsw.Connection, partition: int) -> PartitionState:
    """Begin a new epoch."""
    for row in rows(connection, _SQL["own"], {"partition": partition}):
        return PartitionState(*row)
    raise NotFound(f"The database has no partition {partition}.")


def workflow_states(connection: apsw.Connection, partition: int) -> list[WorkflowState]:
    """As in the port."""
    return _decode_states(value(connection, _SQL["workflow_states"], {"partition": partition}))


def take(connection: apsw.Connection, partition: int, limit: int, horizon: int, timers: int) -> Taken:
    """As in the port. Most of the time no timer is due, and that is cheap to know."""
    with savepoint(connection):
        asked = {"partition": partition, "limit": limit}
        [(count, size)] = rows(connection, _SQL["bytes"], asked)
        if size > TAKEN_BYTES and count > 1:
            asked["limit"] = max(1, value(connection, _SQL["fitting"], asked | {"bytes": TAKEN_BYTES}))
        entries = _decode_entries(value(connection, _SQL["take"], asked))
        due: list[DueRun] = []
        next_due = value(connection, _SQL["next_due"], {"partition": partition, "ripe": 0})
        if next_due is not None and next_due <= horizon and timers > 0:
            due = _decode_due(value(connection, _SQL["ripe"], {"partition": partition, "horizon": horizon, "timers": timers}))
            next_due = value(connection, _SQL["next_due"], {"partition": partition, "ripe": len(due)})
        return Taken(entries, due, next_due, len(entries) < count)


class _Found(msgspec.Struct):
    """What the statement `facts` gives."""

    subscribers: list[tuple[int, Subscriber]]
    entered: list[tuple[int, Subscriber]]
    profiles: list[tuple[int, Profile]]
    runs: list[RunRow]


OPEN_GOALS: Final = 1_000
"""Ended runs of one profile whose goals are looked at."""
FAILED_RUNS: Final = 1_000
"""Failed runs of one profile that go with it when it is joined to another."""

_decode_owners = msgspec.json.Decoder(list[tuple[int, str]]).decode
_decode_named = msgspec.json.Decoder(list[tuple[int, Subscriber]]).decode
_decode_found = msgspec.json.Decoder(_Found).decode


def facts(connection: apsw.Connection, partition: int, asked: Asked) -> Facts:
    """As in the port. First whom devices and runs belong to, then everything about the profiles, in one snapshot.

    Of a profile's ended runs with an open goal there are at most OPEN_GOALS, of its failed ones FAILED_RUNS.
    """
    with savepoint(connection):
        named: list[tuple[int, Subscriber]] = []
        if asked.named:
            named = _decode_named(value(connection, _SQL["named"], {"partition": partition, "named": _encode(asked.named)}))
        owners = {(site, one.device_token_hash): one.profile for site, one in named}
        profiles = dict.fromkeys([(one.site, one.value) for one in asked.profiles] + [(site, one.profile) for site, one in named])
        runs = _encode(asked.runs)
        if asked.runs:
            profiles |= dict.fromkeys(_decode_owners(value(connection, _SQL["owners"], {"partition": partition, "runs": runs})))
        memory = [
            (one.site, profile, one.workflow, one.key)
            for one in asked.memory
            if (profile := one.profile or owners.get((one.site, one.device_token_hash or ""))) is not None
        ]
        left = [(one.site, owners[one.site, one.value]) for one in asked.joining if (one.site, one.value) in owners]
        joining = list(dict.fromkeys(left + [(one.site, one.value) for one in asked.merging]))
        concerned = {
            "partition": partition,
            "profiles": _encode(list(profiles)),
            "joining": _encode(joining),
            "runs": runs,
            "goals": OPEN_GOALS,
            "failed": FAILED_RUNS,
        }
        found = _decode_found(value(connection, _SQL["facts"], concerned))
        remembered: list[EntryMemory] = []
        for name, keys in (("memory", memory), ("joining", joining)):
            if keys:
                remembered += _decode_memory(value(connection, _SQL[name], {"partition": partition, name: _encode(keys)}))
    everyone = {(site, one.device_token_hash): one for site, one in (*found.entered, *found.subscribers, *named)}
    return Facts(
        subscribers=[(site, one) for (site, _), one in everyone.items()],
        profiles=found.profiles,
        runs=list({one.id: one for one in found.runs}.values()) if asked.runs or joining else found.runs,
        memory=remembered,
    )


def site_states(connection: apsw.Connection, partition: int) -> list[SiteState]:
    """As in the port."""
    return _decode_sites(value(connection, _SQL["site_states"], {"partition": partition}))


def segment_states(connection: apsw.Connection, partition: int) -> list[SegmentState]:
    """As in the port."""
    return _decode_segments(value(connection, _SQL["segment_states"], {"partition": partition}))


def sweeps(connection: apsw.Connection, partition: int) -> list[Sweep]:
    """As in the port."""
    return _decode_sweeps(value(connection, _SQL["sweeps"], {"partition": partition}))


def profiles_page(connection: apsw.Connection, partition: int, site: int, after: str, limit: int) -> list[Profile]:
    """The next `limit` rows, also those of profiles that have become part of another."""
    asked = {"partition": partition, "site": site, "after": after, "limit": limit}
    return _decode_profiles(value(connection, _SQL["profiles_page"], asked))


def held_workflows(connection: apsw.Connection, partition: int) -> list[tuple[int, str]]:
    """As in the port, in their order."""
    return [(site, workflow) for site, workflow in rows(connection, _SQL["held_workflows"], {"partition": partition})]


def held_runs(connection: apsw.Connection, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
    """As in the port."""
    asked = {"partition": partition, "site": site, "workflow": workflow, "limit": limit}
    return _decode_runs(value(connection, _SQL["held_runs"], asked))


def runs_behind(connection: apsw.Connection, partition: int, site: int, workflow: str, version: int, limit: int) -> list[RunRow]:
    """As in the port."""
    asked = {"partition": partition, "site": site, "workflow": workflow, "version": version, "limit": limit}
    return _decode_runs(value(connection, _SQL["runs_behind"], asked))


def apply(connection: apsw.Connection, outcome: Outcome) -> None:
    """Write an outcome. Raises Fenced, StoreError."""
    _advance(connection, outcome)
    partition = outcome.state.partition
    if outcome.erased:
        _erase(connection, partition, outcome.erased)
    _move(connection, outcome)
    for name, written in (
        ("log_own", [_logged(*logged) for logged in outcome.logged]),
        ("put_profiles", outcome.profiles),
        ("put_subscribers", outcome.subscribers),
        ("put_runs", outcome.runs),
        ("delete_runs", outcome.gone_runs),
        ("delete_subscribers", outcome.gone_subscribers),
        ("put_memory", outcome.memory),
        ("put_workflow_states", outcome.workflows),
        ("put_site_states", outcome.sites),
        ("delete_segment_states", outcome.gone_segments),
        ("put_segment_states", outcome.segments),
        ("delete_sweeps", outcome.ended_sweeps),
        ("put_sweeps", outcome.sweeps),
        ("insert_explanations", outcome.explanations),
        ("add_counts", outcome.counts),
        ("put_poisoned", outcome.poisoned),
    ):
        if written:
            connection.execute(_SQL[name], {"partition": partition, "rows": _encode(written)})
    if outcome.deliveries:
        insert_deliveries(connection, partition, outcome.deliveries, outcome.state.log_time)
    put_entries(connection, outcome.emitted)
    put_holds(connection, outcome)


def rows_of(outcome: Outcome) -> int:
    """About how many rows an outcome writes; what an erasure touches is unknown, and taken for many."""
    if outcome.erased:
        return 1_000_000
    state = len(outcome.profiles) + len(outcome.subscribers) + len(outcome.runs) + len(outcome.memory)
    return len(outcome.moved) + state + len(outcome.explanations) + len(outcome.deliveries) + len(outcome.counts)


def changes(outcome: Outcome) -> set[str]:
    """What others may now find."""
    found = set()
    if outcome.emitted:
        found.add(INBOX)
    if outcome.deliveries:
        found.add(OUTBOX)
    return found


def _advance(connection: apsw.Connection, outcome: Outcome) -> None:
    state, first = outcome.state, outcome.first
    before = state.sequence if first is None else first - 1
    connection.execute(_SQL["advance"], {**msgspec.structs.asdict(state), "before": before})
    if connection.changes() == 0:
        raise Fenced(f"Partition {state.partition} has another owner, or its log does not end where this one left it: epoch {state.epoch}.")


def _erase(connection: apsw.Connection, partition: int, profiles: list[tuple[int, str]]) -> None:
    rows = {"partition": partition, "rows": _encode(profiles)}
    for table in ("outbox", "deliveries", "runs", "memory", "subscribers", "profiles"):
        connection.execute(_SQL[f"erase_{table}"], rows)


def _move(connection: apsw.Connection, outcome: Outcome) -> None:
    moved = outcome.moved
    if not moved:
        return
    first, last, count, partition = moved[0], moved[-1], len(moved), outcome.state.partition
    if last.sequence - first.sequence != count - 1 or any(one.log_time != first.log_time for one in moved):
        raise StoreError("Inbox entries are logged with sequences one after the other, at one time.")
    rows = _encode([(one.position, one.profile) for one in moved])
    connection.execute(_SQL["log_moved"], {"partition": partition, "sequence": first.sequence, "log_time": first.log_time, "moved": rows})
    logged = connection.changes()
    connection.execute(_SQL["delete_moved"], {"partition": partition, "first": first.position, "last": last.position})
    if not logged == connection.changes() == count:
        raise StoreError(f"Of {count} inbox entries to be logged only {logged} are there, or they are not the first.")


def _logged(sequence: int, log_time: int, entry: NewEntry) -> tuple[Any, ...]:
    return (sequence, log_time, entry.kind, entry.site, entry.id, entry.body.decode(), entry.received)
