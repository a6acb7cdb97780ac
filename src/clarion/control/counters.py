"""Counters of a workflow: what happened at its versions and steps, altogether or by day or hour."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from clarion.clock import DAY, HOUR
from clarion.control.errors import Invalid
from clarion.control.workflows import find_workflow
from clarion.domain.dates import instant
from clarion.store.port import Store
from clarion.store.records.counters import CounterRow
from clarion.store.records.sites import Site

TOTAL: Final = "total"
MOST_ROWS: Final = 20_000
"""Of one answer."""


class Period(msgspec.Struct, frozen=True):
    """A length of time that counters are kept for. Microseconds."""

    length: int
    usual: int
    """How far back a range goes unless said otherwise."""
    longest: int
    """Of a range."""
    said: str


PERIODS: Final[Mapping[str, Period]] = MappingProxyType(
    {"hour": Period(HOUR, DAY, 31 * DAY, "31 days"), "day": Period(DAY, 30 * DAY, 3 * 366 * DAY, "3 years")}
)


class Counters(msgspec.Struct, frozen=True):
    """Counters of a workflow over a range; of all time without one."""

    workflow: str
    period: str
    since: int | None
    """Start of the first period."""
    until: int | None
    rows: list[CounterRow]
    complete: bool = True
    """False for a total of more than MOST_ROWS, which leaves out the oldest versions."""


async def read_counters(store: Store, site: Site, workflow: str, period: str, since: str | None, until: str | None, now: int) -> Counters:
    """The counters by version and step. `since` and `until` are ISO 8601 dates, in UTC without an offset. Raises Invalid, NotFound."""
    if period != TOTAL and period not in PERIODS:
        raise Invalid("period", f"period must be one of {', '.join((TOTAL, *PERIODS))}")
    await find_workflow(store, site, workflow)
    if period == TOTAL:
        for name, given in (("since", since), ("until", until)):
            if given is not None:
                raise Invalid(name, f"{name} has no meaning for the total — leave it out, or ask for a period of day or hour")
        rows = await store.counters(site.id, workflow, TOTAL, 0, 0, MOST_ROWS + 1)
        return Counters(workflow, period, None, None, _of_whole_versions(rows), len(rows) <= MOST_ROWS)
    start, end = _range(PERIODS[period], _read_date("since", since), _read_date("until", until), now)
    rows = await store.counters(site.id, workflow, period, start, end, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        longer = ", or for a period of day" if period == "hour" else ""
        raise Invalid("since", f"there are more than {MOST_ROWS} counters in the range — ask for a shorter one{longer}")
    return Counters(workflow, period, start, end, rows)


def _of_whole_versions(rows: list[CounterRow]) -> list[CounterRow]:
    """What is left of too many counters without the oldest version, which may have lost some; of a single one as many as may be."""
    if len(rows) <= MOST_ROWS:
        return rows
    oldest = rows[0].version
    return [row for row in rows if row.version != oldest] or rows[:MOST_ROWS]


def _range(period: Period, since: int | None, until: int | None, now: int) -> tuple[int, int]:
    end = now if until is None else until
    start = end - period.usual if since is None else since
    if start >= end:
        raise Invalid("since", "since must be before until")
    if end - start > period.longest:
        raise Invalid("since", f"the range is longer than {period.said} — ask for less at a time")
    return start - start % period.length, end  # the period that `since` lies in belongs to the range


def _read_date(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    at = instant(text)
    if at is None:
        raise Invalid(name, f"{name} must be an ISO 8601 date, such as 2026-03-01 or 2026-03-01T12:00Z")
    return at
