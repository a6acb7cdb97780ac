"""Broadcasts: a push to a person, a segment, an audience or everybody, now or at a time; paused, resumed, stopped, and how far they are.

A broadcast is a workflow of its own that starts for everybody who is there (`docs/decisions/0021-broadcasts-are-workflows.md`).
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final

import msgspec

from clarion.contract.text import text_problem
from clarion.control.broadcast_documents import BroadcastRequest, broadcast_document
from clarion.control.errors import Conflict, Invalid
from clarion.control.people_entries import everywhere
from clarion.control.workflows import known_workflow, move_status
from clarion.domain.ids import broadcast_workflow, digest, is_broadcast, named_profile, partition_of_profile
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import BroadcastStart, WorkflowChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunCount
from clarion.store.records.sites import Site
from clarion.store.records.states import SweepCount
from clarion.store.records.workflows import WorkflowRow, WorkflowVersion
from clarion.workflow.source import Document, canonical

ID_CHARACTERS: Final = 16
LONGEST_KEY: Final = 128
"""Characters of a client's own id of a broadcast."""
MOST: Final = 100
"""On one page."""
CHANGES: Final = {"pause": "pause", "resume": "resume", "stop": "archive"}
"""What can be done to a broadcast, and what that is to its workflow."""


class Broadcast(msgspec.Struct, frozen=True):
    """A broadcast and where it stands."""

    id: str
    row: WorkflowRow
    version: WorkflowVersion
    status: str
    """sending; scheduled: everybody's push waits for its time; sent; paused; stopped."""
    looked_at: int
    """Profiles that have had their turn, in partitions that are not through."""
    partitions_left: int
    """That are not through, or have not begun."""
    in_flight: int
    """People whose push has not been sent."""


class Begun(msgspec.Struct, frozen=True):
    """What came of asking for a broadcast."""

    id: str
    created: bool
    """False where the same was asked for before."""


async def send_broadcast(store: Store, site: Site, given: BroadcastRequest, key: str | None, now: int, new_id: Callable[[], str]) -> Begun:
    """Have a push sent to those who are there now. The same `key` with the same content is the same broadcast, however often it comes.

    Raises Invalid, DocumentInvalid, NotFound for a subscriber that is not known, and Conflict for a key that other content has.
    """
    id = _new_broadcast(site, key, new_id)
    document = broadcast_document(id, given)
    address = _address(id, given.to)
    known = await _known(store, site, id) is not None
    if not known:
        await _publish(store, site, id, document, address, await _only_profile(store, site, given.to), now, new_id)
    # also where somebody else has published the same id meanwhile
    version = await store.workflow_version(site.id, document.workflow, 1)
    if (bytes(version.document), version.source) != (canonical(document), address):
        raise Conflict("broadcast_id was already used with different content")
    return Begun(id, not known)


async def find_broadcast(store: Store, site: Site, id: str) -> Broadcast:
    """One broadcast. Raises NotFound."""
    row = await _known(store, site, id)
    if row is None:
        raise _unknown(id)
    [found] = await _standing(store, site, [row])
    return found


async def list_broadcasts(store: Store, site: Site, cursor: str | None, limit: int) -> tuple[list[Broadcast], str | None]:
    """Broadcasts by when they were changed last, newest first, and what to go on with. Raises Invalid for a cursor that is none."""
    rows = await store.broadcasts(site.id, _read_cursor(cursor) if cursor else None, limit + 1)
    page = rows[:limit]
    return await _standing(store, site, page), _cursor(page[-1]) if len(rows) > limit else None


async def change_broadcast(store: Store, site: Site, id: str, change: str, now: int, new_id: Callable[[], str]) -> Broadcast:
    """One of CHANGES. A pause holds what was not sent; a stop ends it for good. Raises NotFound, Conflict."""
    row = await _known(store, site, id)
    if row is None:
        raise _unknown(id)
    if change != "stop" and row.status == "archived":
        raise Conflict("the broadcast was stopped and is over — send another one")
    changed = await move_status(store, site, row.workflow, CHANGES[change], now, new_id)
    [found] = await _standing(store, site, [changed])
    return found


async def _only_profile(store: Store, site: Site, to: object) -> str | None:
    """Key of the only profile that a broadcast is for. Raises NotFound."""
    if not isinstance(to, dict):
        return None
    if "profile_id" in to:
        return named_profile(to["profile_id"])
    if "device_token_hash" in to:
        try:
            return await store.subscriber_profile(site.id, to["device_token_hash"])
        except NotFound:
            raise NotFound("there is no such subscriber — see: clarion subscribers list") from None
    return None


def _address(id: str, to: object) -> str:
    """Whom a broadcast is for, as it is kept: of a person nothing that tells who it is, for that is to be erased with them."""
    if isinstance(to, dict) and to.keys() & {"profile_id", "device_token_hash"}:
        to = {"person": digest("broadcast to", id, *next(iter(to.items())))}
    return msgspec.json.encode({"to": to}, order="sorted").decode()


async def _publish(
    store: Store, site: Site, id: str, document: Document, address: str, profile: str | None, now: int, new_id: Callable[[], str]
) -> None:
    """Publish and start in one commit: there is no broadcast that was not begun."""
    version = WorkflowVersion(site.id, document.workflow, 0, msgspec.Raw(canonical(document)), address, now)
    told = everywhere(store, site, EntryKind.WORKFLOW, WorkflowChange(document.workflow, "publish"), now, new_id)
    body = msgspec.json.encode(BroadcastStart(id, document.workflow, 1, profile))
    homes = range(store.partitions) if profile is None else (partition_of_profile(site.id, profile, store.partitions),)
    started = [NewEntry(EntryKind.BROADCAST, site.id, digest("broadcast", str(site.id), id, str(home)), body, now, home) for home in homes]
    await store.publish(version, document.name, [*told, *started])


async def _standing(store: Store, site: Site, rows: list[WorkflowRow]) -> list[Broadcast]:
    """Where broadcasts stand."""
    if not rows:
        return []
    asked = [f"broadcast:{_id(row)}" for row in rows]
    under_way = {one.id: one for one in await store.sweep_counts(site.id, asked)}
    oldest = [lag.oldest for lag in await store.lags() if lag.oldest is not None]
    found = []
    for row in rows:
        id = _id(row)
        version = await store.workflow_version(site.id, row.workflow, 1)
        sweep = under_way.get(f"broadcast:{id}", SweepCount(id, 0, 0))
        not_begun = sum(at <= version.created for at in oldest) if row.status in ("active", "paused") else 0
        counts = await store.run_counts(site.id, row.workflow)
        in_flight = sum(one.count for one in counts)
        left = sweep.partitions + not_begun
        found.append(Broadcast(id, row, version, _status(row, left > 0, counts), sweep.done, left, in_flight))
    return found


def _id(row: WorkflowRow) -> str:
    return row.workflow[-ID_CHARACTERS:]


def _status(row: WorkflowRow, is_left: bool, counts: list[RunCount]) -> str:
    if row.status in ("paused", "archived"):
        return "paused" if row.status == "paused" else "stopped"
    if is_left:
        return "sending"
    return "scheduled" if counts else "sent"


async def _known(store: Store, site: Site, id: str) -> WorkflowRow | None:
    slug = broadcast_workflow(id)
    return await known_workflow(store, site, slug) if is_broadcast(slug) else None


def _new_broadcast(site: Site, key: str | None, new_id: Callable[[], str]) -> str:
    if key is None:
        return digest("broadcast", new_id())[:ID_CHARACTERS]
    problem = text_problem("broadcast_id", key, LONGEST_KEY, blank=True)
    if problem is not None:
        raise Invalid("broadcast_id", problem)
    return digest("broadcast", str(site.id), key)[:ID_CHARACTERS]


def _cursor(row: WorkflowRow) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((row.changed, row.workflow))).rstrip(b"=").decode()


def _read_cursor(text: str) -> tuple[int, str]:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text[:256] + "=" * (-len(text[:256]) % 4)), type=tuple[int, str])
    except (ValueError, binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        raise Invalid("cursor", "cursor must be that of an earlier answer of the same list") from None


def _unknown(id: str) -> NotFound:
    return NotFound(f"there is no broadcast {id[:64]} — see: clarion broadcasts list")
