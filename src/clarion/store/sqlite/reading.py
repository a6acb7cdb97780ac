"""What the console and the command line look at."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from clarion.clock import SECOND
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound
from clarion.store.records.counters import CounterRow
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.entries import Entry, EventsPage, LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.profiles import ProfileView
from clarion.store.records.runs import RunRow
from clarion.store.searching import received_by_id
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.statements import load, value

_EXPLANATIONS_OF_EVENT = 1_000
_MOST_BYTES = 1024 * 1024
"""Of the bodies in one answer about profiles."""
_SLACK = 5 * SECOND
"""By how much the order of the log may differ from that in which events were received."""
_PAGE = 1_000
_MOST_PAGES = 20
_COUNTERS_AT_ONCE = 2_000
"""Read in pieces: none keeps the interpreter's lock for long."""
_STATUSES = ("waiting", "completed", "exited", "failed")
_BEYOND = 2**63 - 1
"""After every time and every sequence."""

TOTAL = "total"
"""In place of a period: all of them together."""

_SQL = load("reading")
_encode = msgspec.json.Encoder().encode
_decode_entries = msgspec.json.Decoder(list[Entry]).decode
_decode_log = msgspec.json.Decoder(list[LogRow]).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_subscriber = msgspec.json.Decoder(Subscriber).decode
_decode_subscribers = msgspec.json.Decoder(list[Subscriber]).decode
_decode_runs = msgspec.json.Decoder(list[RunRow]).decode
_decode_deliveries = msgspec.json.Decoder(list[DeliveryRow]).decode
_decode_explanations = msgspec.json.Decoder(list[Explanation]).decode
_decode_counters = msgspec.json.Decoder(list[CounterRow]).decode
_decode_poisoned = msgspec.json.Decoder(list[Poisoned]).decode


def events(connection: apsw.Connection, site: int, after: str, limit: int) -> EventsPage:
    """As in the port; a cursor is the sequence of the last event."""
    if after:
        rows = _events_after(connection, site, int(after), limit)
    else:
        rows = _decode_log(_one(connection, "events_newest", site=site, limit=limit))
    return EventsPage(rows, str(rows[-1].sequence) if rows else after or "0")


def find_event(connection: apsw.Connection, site: int, id_: str, at: int | None) -> LogRow | None:
    """As in the port. The log has no index by id; it is in order of time, so halving finds the place."""
    if at is not None:
        return _search(connection, site, id_, _log_time, at, at)
    received = received_by_id(id_)
    return None if received is None else _search(connection, site, id_, _received, received - _SLACK, received + _SLACK)


def waiting_events(connection: apsw.Connection, site: int, limit: int) -> list[Entry]:
    """As in the port."""
    return _decode_entries(_one(connection, "waiting_events", site=site, limit=limit))


def _search(connection: apsw.Connection, site: int, id_: str, time: Callable[[LogRow], int], earliest: int, latest: int) -> LogRow | None:
    with savepoint(connection):
        after = _before(connection, site, time, earliest)
        for _ in range(_MOST_PAGES):
            page = _events_after(connection, site, after, _PAGE)
            for row in page:
                if row.id == id_:
                    return row
            if len(page) < _PAGE or time(page[-1]) > latest:
                return None
            after = page[-1].sequence or 0
    return None


def _before(connection: apsw.Connection, site: int, time: Callable[[LogRow], int], earliest: int) -> int:
    """A sequence below that of the first event of a time or later."""
    newest = _decode_log(_one(connection, "events_newest", site=site, limit=1))
    low, high = 0, (newest[0].sequence or 0) if newest else 0
    while low < high:
        middle = (low + high) // 2
        found = _events_after(connection, site, middle, 1)
        if found and time(found[0]) < earliest:
            low = found[0].sequence or high
        else:
            high = middle
    return low


def _events_after(connection: apsw.Connection, site: int, after: int, limit: int) -> list[LogRow]:
    return _decode_log(_one(connection, "events_after", site=site, after=after, limit=limit))


def _log_time(row: LogRow) -> int:
    return row.log_time or 0


def _received(row: LogRow) -> int:
    return row.received


def profile(connection: apsw.Connection, site: int, key: str, limit: int) -> ProfileView:
    """As in the port."""
    with savepoint(connection):
        found = _one(connection, "profile", site=site, key=key)
        if found is None:
            raise NotFound("There is no such profile.")
        return ProfileView(
            profile=_decode_profile(found),
            subscribers=_decode_subscribers(_one(connection, "subscribers_of_profile", site=site, key=key, limit=limit)),
            runs=_show_runs(connection, "runs_of_profile", site=site, key=key, limit=limit),
            deliveries=_show_deliveries(connection, "deliveries_of_profile", site=site, key=key, limit=limit),
            explanations=_decode_explanations(_one(connection, "explanations_of_profile", site=site, key=key, limit=limit)),
        )


def subscriber(connection: apsw.Connection, site: int, device_token_hash: str) -> Subscriber:
    """As in the port."""
    found = _one(connection, "subscriber", site=site, device_token_hash=device_token_hash)
    if found is None:
        raise NotFound("There is no such subscriber.")
    return _decode_subscriber(found)


def subscribers_page(connection: apsw.Connection, partition: int, site: int, after: str, limit: int) -> list[Subscriber]:
    """As in the port."""
    return _decode_subscribers(_one(connection, "subscribers_page", partition=partition, site=site, after=after, limit=limit))


def subscribers_of(connection: apsw.Connection, partition: int, site: int, profiles: Sequence[str]) -> list[Subscriber]:
    """As in the port."""
    keys = _encode(list(dict.fromkeys(profiles)))
    return _decode_subscribers(_one(connection, "subscribers_of", partition=partition, site=site, profiles=keys))


def subscriber_profile(connection: apsw.Connection, site: int, device_token_hash: str) -> str:
    """As in the port."""
    found = _one(connection, "subscriber_profile", site=site, device_token_hash=device_token_hash)
    if found is None:
        raise NotFound("There is no such subscriber.")
    return str(found)


def run(connection: apsw.Connection, run: str) -> RunRow:
    """As in the port."""
    for row in _show_runs(connection, "run_by_id", run=run):
        return row
    raise NotFound("There is no such run.")


def runs(connection: apsw.Connection, site: int, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
    """As in the port."""
    statuses = _encode(_STATUSES if status is None else (status,))
    if workflow is None:
        return _show_runs(connection, "runs_of_site", site=site, statuses=statuses, limit=limit)
    return _show_runs(connection, "runs_of_workflow", site=site, workflow=workflow, statuses=statuses, limit=limit)


def explanations(connection: apsw.Connection, site: int, event: str) -> list[Explanation]:
    """As in the port."""
    return _decode_explanations(_one(connection, "explanations_of_event", site=site, event=event, limit=_EXPLANATIONS_OF_EVENT))


def explanations_about(
    connection: apsw.Connection, site: int, profiles: Sequence[str], before: tuple[int, int] | None, limit: int
) -> list[Explanation]:
    """As in the port."""
    at, sequence = (_BEYOND, _BEYOND) if before is None else before
    keys = _encode(list(dict.fromkeys(profiles)))
    return _decode_explanations(
        _one(connection, "explanations_about", site=site, profiles=keys, at=at, sequence=sequence, limit=limit, bytes=_MOST_BYTES)
    )


def events_about(connection: apsw.Connection, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
    """As in the port."""
    keys = _encode(list(dict.fromkeys(profiles)))
    return _decode_log(_one(connection, "events_about", site=site, profiles=keys, limit=limit, bytes=_MOST_BYTES))


def counters(connection: apsw.Connection, site: int, workflow: str, period: str, since: int, until: int, limit: int) -> list[CounterRow]:
    """As in the port, by start, version, step, name and branch."""
    found: list[CounterRow] = []
    with savepoint(connection):  # the pieces are of one moment
        if period == TOTAL:
            found = _decode_counters(_one(connection, "totals", site=site, workflow=workflow, limit=limit))
            return sorted(found, key=lambda row: (row.version, row.step, row.name, row.branch))
        asked = {"site": site, "workflow": workflow, "period": period, "since": since, "until": until}
        while len(found) < limit:
            piece = min(_COUNTERS_AT_ONCE, limit - len(found))
            page = _decode_counters(_one(connection, "counters", **asked, limit=piece, after=len(found)))
            found += page
            if len(page) < piece:
                break
    return found


def delivery(connection: apsw.Connection, site: int, delivery: str, partition: int | None) -> DeliveryRow:
    """As in the port."""
    if partition in (None, 0):
        for row in _show_deliveries(connection, "delivery_by_id", site=site, delivery=delivery):
            return row
    raise NotFound("There is no such delivery.")


def deliveries(connection: apsw.Connection, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
    """As in the port."""
    if run is None:
        return _show_deliveries(connection, "deliveries_of_site", site=site, limit=limit)
    return _show_deliveries(connection, "deliveries_of_run", site=site, run=run, limit=limit)


def poisoned(connection: apsw.Connection, limit: int, site: int | None) -> list[Poisoned]:
    """As in the port."""
    if site is None:
        return _decode_poisoned(_one(connection, "poisoned", limit=limit))
    return _decode_poisoned(_one(connection, "poisoned_of_site", site=site, limit=limit))


def poisoned_events_about(
    connection: apsw.Connection, site: int, profile_ids: Sequence[str], devices: Sequence[str], limit: int
) -> list[Poisoned]:
    """As in the port."""
    asked = {"profiles": _encode(list(profile_ids)), "devices": _encode(list(devices))}
    return _decode_poisoned(_one(connection, "poisoned_events_about", site=site, limit=limit, **asked))


def poisoned_input(connection: apsw.Connection, site: int, id_: str) -> Poisoned:
    """As in the port."""
    for one in _decode_poisoned(_one(connection, "poisoned_by_id", site=site, id=id_)):
        return one
    raise NotFound("Nothing of this id is set aside.")


def _show_runs(connection: apsw.Connection, picked: str, **asked: Any) -> list[RunRow]:
    with savepoint(connection):  # the rows picked are still those when they are shown
        return _decode_runs(_one(connection, "show_runs", rows=_one(connection, picked, **asked)))


def _show_deliveries(connection: apsw.Connection, picked: str, **asked: Any) -> list[DeliveryRow]:
    with savepoint(connection):
        return _decode_deliveries(_one(connection, "show_deliveries", rows=_one(connection, picked, **asked)))


def _one(connection: apsw.Connection, statement: str, **asked: Any) -> Any:
    return value(connection, _SQL[statement], asked)
