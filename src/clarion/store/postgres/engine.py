"""What a partition's owner reads, and the one transaction in which it writes."""

from typing import Final

import msgspec

from clarion import faults
from clarion.domain.records import Profile
from clarion.store.paging import unmerged
from clarion.store.postgres.commits import arguments, document
from clarion.store.postgres.connection import Database, Row
from clarion.store.postgres.console import is_storable
from clarion.store.postgres.holding import put_releases, work_off
from clarion.store.postgres.outbox import Outbox
from clarion.store.postgres.signals import INBOX, OUTBOX, Signals
from clarion.store.records.batches import TAKEN_BYTES, Asked, Facts, Taken
from clarion.store.records.commits import Outcome
from clarion.store.records.runs import RunRow
from clarion.store.records.states import SegmentState, SiteState, Sweep, WorkflowState
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "engine")
_decode_taken = msgspec.json.Decoder(Taken).decode
_decode_facts = msgspec.json.Decoder(Facts).decode
_decode_workflows = msgspec.json.Decoder(list[WorkflowState]).decode
_decode_sites = msgspec.json.Decoder(list[SiteState]).decode
_decode_segments = msgspec.json.Decoder(list[SegmentState]).decode
_decode_sweeps = msgspec.json.Decoder(list[Sweep]).decode
_decode_profiles = msgspec.json.Decoder(list[Profile]).decode

OPEN_GOALS: Final = 1_000
"""Ended runs of one profile whose goals are looked at."""
FAILED_RUNS: Final = 1_000
"""Failed runs of one profile that go with it when it is joined to another."""

_STATE: Final = RunRow.__struct_fields__.index("state")
"""Place of JSON in rows that are read as such, whose columns are the record's fields in their order."""


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

    async def segment_states(self, partition: int) -> list[SegmentState]:
        """As in the port."""
        return _decode_segments(await self._database.fetchval(_SQL["segment_states"], partition))

    async def sweeps(self, partition: int) -> list[Sweep]:
        """As in the port."""
        return _decode_sweeps(await self._database.fetchval(_SQL["sweeps"], partition))

    async def profiles_page(self, partition: int, site: int, after: str, limit: int) -> list[Profile]:
        """As in the port."""

        async def read(after: str) -> list[Profile]:
            return _decode_profiles(await self._database.fetchval(_SQL["profiles_page"], partition, site, after, limit))

        return await unmerged(read, after, limit) if is_storable(after) else []

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
                document(asked.merging),
                asked.runs or None,
                OPEN_GOALS,
                FAILED_RUNS,
            )
        )
        everyone = {(site, one.device_token_hash): one for site, one in found.subscribers}
        repeated = bool(asked.runs or asked.joining or asked.merging)
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
        """As in the port: one call, but for what releases deliveries."""
        partition = outcome.state.partition
        written = arguments(outcome)
        if outcome.release:
            async with self._database.transaction() as connection:
                await connection.fetchval(_SQL["commit"], *written)
                await put_releases(connection, outcome)
                faults.reach("engine.before_commit")
        else:
            faults.reach("engine.before_commit")
            await self._database.fetchval(_SQL["commit"], *written)
        faults.reach("engine.after_commit")
        if told := {entry.partition for entry in outcome.emitted}:
            self._signals.tell(INBOX, told)
        if outcome.deliveries:
            self._signals.tell(OUTBOX, (partition,))

    async def work_holds(self, partition: int, limit: int) -> int | None:
        """As in the port."""
        async with self._database.transaction() as connection:
            done, told = await work_off(connection, partition, limit, self._outbox.node, self._outbox.partitions)
        if told:
            self._signals.tell(INBOX, told)
        if done:
            self._signals.tell(OUTBOX, (partition,))
        return done


def _run(row: Row) -> RunRow:
    values = list(row)
    values[_STATE] = msgspec.Raw(values[_STATE].encode())
    return RunRow(*values)
