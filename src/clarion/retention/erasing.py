"""Sees to it that nothing of a person who was erased is left: in the log, beside it, in snapshots and in exported files (semantics §1).

What the engine holds of the person goes when it applies the ERASE entry, in each partition for itself. Whatever stood before that entry is
looked through here, in small steps with rests; then nothing names the person any more, the job included, and the store overwrites what was
removed.

Whoever asks for an erasure puts the job, then the entries. Here they are put once more, under the same claims: where the first time was
broken off, they come now, else they are there already.

Where there are several partitions, messages may have been under way when the entries came. Once all partitions have applied theirs, those
messages are in inboxes at least; so a second entry goes to each, and what stands between the two and was caused before is looked through
as well.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from clarion.clock import Clock
from clarion.domain.ids import digest
from clarion.domain.records import Profile
from clarion.retention.erased_files import erase_from_files
from clarion.retention.naming import Named, names, said_by
from clarion.retention.pace import Pace
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import Erasure
from clarion.store.records.entries import EntryKind, IdempotencyClaim, LogRow, NewEntry
from clarion.store.records.jobs import Job
from clarion.store.records.snapshots import Snapshot, SnapshotPart

ERASURE: Final = "erasure"
RUNNING: Final = "running"
DONE: Final = "done"

PAGE: Final = 500
"""Log entries that are looked through in one step."""
AT_ONCE: Final = 300
"""Other rows removed in one step."""
MOST_SET_ASIDE: Final = 10_000
"""Inputs that could not be applied and are looked through: the newest of a site."""
MESSAGES: Final = frozenset({EntryKind.FORWARD, EntryKind.JOIN, EntryKind.LEAVE, EntryKind.MERGE, EntryKind.SEEN})
"""From partition to partition, with the time of their cause."""
MOST: Final = 100
"""Erasures that are worked off together, with one look at the log."""

_log = structlog.get_logger(__name__)


class Wanted(msgspec.Struct):
    """Body of a job of kind `erasure` as long as it runs."""

    profiles: tuple[str, ...]
    """Keys, as the ERASE entries have them."""
    subscribers: tuple[str, ...] = ()
    reached: dict[str, int] = {}
    """By partition: sequence of the last log entry that has been looked at; -1: the ERASE entry has been found."""
    found: dict[str, int] = {}
    """By partition: sequence of the ERASE entry."""
    second: dict[str, int] = {}
    """The same of the second one."""
    closing: bool = False
    """Whether the second ones are there for sure."""
    erased: int = 0
    """Log entries that were about the person."""
    asked: bool = False
    """Whether the ERASE entries are there for sure."""
    gone: bool = False
    """Nothing names the person any more, nor does this; what was removed is still to be overwritten."""


class Erased(msgspec.Struct, frozen=True):
    """Body of one that is done: that it was, not of whom."""

    log_entries: int


class Erasing:
    """Works erasures off."""

    def __init__(self, store: Store, exports: Path, clock: Clock, pace: Pace) -> None:
        """`exports` is where this process exports events to."""
        self._store, self._exports, self._clock, self._pace = store, exports, clock, pace

    async def work(self) -> int:
        """Take all erasures as far as they come now; returns how many are done. One whose entry is not applied yet waits for the next call.

        Raises StoreError; then what was done stays done.
        """
        gone = []
        for job in reversed(await self._store.jobs(None, ERASURE, RUNNING, MOST)):
            wanted = msgspec.json.decode(job.body, type=Wanted)
            if wanted.gone or await self._is_gone(job, wanted):
                gone.append((job, wanted.erased))
        if not gone or not await self._store.overwrite_deleted():
            return 0
        for job, erased in gone:
            await self._note(job, Erased(erased), DONE)
            _log.info("a person was erased", site=job.site, job=job.id, log_entries=erased)
        return len(gone)

    async def _is_gone(self, job: Job, wanted: Wanted) -> bool:
        """Take an erasure as far as it comes; returns whether nothing names the person any more."""
        if not wanted.asked:
            await self._store.append(erasure_entries(job, self._store.partitions))
            wanted.asked = True
        if not await self._in_log(job, wanted) or not await self._behind(job, wanted):
            await self._note(job, wanted, RUNNING)
            return False
        for partition in range(self._store.partitions):  # last: by these it is known how far it has come
            entries = [found[str(partition)] for found in (wanted.found, wanted.second) if str(partition) in found]
            await self._store.blank(partition, entries)
        wanted.erased += len(wanted.found)
        await self._beside_the_log(job.site, wanted)
        await self._in_snapshots(job, wanted)
        person = Named(frozenset(wanted.profiles), frozenset(wanted.subscribers))
        await asyncio.to_thread(erase_from_files, self._exports, job.site, person)
        await self._note(job, Wanted((), erased=wanted.erased, asked=True, gone=True), RUNNING)
        return True

    # -- the log -----------------------------------------------------------------------------------------------------

    async def _in_log(self, job: Job, wanted: Wanted) -> bool:
        """Look through every partition's log up to the ERASE entry, or the second one if it is its turn; returns whether all have been."""
        is_done, found = True, wanted.second if wanted.closing else wanted.found
        for partition in range(self._store.partitions):
            reached = wanted.reached.get(str(partition), 0)
            while reached >= 0:
                began = self._pace.began()
                page = await self._store.log_page(partition, reached, self._clock() + 1, PAGE)
                if not page:
                    break
                end, about = _look(page, job, wanted)
                if about:
                    await self._store.blank(partition, about)
                    wanted.erased += len(about)
                if end is not None:
                    found[str(partition)] = end
                wanted.reached[str(partition)] = reached = -1 if end is not None else page[-1].sequence or 0
                await self._note(job, wanted, RUNNING)
                await self._pace.rest(began)
            is_done = is_done and reached < 0
        return is_done

    async def _behind(self, job: Job, wanted: Wanted) -> bool:
        """The same for what was under way between partitions; returns whether all of it has come and been looked through."""
        if self._store.partitions == 1 or wanted.closing:  # nothing is under way; or the second ones have been found
            return True
        await self._store.append(erasure_entries(job, self._store.partitions, after=True))
        wanted.closing, wanted.reached = True, dict(wanted.found)
        await self._note(job, wanted, RUNNING)
        return await self._in_log(job, wanted)

    # -- what is beside it -------------------------------------------------------------------------------------------

    async def _beside_the_log(self, site: int, wanted: Wanted) -> None:
        for partition in range(self._store.partitions):
            while True:
                began = self._pace.began()
                if not await self._store.erase_about(partition, site, wanted.profiles, wanted.subscribers, AT_ONCE):
                    break
                await self._pace.rest(began)
        person = Named(frozenset(wanted.profiles), frozenset(wanted.subscribers))
        for one in await self._store.poisoned(MOST_SET_ASIDE, site):
            if person.is_about("", said_by(one.body)):
                with contextlib.suppress(NotFound):  # somebody was faster
                    await self._store.take_back(one.id, None, one.partition)

    async def _in_snapshots(self, job: Job, wanted: Wanted) -> None:
        """Those that were taken before the person was erased."""
        for partition in range(self._store.partitions):
            for snapshot in await self._store.snapshots(partition):
                try:
                    await self._in_snapshot(snapshot, job.site, wanted)
                except NotFound:  # it has gone meanwhile, and the person with it
                    continue

    async def _in_snapshot(self, snapshot: Snapshot, site: int, wanted: Wanted) -> None:
        number, counts, changed = 0, dict(snapshot.counts), {}
        async for part in self._store.snapshot_parts(snapshot):
            number += 1
            began = self._pace.began()
            left = _without(part, site, wanted.profiles, wanted.subscribers)
            if left != part:
                changed[number] = left
                for section in counts:
                    counts[section] -= len(getattr(part, section, ())) - len(getattr(left, section, ()))
            await self._pace.rest(began)
        if changed:
            await self._store.rewrite_snapshot(msgspec.structs.replace(snapshot, counts=counts), changed)

    async def _note(self, job: Job, body: Wanted | Erased, status: str) -> None:
        raw = msgspec.Raw(msgspec.json.encode(body))
        await self._store.put_job(msgspec.structs.replace(job, body=raw, status=status, changed=self._clock()))


def _look(page: Sequence[LogRow], job: Job, wanted: Wanted) -> tuple[int | None, list[int]]:
    """Where in a page the ERASE entry stands, if it does, or the second one; and what before it is about the person."""
    person = Named(frozenset(wanted.profiles), frozenset(wanted.subscribers))
    about: list[int] = []
    for row in page:
        if row.site != job.site or row.kind is EntryKind.ERASED:
            continue
        if row.kind is EntryKind.ERASE:
            said = msgspec.json.decode(row.body, type=_Erasure)
            if (said.erasure, said.after) == (job.id, wanted.closing):
                return row.sequence or 0, about
        if wanted.closing and not _was_under_way(row, job):
            continue  # it is of who came after
        if person.is_about(row.profile, names(row)):
            about.append(row.sequence or 0)
    return None, about


def _was_under_way(row: LogRow, job: Job) -> bool:
    """Whether an entry behind the first ERASE entry was caused before it, or by another partition's."""
    return row.kind in MESSAGES and (row.received < job.created or (row.received == job.created and row.kind is EntryKind.LEAVE))


class _Erasure(msgspec.Struct):
    erasure: str = ""
    after: bool = False


def _without(part: SnapshotPart, site: int, profiles: Collection[str], subscribers: Collection[str]) -> SnapshotPart:
    """A part of a snapshot without a person. Whoever brought runs or memory along is among the person's profiles."""

    def is_left(profile: Profile) -> bool:
        return profile.key not in profiles and profile.merged not in profiles

    return msgspec.structs.replace(
        part,
        profiles=[(of, one) for of, one in part.profiles if of != site or is_left(one)],
        subscribers=[
            (of, one)
            for of, one in part.subscribers
            if of != site or (one.device_token_hash not in subscribers and one.profile not in profiles)
        ],
        memory=[one for one in part.memory if one.site != site or one.profile not in profiles],
        runs=[one for one in part.runs if one.site != site or one.profile not in profiles],
    )


def erasure_job(site: int, id: str, profiles: Collection[str], subscribers: Collection[str], now: int) -> Job:
    """The job of an erasure that begins now."""
    body = msgspec.json.encode(Wanted(tuple(profiles), tuple(subscribers)))
    return Job(site, id, ERASURE, RUNNING, msgspec.Raw(body), now, now)


def erasure_entries(job: Job, partitions: int, *, after: bool = False) -> list[NewEntry]:
    """The ERASE entries of a job that has been put, or the second ones, one a partition; appended again they change nothing."""
    wanted = msgspec.json.decode(job.body, type=Wanted)
    body = msgspec.json.encode(Erasure(wanted.profiles, wanted.subscribers, job.id, after))
    which = "after" if after else "erase"
    found = []
    for partition in range(partitions):
        id = digest(which, job.id, str(partition))
        claim = IdempotencyClaim(f"e:{job.id}", f"{which}.{partition}", "")
        found.append(NewEntry(EntryKind.ERASE, job.site, id, body, job.created, partition, claim))
    return found
