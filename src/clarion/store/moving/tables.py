"""Every table that moves: what is read of it, and what becomes of each row."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from clarion.domain.ids import digest
from clarion.store.moving.addresses import Addresses
from clarion.store.moving.renumbering import Renumbering
from clarion.store.moving.unapplied import Unapplied

Record = tuple[Any, ...]
"""A row as it is written, in the order of its table's `columns`."""


class Spreading(NamedTuple):
    """What rows need to find their places."""

    addresses: Addresses
    log: Renumbering
    unapplied: Unapplied


class Table(NamedTuple):
    """One table, of the same name on both sides. `source.sql` has what reads it, `target.sql` what sums it up, both in this order."""

    name: str
    key: int
    """How many columns come before those of the row."""
    columns: tuple[str, ...]
    """Of the target."""
    spread: Callable[[Spreading, Record], Iterator[Record]]
    """What becomes of a row: one for each partition that it belongs into."""
    start: tuple[int | str, ...] = (0,)
    """A key before the first."""


def _alone(_: Spreading, row: Record) -> Iterator[Record]:
    yield row


def _everywhere(to: Spreading, row: Record) -> Iterator[Record]:
    for partition in to.addresses.everywhere:
        yield (partition, *row)


def _site(_: Spreading, row: Record) -> Iterator[Record]:
    *rest, unsigned = row
    yield (*rest, bool(unsigned))


def _sweep(to: Spreading, row: Record) -> Iterator[Record]:
    """Each partition goes on behind the same key, for the same entry, which profiles name; what was done is counted once."""
    *rest, done, body = row
    for partition in to.addresses.everywhere:
        yield (partition, *rest, 0 if partition else done, body)


def _profile(to: Spreading, row: Record) -> Iterator[Record]:
    yield (to.addresses.of_profile(row[0], row[1]), *row)


def _subscriber(to: Spreading, row: Record) -> Iterator[Record]:
    """At home, and a copy beside a profile that lives elsewhere."""
    site, device, profile, endpoint, p256dh, auth, active, *rest = row
    home, beside = to.addresses.of_subscriber(site, device), to.addresses.of_profile(site, profile)
    for partition in (home,) if home == beside else (home, beside):
        yield (partition, site, device, profile, endpoint, p256dh, auth, bool(active), *rest)


def _run(to: Spreading, row: Record) -> Iterator[Record]:
    id_, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, *rest = row
    partition = to.addresses.of_profile(site, profile)
    yield (
        partition, id_, site, workflow, version, profile, key, status, step, due, bool(held), started, ended, storable(reason), *rest,
    )  # fmt: skip


def _event_id(to: Spreading, row: Record) -> Iterator[Record]:
    yield (to.addresses.of_claim(row[0], row[1]), *row)


def _log(to: Spreading, row: Record) -> Iterator[Record]:
    """In the log of its profile, else of its target; each log is numbered without gaps."""
    log_time, kind, site, id_, received, profile, body = row
    if profile:
        partition = to.addresses.of_profile(site, profile)
        yield (partition, to.log.next(partition), *row)
        return
    for partition in (places := to.addresses.of_entry(kind, site, id_, body)):
        own = id_ if len(places) == 1 else copied_id(id_, partition)
        yield (partition, to.log.next(partition), log_time, kind, site, own, received, profile, body)


def _explanation(to: Spreading, row: Record) -> Iterator[Record]:
    sequence, site, profile, event, at, body = row
    partition = to.addresses.of_profile(site, profile) if profile else to.unapplied.partition_of(site, event, at)
    yield (partition, sequence, at, site, profile, event, at, body)


def _delivery(to: Spreading, row: Record) -> Iterator[Record]:
    yield (to.addresses.of_profile(row[3], row[8]), *row)


def _outbox(to: Spreading, row: Record) -> Iterator[Record]:
    profile, id_, created, sequence, site, workflow, due, held = row
    yield (to.addresses.of_profile(site, profile), id_, created, sequence, site, workflow, due, bool(held))


def _hold(to: Spreading, row: Record) -> Iterator[Record]:
    site, workflow, released, cutoff, at = row
    for partition in to.addresses.everywhere:
        yield (partition, site, workflow, bool(released), cutoff, at)


def _inbox(to: Spreading, row: Record) -> Iterator[Record]:
    position, kind, site, id_, received, body = row
    for partition in (places := to.addresses.of_entry(kind, site, id_, body)):
        yield (partition, position, kind, site, id_ if len(places) == 1 else copied_id(id_, partition), received, body)


def _poisoned(to: Spreading, row: Record) -> Iterator[Record]:
    id_, site, kind, at, error, sequence, body = row
    for partition in (places := to.addresses.of_entry(kind, site, id_, body)):
        yield (partition, id_ if len(places) == 1 else copied_id(id_, partition), site, kind, at, storable(error), sequence, body)


def _counter(_: Spreading, row: Record) -> Iterator[Record]:
    """They are summed over partitions, so it does not matter in which they stand."""
    yield (0, *row)


def copied_id(id_: str, partition: int) -> str:
    """Id of one partition's copy of an entry that concerns all of them: each has its own, as if it had been told by itself."""
    return digest("moved", id_, str(partition))


def storable(text: str | None) -> str | None:
    """Free text without what PostgreSQL cannot store."""
    return text if text is None else text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TABLES: Final = (
    Table("generation", 1, _columns("one value"), _alone),
    Table("upkeep", 1, _columns("one exported alarm since"), _alone),
    Table(
        "sites",
        1,
        _columns(
            "id name app_id vapid_public_key vapid_private_sealed vapid_subject webhook_secret_sealed created timezone frequency_cap vapid"
            " origins dangerous_unsigned_profiles"
        ),
        _site,
    ),
    Table("api_keys", 1, _columns("id site name hash prefix scopes created last_used revoked"), _alone),
    Table("workflows", 2, _columns("site workflow name version status changed"), _alone, (0, "")),
    Table("workflow_versions", 1, _columns("site workflow version created source document"), _alone),
    Table("workflow_drafts", 1, _columns("site workflow saved source"), _alone),
    Table("secrets", 1, _columns("site name sealed changed"), _alone),
    Table("site_keys", 1, _columns("site kind number public sealed changed"), _alone),
    Table("segments", 1, _columns("site segment name created changed condition"), _alone),
    Table("jobs", 1, _columns("site id kind status created changed body"), _alone),
    Table("workflow_states", 2, _columns("partition site workflow version status stale_before heard directives"), _everywhere, (0, "")),
    Table("site_states", 1, _columns("partition site timezone frequency_cap"), _everywhere, (-1,)),
    Table("segment_states", 2, _columns("partition site segment defined condition"), _everywhere, (0, "")),
    Table("sweeps", 2, _columns("partition site id at entry cursor done body"), _sweep, (0, "")),
    Table("profiles", 2, _columns("partition site key attributes segments created pushed merged recheck offered"), _profile, (0, "")),
    Table(
        "subscribers",
        1,
        _columns("partition site device_token_hash profile endpoint p256dh auth active created last_active facts provider vapid logouts"),
        _subscriber,
    ),
    Table(
        "runs",
        1,
        _columns("partition id site workflow version profile key status step due held started ended reason goal_until device state"),
        _run,
    ),
    Table("entry_memory", 4, _columns("partition site profile workflow key started run"), _profile, (0, "", "", "")),
    Table("event_ids", 1, _columns("partition site target event_id content entry received"), _event_id),
    Table("log", 1, _columns("partition sequence log_time kind site id received profile body"), _log),
    Table("explanations", 1, _columns("partition sequence log_time site profile event at body"), _explanation),
    Table(
        "deliveries",
        1,
        _columns(
            "partition id created sequence site effect run workflow step profile kind due expires subscriber hops attempts status"
            " finished version job"
        ),
        _delivery,
    ),
    Table("outbox", 1, _columns("partition id created sequence site workflow due held"), _outbox),
    Table("holds", 2, _columns("partition site workflow released cutoff at"), _hold, (0, "")),
    Table("inbox", 1, _columns("partition position kind site id received body"), _inbox),
    Table("poisoned", 1, _columns("partition id site kind at error sequence body"), _poisoned),
    Table(
        "counters",
        8,
        _columns("partition site workflow period start version step name branch count"),
        _counter,
        (0, "", "", -(2**62), 0, "", "", ""),
    ),
)
"""In the order in which they move."""
