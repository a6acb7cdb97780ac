"""What is left of people who were erased goes, a step at a time."""

import contextlib
from collections.abc import Mapping, Sequence

from clarion.store.erased import targets
from clarion.store.port import NotFound, StoreError
from clarion.store.postgres.connection import Database
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.snapshots import HEADER, pack_header, pack_part
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "erasing")


class Erasing:
    """The port's section of this name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def blank(self, partition: int, sequences: Sequence[int]) -> None:
        """As in the port."""
        await self._database.execute(_SQL["blank"], partition, list(sequences))

    async def erase_about(self, partition: int, site: int, profiles: Sequence[str], devices: Sequence[str], limit: int) -> int:
        """As in the port."""
        removed = await self._remove("erase_explanations", partition, site, list(profiles), limit)
        if removed >= limit:
            return removed
        return removed + await self._remove("erase_claims", partition, site, targets(profiles, devices), limit - removed)

    async def _remove(self, statement: str, partition: int, site: int, named: list[str], limit: int) -> int:
        tag = await self._database.execute(_SQL[statement], partition, site, named, limit)
        return int(tag.rpartition(" ")[2])

    async def rewrite_snapshot(self, snapshot: Snapshot, parts: Mapping[int, SnapshotPart]) -> None:
        """As in the port."""
        bodies = {number: pack_part(part) for number, part in parts.items()} | {HEADER: pack_header(snapshot)}
        async with self._database.transaction() as connection:
            for number, body in bodies.items():
                key = (snapshot.partition, snapshot.sequence, snapshot.log_time, number)
                if await connection.execute(_SQL["rewrite_part"], *key, body) == "UPDATE 0":
                    raise NotFound("The snapshot is not kept any more.")

    async def vacuum(self) -> None:
        """Have the server take away the rows that were removed. Where it refuses, or there is too much of them, autovacuum does, later."""
        for name, statement in _SQL.items():
            if name.startswith("vacuum_"):
                with contextlib.suppress(StoreError):
                    await self._database.execute(statement)
