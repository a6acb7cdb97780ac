"""Entries on their way into inboxes: as the columns that a statement takes, and inside somebody else's transaction."""

from collections.abc import Sequence
from typing import Any

from clarion.store.port import NotFound
from clarion.store.postgres.connection import Connection, Database
from clarion.store.postgres.signals import INBOX, Signals
from clarion.store.records.entries import Appended, NewEntry
from clarion.store.statements import load_statements

SQL = load_statements(__package__, "ingest")

STORED = Appended.STORED


def columns(entries: Sequence[NewEntry]) -> tuple[list[Any], ...]:
    """partition, kind, site, id, body, received: a list of each. Raises UnicodeDecodeError for a body that is no UTF-8."""
    return (
        [entry.partition for entry in entries],
        [entry.kind for entry in entries],
        [entry.site for entry in entries],
        [entry.id for entry in entries],
        [entry.body.decode() for entry in entries],
        [entry.received for entry in entries],
    )


def claims(entries: Sequence[NewEntry]) -> tuple[list[Any], ...]:
    """Of the entries with a claim: place, from 1 on, partition, site, id, received, target, event_id, content; a list of each."""
    found = [(place, entry, entry.claim) for place, entry in enumerate(entries, 1) if entry.claim is not None]
    return (
        [place for place, _, _ in found],
        [entry.partition for _, entry, _ in found],
        [entry.site for _, entry, _ in found],
        [entry.id for _, entry, _ in found],
        [entry.received for _, entry, _ in found],
        [claim.target for _, _, claim in found],
        [claim.event_id for _, _, claim in found],
        [claim.content for _, _, claim in found],
    )


async def put_entries(connection: Connection, entries: Sequence[NewEntry]) -> None:
    """Put entries without claims into their inboxes, in the transaction that is under way."""
    if entries:
        await connection.execute(SQL["put"], *columns(entries))


async def take_back(database: Database, signals: Signals, partition: int, id_: str, entry: NewEntry | None) -> None:
    """As in the port."""
    async with database.transaction() as connection:
        if await connection.fetchrow(SQL["take_back"], partition, id_) is None:
            raise NotFound("Nothing of this id is set aside.")
        if entry is not None:
            await put_entries(connection, [entry])
    if entry is not None:
        signals.tell(INBOX, (entry.partition,))
