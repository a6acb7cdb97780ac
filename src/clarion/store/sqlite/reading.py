"""What the console and the command line look at."""

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound
from clarion.store.records import CounterRow, DeliveryRow, Explanation, LogRow, Poisoned, ProfileView, RunRow
from clarion.store.sqlite.connection import savepoint
from clarion.store.sqlite.statements import load, value

NEWEST = -1
"""In place of a sequence: not from there on, but the last ones."""

_EXPLANATIONS_OF_EVENT = 1_000

TOTAL = "total"
"""In place of a period: all of them together."""

_SQL = load("reading")
_encode = msgspec.json.Encoder().encode
_decode_log = msgspec.json.Decoder(list[LogRow]).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_subscribers = msgspec.json.Decoder(list[Subscriber]).decode
_decode_runs = msgspec.json.Decoder(list[RunRow]).decode
_decode_deliveries = msgspec.json.Decoder(list[DeliveryRow]).decode
_decode_explanations = msgspec.json.Decoder(list[Explanation]).decode
_decode_counters = msgspec.json.Decoder(list[CounterRow]).decode
_decode_poisoned = msgspec.json.Decoder(list[Poisoned]).decode


def events(connection: apsw.Connection, site: int, after: int, limit: int) -> list[LogRow]:
    """As in the port."""
    if after == NEWEST:
        return _decode_log(_one(connection, "events_newest", site=site, limit=limit))
    return _decode_log(_one(connection, "events_after", site=site, after=after, limit=limit))


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
    if workflow is None:
        return _show_runs(connection, "runs_of_site", site=site, status=status, limit=limit)
    return _show_runs(connection, "runs_of_workflow", site=site, workflow=workflow, status=status, limit=limit)


def explanations(connection: apsw.Connection, site: int, event: str) -> list[Explanation]:
    """As in the port."""
    return _decode_explanations(_one(connection, "explanations_of_event", site=site, event=event, limit=_EXPLANATIONS_OF_EVENT))


def explanations_about(
    connection: apsw.Connection, site: int, profiles: Sequence[str], before: int | None, limit: int
) -> list[Explanation]:
    """As in the port."""
    return _decode_explanations(
        _one(connection, "explanations_about", site=site, profiles=_encode(list(dict.fromkeys(profiles))), before=before, limit=limit)
    )


def events_about(connection: apsw.Connection, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
    """As in the port."""
    return _decode_log(_one(connection, "events_about", site=site, profiles=_encode(list(dict.fromkeys(profiles))), limit=limit))


def counters(connection: apsw.Connection, site: int, workflow: str, period: str, since: int, until: int) -> list[CounterRow]:
    """As in the port, by start, version, step, name and branch."""
    if period == TOTAL:
        return _decode_counters(_one(connection, "totals", site=site, workflow=workflow))
    return _decode_counters(_one(connection, "counters", site=site, workflow=workflow, period=period, since=since, until=until))


def delivery(connection: apsw.Connection, site: int, delivery: str) -> DeliveryRow:
    """As in the port."""
    for row in _show_deliveries(connection, "delivery_by_id", site=site, delivery=delivery):
        return row
    raise NotFound("There is no such delivery.")


def deliveries(connection: apsw.Connection, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
    """As in the port."""
    if run is None:
        return _show_deliveries(connection, "deliveries_of_site", site=site, limit=limit)
    return _show_deliveries(connection, "deliveries_of_run", site=site, run=run, limit=limit)


def poisoned(connection: apsw.Connection, limit: int) -> list[Poisoned]:
    """As in the port."""
    return _decode_poisoned(_one(connection, "poisoned", limit=limit))


def _show_runs(connection: apsw.Connection, picked: str, **asked: Any) -> list[RunRow]:
    with savepoint(connection):  # the rows picked are still those when they are shown
        return _decode_runs(_one(connection, "show_runs", rows=_one(connection, picked, **asked)))


def _show_deliveries(connection: apsw.Connection, picked: str, **asked: Any) -> list[DeliveryRow]:
    with savepoint(connection):
        return _decode_deliveries(_one(connection, "show_deliveries", rows=_one(connection, picked, **asked)))


def _one(connection: apsw.Connection, statement: str, **asked: Any) -> Any:
    return value(connection, _SQL[statement], asked)
