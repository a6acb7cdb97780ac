"""What pauses, resumes and stops mean to deliveries in the outbox: in force at once, and worked off in pieces."""

from collections.abc import Collection

import apsw
import msgspec

from clarion.store.outcomes import STALE, ended
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Delivery
from clarion.store.sqlite.ending import end
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("outbox")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Delivery]).decode


class _Hold(msgspec.Struct, frozen=True, array_like=True):
    """A row of `holds`."""

    site: int
    workflow: str
    released: bool
    cutoff: int
    at: int
    cursor: int
    until: int


def put_holds(connection: apsw.Connection, outcome: Outcome) -> None:
    """Note what is asked for; from now on nothing is offered that it concerns.

    One batch may both pause and resume a workflow; which came last shows in the state that it leaves behind.
    """
    paused = {(state.site, state.workflow) for state in outcome.workflows if state.status == "paused"}
    partition, at = outcome.state.partition, outcome.state.log_time
    for site, workflow in outcome.hold:
        connection.execute(_SQL["put_hold"], {"partition": partition, "site": site, "workflow": workflow})
    for site, workflow, cutoff in outcome.release:
        asked = {"partition": partition, "site": site, "workflow": workflow, "cutoff": cutoff, "at": at}
        connection.execute(_SQL["put_release"], asked)
    for site, workflow in sorted(paused.intersection(outcome.hold)):
        connection.execute(_SQL["put_hold"], {"partition": partition, "site": site, "workflow": workflow})


def work_off(connection: apsw.Connection, partition: int, limit: int, claimed: Collection[int]) -> int | None:
    """As `work_holds` in the port; `claimed` are the deliveries that are being sent just now."""
    waiting = False
    for row in rows(connection, _SQL["holds"], {"partition": partition}):
        done = _piece(connection, partition, msgspec.convert(row, _Hold, strict=False), limit, _encode(list(claimed)))
        if done:
            return done
        waiting = waiting or done == 0
    return 0 if waiting else None


def _piece(connection: apsw.Connection, partition: int, hold: _Hold, limit: int, claimed: bytes) -> int | None:
    """A piece of one hold; None: it is over."""
    asked = {"partition": partition, "site": hold.site, "workflow": hold.workflow, "limit": limit}
    if hold.cursor < hold.until:
        found = rows(connection, _SQL["next_in_outbox"], {**asked, "cursor": hold.cursor, "until": hold.until})
        [(last, count, sequences)] = found
        connection.execute(_SQL["hold"], {"sequences": sequences})
        if hold.released:
            _release(connection, hold, sequences, claimed)
        connection.execute(_SQL["move_hold"], {**asked, "cursor": last if count == limit else hold.until})
        return max(1, int(count))
    if hold.released:
        sequences = value(connection, _SQL["next_held"], {**asked, "claimed": claimed, "cutoff": hold.cutoff})
        count = len(msgspec.json.decode(sequences, type=list[int]))
        if count:
            _release(connection, hold, sequences, claimed)
            return count
        if value(connection, _SQL["any_held"], asked):
            return 0
    connection.execute(_SQL["end_hold"], asked)
    return None


def _release(connection: apsw.Connection, hold: _Hold, sequences: bytes, claimed: bytes) -> None:
    if hold.cutoff:
        stale = value(connection, _SQL["stale"], {"sequences": sequences, "cutoff": hold.cutoff, "claimed": claimed})
        end(connection, [ended(delivery, STALE, hold.at) for delivery in _decode(stale)])
    connection.execute(_SQL["release"], {"sequences": sequences, "cutoff": hold.cutoff})
