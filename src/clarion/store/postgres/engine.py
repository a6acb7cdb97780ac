"""What a partition's owner reads, and the one transaction in which it writes."""

from typing import Final

import msgspec

from clarion import faults
from clarion.store.outcomes import STALE, ended
from clarion.store.postgres.commits import arguments, document
from clarion.store.postgres.connection import Connection, Database, Row
from clarion.store.postgres.outbox import Outbox, end_arguments
from clarion.store.postgres.signals import INBOX, OUTBOX, Signals
from clarion.store.records.batches import TAKEN_BYTES, Asked, Facts, Taken
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Attempt, Delivery
from clarion.store.records.runs import RunRow
from clarion.store.records.states import SiteState, WorkflowState
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "engine")
_OUTBOX = load_statements(__package__, "outbox")
_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_facts = msgspec.json.Decoder(Facts).decode
_decode_workflows = msgspec.json.Decoder(list[WorkflowState]).decode
_decode_sites = msgspec.json.Decoder(list[SiteState]).decode
_decode_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode

OPEN_GOALS: Final = 1_000
"""Ended runs of one profile whose goals are looked at."""
FAILED_RUNS: Final = 1_000
"""Failed runs of one profile that go with it when it is joined to another."""
STALE_AT_ONCE: Final = 1_000
"""Deliveries held in memory while a release ends them."""

_STATE: Final = RunRow.__struct_fields__.index("state")
_JOB: Final = Delivery.__struct_fields__.index("job")
_ATTEMPTS: Final = Delivery.__struct_fields__.index("attempts")
"""Places of JSON in rows that are read as such, whose columns are the record's fields in their order."""


class Engine:
    """The port's section of this name, but for `own`."""

    def __init__(self, database: Database, signals: Signals, outbox: Outbox) -> None:
        """`outbox` knows how many partitions there are and which node this is."""
        self._database, self._signals, self._outbox = database, signals, outbox

    async def workflow_states(self, partition: int) -> list[WorkflowState]:
        """As in the port."""
        return _decode_workflows(await self._database.fetchval(_SQL["workflow_states"], partition))

    async def site_states(self, partition: int) -> list[SiteState]:
        """As in the port."""
        return _decode_sites(await self._database.fetchval(_SQL["site_states"], partition))

    async def take(self, partition: int, limit: int, horizon: int, timers: int) -> Taken:
        """As in the port."""
        return _decode_taken(await self._database.fetchval(_SQL["take"], partition, limit, TAKEN_BYTES, horizon, timers))

    async def facts(self, partition: int, asked: Asked) -> Facts:
        """As in the port. Of a profile's ended runs with an open goal there are at most OPEN_GOALS, of its failed ones FAILED_RUNS."""
        found = _decode_facts(
            await self._database.fetchval(
                _SQL["facts"],
                partition,
                document(asked.named),
                document(asked.profiles),
                document(asked.memory),
                document(asked.joining),
                asked.runs or None,
                OPEN_GOALS,
                FAILED_RUNS,
            )
        )
        everyone = {(site, one.device_token_hash): one for site, one in found.subscribers}
        repeated = bool(asked.runs or asked.joining)
        return Facts(
            subscribers=[(site, one) for (site, _), one in everyone.items()],
            profiles=found.profiles,
            runs=list({one.id: one for one in found.runs}.values()) if repeated else found.runs,
            memory=found.memory,
        )

    async def held_workflows(self, partition: int) -> list[tuple[int, str]]:
        """As in the port, in their order."""
        return [(site, workflow) for site, workflow in await self._database.fetch(_SQL["held_workflows"], partition)]

    async def held_runs(self, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
        """As in the port."""
        return [_run(row) for row in await self._database.fetch(_SQL["held_runs"], partition, site, workflow, limit)]

    async def runs_behind(self, partition: int, site: int, workflow: str, version: int, limit: int) -> list[RunRow]:
        """As in the port."""
        return [_run(row) for row in await self._database.fetch(_SQL["runs_behind"], partition, site, workflow, version, limit)]

    # -- writing -----------------------------------------------------------------------------------------------------

    async def commit(self, outcome: Outcome) -> None:
        """As in the port: one call; but what releases deliveries looks first at which of them have become stale."""
        partition = outcome.state.partition
        written = arguments(outcome)
        told = {entry.partition for entry in outcome.emitted}
        if outcome.release:
            async with self._database.transaction() as connection:
                await connection.fetchval(_SQL["commit"], *written)
                told |= {partition} | await self._release(connection, outcome)
                faults.reach("engine.before_commit")
        else:
            faults.reach("engine.before_commit")
            await self._database.fetchval(_SQL["commit"], *written)
        faults.reach("engine.after_commit")
        if told:
            self._signals.tell(INBOX, told)
        if outcome.deliveries or outcome.release:
            self._signals.tell(OUTBOX, (partition,))

    async def _release(self, connection: Connection, outcome: Outcome) -> set[int]:
        """Let deliveries go, and end those that are stale; returns whose inboxes were told.

        One batch may both pause and resume a workflow; which came last shows in the state that it leaves behind.
        """
        partition, at, node = outcome.state.partition, outcome.state.log_time, self._outbox.node
        told: set[int] = set()
        for site, workflow, cutoff in outcome.release:
            while rows := await connection.fetch(_OUTBOX["stale"], partition, node, site, workflow, cutoff, STALE_AT_ONCE):
                over = [ended(_delivery(row, partition), STALE, at) for row in rows]
                await connection.fetchval(_OUTBOX["end"], partition, *end_arguments(over, self._outbox.partitions))
                told.update(one.home(self._outbox.partitions) for one in over)
            await connection.fetchval(_OUTBOX["release"], partition, site, workflow)
        paused = {(state.site, state.workflow) for state in outcome.workflows if state.status == "paused"}
        for site, workflow in paused.intersection(outcome.hold):
            await connection.fetchval(_OUTBOX["hold"], partition, site, workflow)
        return told


def _run(row: Row) -> RunRow:
    values = list(row)
    values[_STATE] = msgspec.Raw(values[_STATE].encode())
    return RunRow(*values)


def _delivery(row: Row, partition: int) -> Delivery:
    """Of a row of the statement `stale`."""
    values = [*row, partition]
    values[_JOB] = msgspec.Raw(values[_JOB].encode())
    values[_ATTEMPTS] = _decode_attempts(values[_ATTEMPTS])
    return Delivery(*values)
