"""Sites, keys and secrets; and all of the configuration as one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from clarion.domain.records import FrequencyCap
from clarion.store.port import NotFound
from clarion.store.records.configuration import Configuration
from clarion.store.records.entries import NewEntry
from clarion.store.records.sites import ApiKey, Secret, Site
from clarion.store.records.workflows import WorkflowRow
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("configuration")
_WORKFLOWS = load("workflows")
_encode = msgspec.json.Encoder().encode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_cap = msgspec.json.Decoder(FrequencyCap).decode


def read(connection: apsw.Connection) -> Configuration:
    """All of it, as of one moment."""
    with savepoint(connection):
        return Configuration(
            generation=value(connection, _SQL["generation"]),
            sites=[_site(row) for row in rows(connection, _SQL["sites"])],
            keys=[_key(row) for row in rows(connection, _SQL["keys"])],
            workflows=[WorkflowRow(*row) for row in rows(connection, _WORKFLOWS["workflows"])],
            secrets=[Secret(*row) for row in rows(connection, _SQL["secrets"])],
        )


def probe(connection: apsw.Connection) -> None:
    """As in the port: a row is written anew as it was, which takes a commit."""
    connection.execute(_SQL["probe"])


def create_site(connection: apsw.Connection, site: Site, entries: Sequence[NewEntry]) -> Site:
    """As in the port."""
    made = _site(changed(connection, _SQL["insert_site"], _values(site)))
    put_entries(connection, [msgspec.structs.replace(entry, site=made.id) for entry in entries])
    return made


def update_site(connection: apsw.Connection, site: Site, entries: Sequence[NewEntry]) -> Site:
    """As in the port."""
    kept = _site(changed(connection, _SQL["update_site"], _values(site)))
    put_entries(connection, entries)
    return kept


def create_key(connection: apsw.Connection, key: ApiKey) -> ApiKey:
    """As in the port."""
    return _key(changed(connection, _SQL["insert_key"], {**msgspec.structs.asdict(key), "scopes": _encode(key.scopes).decode()}))


def revoke_key(connection: apsw.Connection, site: int, key: int, at: int) -> ApiKey:
    """As in the port."""
    return _key(changed(connection, _SQL["revoke_key"], {"site": site, "key": key, "at": at}))


def touch_keys(connection: apsw.Connection, used: Iterable[tuple[int, int]]) -> None:
    """As in the port. No new generation: nobody acts on it."""
    latest: dict[int, int] = {}
    for key, at in used:
        latest[key] = max(at, latest.get(key, at))
    connection.execute(_SQL["touch_keys"], {"used": _encode(list(latest.items()))})


def put_secret(connection: apsw.Connection, secret: Secret) -> None:
    """As in the port."""
    changed(connection, _SQL["put_secret"], msgspec.structs.asdict(secret))


def delete_secret(connection: apsw.Connection, site: int, name: str) -> None:
    """As in the port."""
    changed(connection, _SQL["delete_secret"], {"site": site, "name": name})


def changed(connection: apsw.Connection, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row that a change of the configuration returns; the generation grows. Raises NotFound if there was nothing to change."""
    for row in rows(connection, statement, values):
        connection.execute(_SQL["next_generation"])
        return row
    raise NotFound("There is no such thing.")


def _values(site: Site) -> dict[str, Any]:
    cap = None if site.frequency_cap is None else _encode(site.frequency_cap).decode()
    return {**msgspec.structs.asdict(site), "frequency_cap": cap}


def _site(row: tuple[Any, ...]) -> Site:
    id_, name, app_id, public, private, subject, webhook, created, timezone, cap = row
    decoded = None if cap is None else _decode_cap(cap)
    return Site(id_, name, app_id, public, private, subject, webhook, created, timezone, decoded)


def _key(row: tuple[Any, ...]) -> ApiKey:
    id_, site, name, hash_, prefix, scopes, created, last_used, revoked = row
    return ApiKey(id_, site, name, hash_, prefix, _decode_scopes(scopes), created, last_used, revoked)
