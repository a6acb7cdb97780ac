"""Imports of subscribers and profiles: rows come in chunks, each accepted or refused by itself; what was done once is not done again.

A chunk says which row of the file it begins with. One that came before is not applied a second time, so an import that was broken off goes
on with the same file from where its job says. What becomes of a chunk is counted only if nothing was counted since its job was read: of two
that come at once, one is judged anew.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, Final

import msgspec

from clarion.contract.errors import Detail, Refusal
from clarion.contract.flat import is_key
from clarion.contract.limits import MAX_REFUSED_ROWS
from clarion.contract.person import read_profile_row
from clarion.contract.subscriber import SubscriberRequest, read_subscriber_value
from clarion.control.errors import Conflict, Invalid
from clarion.control.jobs import find_job
from clarion.control.names import read_name
from clarion.control.people_entries import device_entry, profile_entry
from clarion.control.person_rows import WHAT, Row, RowRefused, numbered
from clarion.control.registration import Issuer, imported
from clarion.domain.ids import digest
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import ProfileChange, SubscriberChange
from clarion.store.records.entries import IdempotencyClaim, NewEntry
from clarion.store.records.jobs import Job
from clarion.store.records.sites import Site

KIND: Final = "import"
RUNNING: Final = "running"
MOST_RUNNING: Final = 100
"""Imports of one site that are under way."""
LONGEST_FIELD: Final = 300
"""Characters of what names a field in the report: a file may have anything there."""

CheckAddress = Callable[[SubscriberRequest], Sequence[Detail]]
"""What is wrong with where a subscription points, beyond its form."""


class RefusedRow(msgspec.Struct, frozen=True):
    """A row of the file that was not taken."""

    row: int
    """From 1, the header of CSV not counted."""
    field: str
    """Empty: the row as a whole."""
    reason: str


class Progress(msgspec.Struct, frozen=True):
    """Body of the job of an import."""

    what: str
    """profiles or subscribers."""
    name: str
    rows: int = 0
    """That have been done: the next chunk begins behind them."""
    accepted: int = 0
    refused: int = 0
    report: tuple[RefusedRow, ...] = ()
    """The first MAX_REFUSED_ROWS of those refused."""


class Judged(msgspec.Struct, frozen=True):
    """What a chunk of rows comes to."""

    entries: list[NewEntry]
    accepted: int
    refused: list[RefusedRow]


Aside = Callable[[Callable[[], Judged]], Awaitable[Judged]]
"""Does work where it holds nobody up."""


async def here(work: Callable[[], Judged]) -> Judged:
    """Work done at once."""
    return work()


async def start_import(store: Store, site: Site, what: str, name: str | None, now: int, new_id: Callable[[], str]) -> Job:
    """The job of an import whose rows are to come. Raises Invalid, Conflict."""
    if what not in WHAT:
        raise Invalid("what", f"what must be one of {', '.join(WHAT)}")
    if len(await store.jobs(site.id, KIND, RUNNING, MOST_RUNNING)) >= MOST_RUNNING:
        raise Conflict(f"{MOST_RUNNING} imports are under way — finish or stop one: clarion jobs list --kind import")
    progress = Progress(what, what if name is None else read_name(name))
    job = Job(site.id, new_id(), KIND, RUNNING, msgspec.Raw(msgspec.json.encode(progress)), now, now)
    await store.put_job(job)
    return job


async def find_import(store: Store, site: Site, id: str) -> tuple[Job, Progress]:
    """An import with its progress. Raises NotFound."""
    job = await find_job(store, site, id)
    if job.kind != KIND:
        raise NotFound(f"job {id[:64]} is no import — see: clarion jobs list --kind import")
    return job, msgspec.json.decode(job.body, type=Progress)


async def add_rows(
    store: Store,
    issuer: Issuer,
    site: Site,
    id: str,
    offset: int,
    read: Callable[[str], Sequence[Row]],
    check: CheckAddress,
    now: int,
    aside: Aside = here,
) -> Job:
    """Take a chunk of rows that stands behind the first `offset` rows of the file; what of it was done is left out.

    `read` gives the rows, by what they are of. Returns after what was accepted is durable. Raises NotFound, Invalid, and Conflict for
    a chunk that leaves rows out or an import that has ended.
    """
    dynamic = {row.segment for row in (await store.configuration()).segments if row.site == site.id and row.condition is not None}
    while True:
        job, progress = await find_import(store, site, id)
        if job.status != RUNNING:
            raise Conflict(f"the import is {job.status} — start another one")
        if offset > progress.rows:
            raise Conflict(f"rows {progress.rows + 1} to {offset} are missing — go on with offset {progress.rows}")
        chunk = await aside(partial(_judge, store, issuer, site, job, progress, offset, read, dynamic, check, now))
        if chunk.entries:
            await store.append(chunk.entries)
        counted = await _count(store, site, job, progress, chunk, now)
        if counted is not None:
            return counted


async def _count(store: Store, site: Site, job: Job, progress: Progress, chunk: Judged, now: int) -> Job | None:
    """Note what has become of a chunk, which is durable; None: another one was counted meanwhile, which may have had rows of this one.

    One that was counted before has to be judged anew: what of it was taken is not taken twice.
    """
    after = msgspec.structs.replace(
        progress,
        rows=progress.rows + chunk.accepted + len(chunk.refused),
        accepted=progress.accepted + chunk.accepted,
        refused=progress.refused + len(chunk.refused),
        report=(*progress.report, *chunk.refused)[:MAX_REFUSED_ROWS],
    )
    while (kept := await _keep(store, job, after, job.status, now)) is None:
        job, found = await find_import(store, site, job.id)
        if found != progress:  # else it was ended only, and these rows were under way by then
            return None
    return kept


def _judge(
    store: Store,
    issuer: Issuer,
    site: Site,
    job: Job,
    progress: Progress,
    offset: int,
    read: Callable[[str], Sequence[Row]],
    dynamic: Collection[str],
    check: CheckAddress,
    now: int,
) -> Judged:
    """What becomes of each row of a chunk that is not done yet. Raises Invalid."""
    chunk = Judged([], 0, [])
    count = 0
    for number, row in numbered(read(progress.what), offset):
        if number <= progress.rows:
            continue
        count += 1
        try:
            chunk.entries.extend(_entries(store, issuer, site, progress.what, job.id, number, row, dynamic, check, now))
        except RowRefused as error:
            chunk.refused.append(RefusedRow(number, error.field[:LONGEST_FIELD], error.reason))
    return msgspec.structs.replace(chunk, accepted=count - len(chunk.refused))


async def end_import(store: Store, site: Site, id: str, status: str, now: int) -> Job:
    """Say that no more rows come: `done`, or `stopped` before the file's end. What was accepted stays. Raises NotFound, Conflict."""
    while True:
        job, progress = await find_import(store, site, id)
        if job.status == status:
            return job
        if job.status != RUNNING:
            raise Conflict(f"the import is {job.status} already")
        if (ended := await _keep(store, job, progress, status, now)) is not None:
            return ended


async def _keep(store: Store, job: Job, progress: Progress, status: str, now: int) -> Job | None:
    """Keep how far an import has come; None: it is not as it was read any more, and stays as it is."""
    after = msgspec.structs.replace(job, body=msgspec.Raw(msgspec.json.encode(progress)), status=status, changed=now)
    return after if await store.replace_job(job, after) else None


def _entries(
    store: Store,
    issuer: Issuer,
    site: Site,
    what: str,
    job: str,
    number: int,
    row: Row,
    dynamic: Collection[str],
    check: CheckAddress,
    now: int,
) -> list[NewEntry]:
    """What a row comes to. Raises RowRefused."""
    if isinstance(row, RowRefused):
        raise row
    _refuse_dynamic(row.get("segments"), dynamic)
    id = digest("import", job, str(number))
    try:
        claim = IdempotencyClaim(f"i:{job}", str(number), digest("row", msgspec.json.encode(row, order="sorted").decode()))
        if what == "profiles":
            read = read_profile_row(row)
            change = ProfileChange(read.profile_id, None, dict(read.attributes), enter=read.segments)
            return [profile_entry(store, site, change, now, id, claim)]
        given = read_subscriber_value(row, "row")
        active = row.get("active")
        if active is not None and not isinstance(active, bool):
            raise RowRefused("active", "active must be true or false")
        wrong = check(given)
        if wrong:
            raise RowRefused(_field(wrong[0]), wrong[0].message)
        entry = imported(store, issuer, site, given, now, id, claim)
        if active is not False:
            return [entry]
        hashed = msgspec.json.decode(entry.body)["device_token_hash"]
        left = device_entry(store, site, SubscriberChange(hashed, "unsubscribe"), now, digest("import", job, str(number), "left"))
        return [entry, msgspec.structs.replace(left, claim=IdempotencyClaim(claim.target, f"{number}.left", claim.content))]
    except Refusal as refusal:
        detail = refusal.details[0] if refusal.details else Detail(refusal.message)
        raise RowRefused(_field(detail), detail.message) from None
    except Invalid as error:
        raise RowRefused(error.path, error.message) from None
    except (TypeError, OverflowError):  # a number of thousands of digits, where none may stand
        raise RowRefused("", "row holds a number that cannot be kept") from None


def _field(detail: Detail) -> str:
    """The field that a problem is about; a key that is no legal one is left out, for it may say anything about anybody."""
    return ".".join(takewhile(is_key, detail.path))


def _refuse_dynamic(segments: Any, dynamic: Collection[str]) -> None:
    if dynamic and isinstance(segments, list):
        for one in segments:
            if isinstance(one, str) and one.strip() in dynamic:
                raise RowRefused("segments", f"{one.strip()[:64]} is a dynamic segment: its condition says who is in it")
