"""Long work that somebody asked for."""

from typing import Final

import msgspec

from clarion.store.port import NotFound
from clarion.store.postgres.connection import Database, Row
from clarion.store.postgres.console import Console, is_storable
from clarion.store.records.jobs import Job
from clarion.store.statements import load_statements

RUNNING: Final = "running"

_SQL = load_statements(__package__, "jobs")


class Jobs:
    """The port's section of this name."""

    def __init__(self, database: Database, slow: Database) -> None:
        """`slow`: see `reading_database`."""
        self._database, self._console = database, Console(slow)

    async def put(self, job: Job) -> None:
        """As `put_job` in the port."""
        body = bytes(job.body).decode()
        await self._database.execute(_SQL["put"], job.site, job.id, job.kind, job.status, body, job.created, job.changed)

    async def replace(self, before: Job, after: Job) -> bool:
        """As `replace_job` in the port."""
        was = (before.status, bytes(before.body).decode())
        new = (after.status, bytes(after.body).decode(), after.changed)
        return await self._database.execute(_SQL["replace"], before.site, before.id, *was, *new) == "UPDATE 1"

    async def read(self, site: int, id_: str) -> Job:
        """As `job` in the port."""
        if is_storable(id_):
            row = await self._database.fetchrow(_SQL["read"], site, id_)
            if row is not None:
                return _job(row)
        raise NotFound("There is no such job.")

    async def listed(self, site: int | None, kind: str | None, status: str | None, limit: int) -> list[Job]:
        """As `jobs` in the port."""
        if not is_storable(f"{kind} {status}"):
            return []
        if status == RUNNING:
            rows = await self._console.fetch(_SQL["running"], site, kind, limit)
        elif site is None:
            rows = await self._console.fetch(_SQL["listed"], kind, status, limit)
        else:
            rows = await self._console.fetch(_SQL["listed_of_site"], site, kind, status, limit)
        return [_job(row) for row in rows]

    async def forget(self, before: int, limit: int) -> int:
        """As `forget_jobs` in the port."""
        return len(await self._database.fetch(_SQL["forget"], before, limit))


def _job(row: Row) -> Job:
    site, id_, kind, status, body, created, changed = row
    return Job(site, id_, kind, status, msgspec.Raw(body.encode()), created, changed)
