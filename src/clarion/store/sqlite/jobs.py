"""Long work that somebody asked for."""

from typing import Any, Final

import apsw
import msgspec

from clarion.store.port import NotFound
from clarion.store.records.jobs import Job
from clarion.store.sqlite.statements import load, rows

RUNNING: Final = "running"

_SQL = load("jobs")


def put(connection: apsw.Connection, job: Job) -> None:
    """As `put_job` in the port."""
    connection.execute(_SQL["put_job"], {**msgspec.structs.asdict(job), "body": bytes(job.body).decode()})


def replace(connection: apsw.Connection, before: Job, after: Job) -> bool:
    """As `replace_job` in the port."""
    was = {"was_status": before.status, "was_body": bytes(before.body).decode()}
    new = {"status": after.status, "body": bytes(after.body).decode(), "changed": after.changed}
    connection.execute(_SQL["replace_job"], {"site": before.site, "id": before.id, **was, **new})
    return connection.changes() == 1


def read(connection: apsw.Connection, site: int, id_: str) -> Job:
    """As `job` in the port."""
    for row in rows(connection, _SQL["job"], {"site": site, "id": id_}):
        return _job(row)
    raise NotFound("There is no such job.")


def listed(connection: apsw.Connection, site: int | None, kind: str | None, status: str | None, limit: int) -> list[Job]:
    """As `jobs` in the port."""
    asked = {"site": site, "kind": kind, "status": status, "limit": limit}
    name = "jobs_running" if status == RUNNING else "jobs" if site is None else "jobs_of_site"
    return [_job(row) for row in rows(connection, _SQL[name], asked)]


def forget(connection: apsw.Connection, before: int, limit: int) -> int:
    """As `forget_jobs` in the port."""
    connection.execute(_SQL["forget_jobs"], {"before": before, "limit": limit})
    return connection.changes()


def _job(row: tuple[Any, ...]) -> Job:
    site, id_, kind, status, body, created, changed = row
    return Job(site, id_, kind, status, msgspec.Raw(body.encode()), created, changed)
