"""Sites, keys, workflows and their versions."""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw
import msgspec

from clarion.store.port import NotFound
from clarion.store.records import ApiKey, Configuration, NewEntry, Site, WorkflowChange, WorkflowRow, WorkflowVersion
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("configuration")
_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(WorkflowChange).decode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode


def read(connection: apsw.Connection) -> Configuration:
    """All of it, as of one moment."""
    with savepoint(connection):
        return Configuration(
            generation=value(connection, _SQL["generation"]),
            sites=[Site(*row) for row in rows(connection, _SQL["sites"])],
            keys=[_key(row) for row in rows(connection, _SQL["keys"])],
            workflows=[WorkflowRow(*row) for row in rows(connection, _SQL["workflows"])],
        )


def probe(connection: apsw.Connection) -> None:
    """As in the port: a row is written anew as it was, which takes a commit."""
    connection.execute(_SQL["probe"])


def create_site(connection: apsw.Connection, site: Site, entries: Sequence[NewEntry]) -> Site:
    """As in the port."""
    made = Site(*_changed(connection, "insert_site", msgspec.structs.asdict(site)))
    put_entries(connection, [msgspec.structs.replace(entry, site=made.id) for entry in entries])
    return made


def create_key(connection: apsw.Connection, key: ApiKey) -> ApiKey:
    """As in the port."""
    return _key(_changed(connection, "insert_key", {**msgspec.structs.asdict(key), "scopes": _encode(key.scopes).decode()}))


def revoke_key(connection: apsw.Connection, site: int, key: int, at: int) -> ApiKey:
    """As in the port."""
    return _key(_changed(connection, "revoke_key", {"site": site, "key": key, "at": at}))


def touch_keys(connection: apsw.Connection, used: Iterable[tuple[int, int]]) -> None:
    """As in the port. No new generation: nobody acts on it."""
    latest: dict[int, int] = {}
    for key, at in used:
        latest[key] = max(at, latest.get(key, at))
    connection.execute(_SQL["touch_keys"], {"used": _encode(list(latest.items()))})


def publish(connection: apsw.Connection, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
    """As in the port."""
    current = _workflow(connection, version.site, version.workflow)
    if current is not None:
        known = workflow_version(connection, version.site, version.workflow, current.version)
        if _same(known.document, version.document):
            return current
    number = 1 if current is None else current.version + 1
    site, workflow = version.site, version.workflow
    connection.execute(
        _SQL["insert_version"],
        {
            "site": site,
            "workflow": workflow,
            "version": number,
            "document": bytes(version.document).decode(),
            "source": version.source,
            "created": version.created,
        },
    )
    put_entries(connection, [_numbered(entry, number) for entry in entries])
    return WorkflowRow(
        *_changed(
            connection,
            "put_workflow",
            {"site": site, "workflow": workflow, "name": name, "version": number, "changed": version.created},
        )
    )


def set_workflow_status(
    connection: apsw.Connection, site: int, workflow: str, status: str, at: int, entries: Sequence[NewEntry]
) -> WorkflowRow:
    """As in the port."""
    row = _changed(connection, "set_workflow_status", {"site": site, "workflow": workflow, "status": status, "at": at})
    put_entries(connection, entries)
    return WorkflowRow(*row)


def workflow_version(connection: apsw.Connection, site: int, workflow: str, version: int) -> WorkflowVersion:
    """As in the port."""
    asked = {"site": site, "workflow": workflow, "version": version}
    for site_, workflow_, number, document, source, created in rows(connection, _SQL["workflow_version"], asked):
        return WorkflowVersion(site_, workflow_, number, msgspec.Raw(document.encode()), source, created)
    raise NotFound(f"Workflow {workflow} has no version {version}.")


def _workflow(connection: apsw.Connection, site: int, workflow: str) -> WorkflowRow | None:
    for row in rows(connection, _SQL["workflow"], {"site": site, "workflow": workflow}):
        return WorkflowRow(*row)
    return None


def _changed(connection: apsw.Connection, statement: str, values: dict[str, Any]) -> tuple[Any, ...]:
    """The row that a change of the configuration leaves. Raises NotFound if there was nothing to change."""
    for row in rows(connection, _SQL[statement], values):
        connection.execute(_SQL["next_generation"])
        return row
    raise NotFound("There is no such thing.")


def _key(row: tuple[Any, ...]) -> ApiKey:
    id_, site, name, hash_, prefix, scopes, created, last_used, revoked = row
    return ApiKey(id_, site, name, hash_, prefix, _decode_scopes(scopes), created, last_used, revoked)


def _same(one: msgspec.Raw, other: msgspec.Raw) -> bool:
    return bytes(one) == bytes(other)


def _numbered(entry: NewEntry, version: int) -> NewEntry:
    change = msgspec.structs.replace(_decode_change(entry.body), version=version)
    return msgspec.structs.replace(entry, body=_encode(change))
