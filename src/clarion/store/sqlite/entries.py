"""Putting entries into the inbox, new ones and those that are tried again, inside the writer's transaction."""

from collections.abc import Sequence
from itertools import accumulate

import apsw
import msgspec

from clarion.store.port import NotFound
from clarion.store.records.entries import Appended, IdempotencyClaim, NewEntry
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("ingest")
_encode = msgspec.json.Encoder().encode
_decode_held = msgspec.json.Decoder(list[tuple[int, str]]).decode

_STORED = Appended.STORED

_Claimed = tuple[int, NewEntry, IdempotencyClaim]
"""An entry with a claim, and its place in the batch."""


def put_entries(connection: apsw.Connection, entries: Sequence[NewEntry]) -> list[Appended]:
    """Store entries, all or none, and say what became of each. To be called in a transaction."""
    claimed = [(ordinal, entry, entry.claim) for ordinal, entry in enumerate(entries) if entry.claim is not None]
    became = [_STORED] * len(entries)
    if claimed:
        with savepoint(connection):
            _put_claimed(connection, entries, claimed, became)
    elif entries:
        _insert(connection, entries)
    return became


def take_back(connection: apsw.Connection, id_: str, entry: NewEntry | None) -> None:
    """As in the port."""
    if not rows(connection, _SQL["take_back"], {"id": id_}):
        raise NotFound("Nothing of this id is set aside.")
    if entry is not None:
        put_entries(connection, [entry])


def _put_claimed(connection: apsw.Connection, entries: Sequence[NewEntry], claimed: Sequence[_Claimed], became: list[Appended]) -> None:
    fresh = _judge(connection, claimed, became)
    if fresh:
        taken = [(e.site, c.target, c.event_id, c.content, e.id, e.received) for _, e, c in fresh]
        connection.execute(_SQL["insert_claims"], {"claims": _encode(taken)})
    stored = [entry for entry, outcome in zip(entries, became, strict=True) if outcome is _STORED]
    if stored:
        _insert(connection, stored)


def _insert(connection: apsw.Connection, entries: Sequence[NewEntry]) -> None:
    bodies = [entry.body for entry in entries]
    starts = accumulate(map(len, bodies), initial=1)  # substr counts from 1
    written = [(e.kind, e.site, e.id, start, len(e.body), e.received) for e, start in zip(entries, starts, strict=False)]
    connection.execute(_SQL["insert_entries"], {"rows": _encode(written), "bodies": b"".join(bodies)})


def _judge(connection: apsw.Connection, claimed: Sequence[_Claimed], became: list[Appended]) -> list[_Claimed]:
    """Note in `became` whose claim is held, by the database or by an entry before it in the batch; return those that take theirs."""
    asked = [(ordinal, entry.site, claim.target, claim.event_id) for ordinal, entry, claim in claimed]
    held = dict(_decode_held(value(connection, _SQL["find_claims"], {"claims": _encode(asked)})))
    taken: dict[tuple[int, str, str], str] = {}
    fresh: list[_Claimed] = []
    for ordinal, entry, claim in claimed:
        key = (entry.site, claim.target, claim.event_id)
        content = held.get(ordinal, taken.get(key))
        if content is None:
            taken[key] = claim.content
            fresh.append((ordinal, entry, claim))
        else:
            became[ordinal] = Appended.DUPLICATE if content == claim.content else Appended.CONFLICT
    return fresh
