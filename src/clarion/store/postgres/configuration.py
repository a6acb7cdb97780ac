"""Sites, keys, segments and secrets; and all of the configuration as one. Whoever changes it locks its generation first."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec.structs import astuple

from clarion.domain.records import FrequencyCap
from clarion.store.port import Changed, NotFound
from clarion.store.postgres.connection import Connection, Database, Row
from clarion.store.postgres.entries import put_entries
from clarion.store.postgres.pulse import Pulse
from clarion.store.postgres.signals import CONFIGURATION, INBOX, Signals
from clarion.store.records.configuration import Configuration
from clarion.store.records.entries import NewEntry
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import ApiKey, Secret, Site, SiteKey
from clarion.store.records.workflows import WorkflowRow
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "configuration")
_WORKFLOWS = load_statements(__package__, "workflows")
_encode = msgspec.json.Encoder().encode
_decode_scopes = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_origins = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_condition = msgspec.json.Decoder(dict[str, Any]).decode
_decode_cap = msgspec.json.Decoder(FrequencyCap).decode


class Change:
    """A change of the configuration that is under way, in a transaction: no other process makes one meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.announced = False
        """Whether it is one that others act on."""
        self.partitions: set[int] = set()
        """Whose inboxes have new entries."""

    async def row(self, statement: str, *values: Any) -> Row:
        """The row that a statement returns, which makes a new generation. Raises NotFound if there was nothing to change."""
        row = await self.connection.fetchrow(statement, *values)
        if row is None:
            raise NotFound("There is no such thing.")
        self.announced = True
        return row

    async def put(self, entries: Sequence[NewEntry]) -> None:
        """Append entries in the same commit."""
        await put_entries(self.connection, entries)
        self.partitions.update(entry.partition for entry in entries)


class ConfigurationArea:
    """Reads and changes it."""

    def __init__(self, database: Database, pulse: Pulse, signals: Signals) -> None:
        self._database, self._pulse, self._signals = database, pulse, signals

    async def generation(self) -> int:
        """It grows with every change that others act on."""
        return int(await self._pulse.fetchval(_SQL["generation"]))

    async def read(self) -> Configuration:
        """All of it, as of one moment."""
        async with self._database.transaction(isolation="repeatable_read", readonly=True) as connection:
            found = Configuration(
                generation=await connection.fetchval(_SQL["generation"]),
                sites=[_site(row) for row in await connection.fetch(_SQL["sites"])],
                keys=[_key(row) for row in await connection.fetch(_SQL["keys"])],
                workflows=[WorkflowRow(*row) for row in await connection.fetch(_WORKFLOWS["workflows"])],
                secrets=[Secret(*row) for row in await connection.fetch(_SQL["secrets"])],
                site_keys=[SiteKey(*row) for row in await connection.fetch(_SQL["site_keys"])],
                segments=[_segment(row) for row in await connection.fetch(_SQL["segments"])],
            )
        self._signals.generation_is(found.generation)
        return found

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """Make one change; once it is committed, whoever is concerned is told."""
        generation = None
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock"])
            change = Change(connection)
            yield change
            if change.announced:
                generation = await connection.fetchval(_SQL["next_generation"])
        if generation is not None:
            self._signals.generation_is(generation)
            self._signals.tell(CONFIGURATION)
        if change.partitions:
            self._signals.tell(INBOX, change.partitions)

    async def probe(self) -> None:
        """As in the port: a row is written anew as it was, which takes a commit."""
        await self._database.execute(_SQL["probe"])

    async def create_site(self, site: Site, entries: Sequence[NewEntry]) -> Site:
        """As in the port."""
        async with self.change() as change:
            made = _site(
                await change.row(
                    _SQL["insert_site"],
                    site.name,
                    site.app_id,
                    site.vapid_public_key,
                    site.vapid_private_sealed,
                    site.vapid_subject,
                    site.webhook_secret_sealed,
                    site.created,
                    site.timezone,
                    _cap(site),
                    site.vapid,
                    _text(site.origins),
                    site.dangerous_unsigned_profiles,
                )
            )
            await change.put([msgspec.structs.replace(entry, site=made.id) for entry in entries])
        return made

    async def update_site(self, site: Site, entries: Sequence[NewEntry]) -> Site:
        """As in the port."""
        settings = (site.name, site.timezone, _cap(site), site.vapid_subject, _text(site.origins), site.dangerous_unsigned_profiles)
        async with self.change() as change:
            kept = _site(await change.row(_SQL["update_site"], site.id, *settings))
            await change.put(entries)
        return kept

    async def rotate_vapid(self, site: Site, earlier: SiteKey) -> Site:
        """As in the port."""
        async with self.change() as change:
            current = await change.connection.fetchval(_SQL["vapid_number"], site.id)
            if current is None:
                raise NotFound("There is no such site.")
            if current != earlier.number:
                raise Changed(f"The site's VAPID key is not number {earlier.number} any more.")
            await change.row(_SQL["put_site_key"], *astuple(earlier))
            return _site(await change.row(_SQL["rotate_vapid"], site.id, site.vapid_public_key, site.vapid_private_sealed, site.vapid))

    async def put_site_key(self, key: SiteKey) -> None:
        """As in the port."""
        async with self.change() as change:
            await change.row(_SQL["put_site_key"], *astuple(key))

    async def delete_site_key(self, site: int, kind: str, number: int) -> None:
        """As in the port."""
        async with self.change() as change:
            await change.row(_SQL["delete_site_key"], site, kind, number)

    async def put_segment(self, segment: SegmentRow, entries: Sequence[NewEntry]) -> SegmentRow:
        """As in the port."""
        condition = None if segment.condition is None else _text(segment.condition)
        values = (segment.site, segment.segment, segment.name, condition, segment.created, segment.changed)
        async with self.change() as change:
            kept = _segment(await change.row(_SQL["put_segment"], *values))
            await change.put(entries)
        return kept

    async def delete_segment(self, site: int, segment: str, entries: Sequence[NewEntry]) -> None:
        """As in the port."""
        async with self.change() as change:
            await change.row(_SQL["delete_segment"], site, segment)
            await change.put(entries)

    async def create_key(self, key: ApiKey) -> ApiKey:
        """As in the port."""
        values = (key.site, key.name, key.hash, key.prefix, _encode(key.scopes).decode(), key.created, key.last_used, key.revoked)
        async with self.change() as change:
            return _key(await change.row(_SQL["insert_key"], *values))

    async def revoke_key(self, site: int, key: int, at: int) -> ApiKey:
        """As in the port."""
        async with self.change() as change:
            return _key(await change.row(_SQL["revoke_key"], site, key, at))

    async def touch_keys(self, used: Iterable[tuple[int, int]]) -> None:
        """As in the port. No new generation: nobody acts on it."""
        latest: dict[int, int] = {}
        for key, at in used:
            latest[key] = max(at, latest.get(key, at))
        await self._database.execute(_SQL["touch_keys"], list(latest), list(latest.values()))

    async def put_secret(self, secret: Secret) -> None:
        """As in the port."""
        async with self.change() as change:
            await change.row(_SQL["put_secret"], secret.site, secret.name, secret.sealed, secret.changed)

    async def delete_secret(self, site: int, name: str) -> None:
        """As in the port."""
        async with self.change() as change:
            await change.row(_SQL["delete_secret"], site, name)


def _text(value: object) -> str:
    return _encode(value).decode()


def _cap(site: Site) -> str | None:
    return None if site.frequency_cap is None else _encode(site.frequency_cap).decode()


def _site(row: Row) -> Site:
    id_, name, app_id, public, private, subject, webhook, created, timezone, cap, vapid, origins, unsigned = row
    decoded, allowed = None if cap is None else _decode_cap(cap), _decode_origins(origins)
    return Site(id_, name, app_id, public, private, subject, webhook, created, timezone, decoded, vapid, allowed, unsigned)


def _segment(row: Row) -> SegmentRow:
    site, segment, name, condition, created, changed = row
    return SegmentRow(site, segment, name, None if condition is None else _decode_condition(condition), created, changed)


def _key(row: Row) -> ApiKey:
    id_, site, name, hash_, prefix, scopes, created, last_used, revoked = row
    return ApiKey(id_, site, name, hash_, prefix, _decode_scopes(scopes), created, last_used, revoked)
