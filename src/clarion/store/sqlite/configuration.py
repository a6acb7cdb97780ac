"""Sites, keys, segments and secrets; and all of the configuration as one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from clarion.domain.records import FrequencyCap
from clarion.store.port import Changed, NotFound
from clarion.store.records.configuration import Configuration
from clarion.store.records.entries import NewEntry
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import ApiKey, Secret, Site, SiteKey
from clarion.store.records.workflows import WorkflowRow
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("configuration")
_WORKFLOWS = load("workflows")
_encode = msgspec.json.Encoder().encode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_origins = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_condition = msgspec.json.Decoder(dict[str, Any]).decode
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
            site_keys=[SiteKey(*row) for row in rows(connection, _SQL["site_keys"])],
            segments=[_segment(row) for row in rows(connection, _SQL["segments"])],
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


def rotate_vapid(connection: apsw.Connection, site: Site, earlier: SiteKey) -> Site:
    """As in the port."""
    if not value(connection, _SQL["has_site"], {"id": site.id}):
        raise NotFound("There is no such site.")
    for row in rows(connection, _SQL["rotate_vapid"], {**_values(site), "earlier": earlier.number}):
        put_site_key(connection, earlier)
        return _site(row)
    raise Changed(f"The site's VAPID key is not number {earlier.number} any more.")


def put_site_key(connection: apsw.Connection, key: SiteKey) -> None:
    """As in the port."""
    changed(connection, _SQL["put_site_key"], msgspec.structs.asdict(key))


def delete_site_key(connection: apsw.Connection, site: int, kind: str, number: int) -> None:
    """As in the port."""
    changed(connection, _SQL["delete_site_key"], {"site": site, "kind": kind, "number": number})


def put_segment(connection: apsw.Connection, segment: SegmentRow, entries: Sequence[NewEntry]) -> SegmentRow:
    """As in the port."""
    condition = None if segment.condition is None else _encode(segment.condition).decode()
    kept = _segment(changed(connection, _SQL["put_segment"], {**msgspec.structs.asdict(segment), "condition": condition}))
    put_entries(connection, entries)
    return kept


def delete_segment(connection: apsw.Connection, site: int, segment: str, entries: Sequence[NewEntry]) -> None:
    """As in the port."""
    changed(connection, _SQL["delete_segment"], {"site": site, "segment": segment})
    put_entries(connection, entries)


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
    return {**msgspec.structs.asdict(site), "frequency_cap": cap, "origins": _encode(site.origins).decode()}


def _site(row: tuple[Any, ...]) -> Site:
    id_, name, app_id, public, private, subject, webhook, created, timezone, cap, vapid, origins, unsigned = row
    decoded, allowed = None if cap is None else _decode_cap(cap), _decode_origins(origins)
    return Site(id_, name, app_id, public, private, subject, webhook, created, timezone, decoded, vapid, allowed, bool(unsigned))


def _segment(row: tuple[Any, ...]) -> SegmentRow:
    site, segment, name, condition, created, changed_at = row
    return SegmentRow(site, segment, name, None if condition is None else _decode_condition(condition), created, changed_at)


def _key(row: tuple[Any, ...]) -> ApiKey:
    id_, site, name, hash_, prefix, scopes, created, last_used, revoked = row
    return ApiKey(id_, site, name, hash_, prefix, _decode_scopes(scopes), created, last_used, revoked)
