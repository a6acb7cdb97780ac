"""What a partition's owner reads, and the one transaction in which it writes."""

from collections.abc import Collection, Sequence
from typing import Any

import apsw
import msgspec

from clarion.store.port import Fenced, NotFound, StoreError
from clarion.store.records import Facts, NewEntry, Outcome, PartitionState, RunRow, SiteProfile, Taken, WorkflowState
from clarion.store.sqlite.ending import insert_deliveries, release
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.statements import load, rows, value
from clarion.store.sqlite.writer import INBOX, OUTBOX

_SQL = load("engine")
_OUTBOX = load("outbox")
_encode = msgspec.json.Encoder().encode
_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_facts = msgspec.json.Decoder(Facts).decode
_decode_runs = msgspec.json.Decoder(list[RunRow]).decode
_decode_states = msgspec.json.Decoder(list[WorkflowState]).decode


def own(connection: apsw.Connection, partition: int) -> PartitionState:
    """Begin a new epoch."""
    for row in rows(connection, _SQL["own"], {"partition": partition}):
        return PartitionState(*row)
    raise NotFound(f"The database has no partition {partition}.")


def workflow_states(connection: apsw.Connection, partition: int) -> list[WorkflowState]:
    """As in the port."""
    return _decode_states(value(connection, _SQL["workflow_states"], {"partition": partition}))


def take(connection: apsw.Connection, partition: int, limit: int, horizon: int, timers: int) -> Taken:
    """As in the port."""
    asked = {"partition": partition, "limit": limit, "horizon": horizon, "timers": timers}
    return _decode_taken(value(connection, _SQL["take"], asked))


def facts(
    connection: apsw.Connection, partition: int, named: Sequence[SiteProfile], profiles: Sequence[SiteProfile], runs: Sequence[str]
) -> Facts:
    """As in the port."""
    asked = {"partition": partition, "named": _encode(named), "profiles": _encode(profiles), "runs": _encode(runs)}
    return _decode_facts(value(connection, _SQL["facts"], asked))


def held_runs(connection: apsw.Connection, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
    """As in the port."""
    asked = {"partition": partition, "site": site, "workflow": workflow, "limit": limit}
    return _decode_runs(value(connection, _SQL["held_runs"], asked))


def apply(connection: apsw.Connection, outcome: Outcome, claimed: Collection[int]) -> None:
    """Write an outcome; `claimed` are the deliveries that are being sent just now. Raises Fenced, StoreError."""
    _advance(connection, outcome.state)
    partition = outcome.state.partition
    _move(connection, outcome)
    for name, written in (
        ("log_own", [_logged(*logged) for logged in outcome.logged]),
        ("put_profiles", outcome.profiles),
        ("put_subscribers", outcome.subscribers),
        ("put_runs", outcome.runs),
        ("put_memory", outcome.memory),
        ("put_workflow_states", outcome.workflows),
        ("insert_explanations", outcome.explanations),
        ("put_poisoned", outcome.poisoned),
    ):
        if written:
            connection.execute(_SQL[name], {"partition": partition, "rows": _encode(written)})
    if outcome.deliveries:
        insert_deliveries(connection, partition, outcome.deliveries, outcome.state.log_time)
    put_entries(connection, outcome.emitted)
    _hold_and_release(connection, outcome, claimed)


def changes(outcome: Outcome) -> set[str]:
    """What others may now find."""
    found = set()
    if outcome.emitted or outcome.release:
        found.add(INBOX)
    if outcome.deliveries or outcome.release:
        found.add(OUTBOX)
    return found


def _advance(connection: apsw.Connection, state: PartitionState) -> None:
    connection.execute(_SQL["advance"], msgspec.structs.asdict(state))
    if connection.changes() == 0:
        raise Fenced(f"Partition {state.partition} has another owner: epoch {state.epoch} is over.")


def _move(connection: apsw.Connection, outcome: Outcome) -> None:
    if not outcome.moved:
        return
    moved = _encode(outcome.moved)
    connection.execute(_SQL["log_moved"], {"partition": outcome.state.partition, "moved": moved})
    if connection.changes() != len(outcome.moved):
        raise StoreError(f"Of {len(outcome.moved)} inbox entries to be logged only {connection.changes()} are there.")
    connection.execute(_SQL["delete_moved"], {"moved": moved})


def _logged(sequence: int, log_time: int, entry: NewEntry) -> tuple[Any, ...]:
    return (sequence, log_time, entry.kind, entry.site, entry.id, entry.body.decode(), entry.received)


def _hold_and_release(connection: apsw.Connection, outcome: Outcome, claimed: Collection[int]) -> None:
    """One batch may both pause and resume a workflow; which came last shows in the state that it leaves behind."""
    paused = {(state.site, state.workflow) for state in outcome.workflows if state.status == "paused"}
    for site, workflow in outcome.hold:
        connection.execute(_OUTBOX["hold"], {"site": site, "workflow": workflow})
    for site, workflow, cutoff in outcome.release:
        release(connection, site, workflow, cutoff, outcome.state.log_time, claimed)
    for site, workflow in paused.intersection(outcome.hold):
        connection.execute(_OUTBOX["hold"], {"site": site, "workflow": workflow})
