"""Checks of how far the engines are behind, of how near that is to the limits of ingest, and of who is there to catch up."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from clarion.cli.checks.finding import Finding, broken
from clarion.clock import SECOND
from clarion.config import ROLES, Settings
from clarion.domain.durations import format_duration
from clarion.pressure import Limits, Measure, Sized, free_bytes, oldest_age
from clarion.store.records.lags import Lag
from clarion.stores import opened_store

SHOWN: Final = 3
"""Partitions that are named: the worst ones."""
NEAR: Final = 0.5
"""Part of a limit from which it is worth a warning."""


class State(msgspec.Struct, frozen=True):
    """What the store and its disk say."""

    lags: list[Lag]
    now: int
    free: int | None
    size: int | None
    facts: Mapping[str, str | int]
    """Of a database that several processes may serve."""
    partitions: int


def examine_pressure(settings: Settings) -> list[Finding]:
    """What there is to find about lags and limits; one finding only if the database does not open."""
    try:
        state = asyncio.run(_ask(settings))
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering is the finding
        return [broken("lags", error)]
    measures = Limits.of(settings).measures(state.lags, state.now, state.free, state.size)
    return [
        *([nodes_finding(state.facts, state.partitions, any(lag.inbox for lag in state.lags))] if state.facts else []),
        lags_finding(state.lags, state.now),
        limits_finding(measures),
    ]


async def _ask(settings: Settings) -> State:
    async with opened_store(settings) as store:
        size = await store.database_bytes() if isinstance(store, Sized) else None
        free = None if settings.database is None else free_bytes(settings.database)
        facts = await store.check() if store.shared else {}
        return State(await store.lags(), store.now(), free, size, facts, store.partitions)


def nodes_finding(facts: Mapping[str, str | int], partitions: int, is_behind: bool) -> Finding:
    """Which processes are there. None at all is fine where nothing waits for one."""
    alive = {role: int(facts[f"nodes_{role}"]) for role in ROLES}
    owned = int(facts["partitions_owned"])
    detail = ", ".join(f"{role} {count}" for role, count in alive.items()) + f"; engines own {owned} of {partitions} partitions"
    if alive["engine"]:
        if owned < partitions:
            return Finding(
                "nodes", "warning", detail, "partitions without an engine get one within seconds; if they do not, see the engines' logs"
            )
        return Finding("nodes", "ok", detail)
    if is_behind or any(alive.values()):
        return Finding("nodes", "failed", detail, "nothing that was accepted is worked off: start an engine: clarion serve --roles engine")
    return Finding("nodes", "ok", f"no process serves this database; {detail}")


def lags_finding(lags: Sequence[Lag], now: int) -> Finding:
    """Which partitions are behind, the worst first."""
    behind = sorted((lag for lag in lags if lag.inbox), key=lambda lag: (-oldest_age([lag], now), lag.partition))
    deliveries = sum(lag.outbox for lag in lags)
    if not behind:
        return Finding("lags", "ok", f"no partition is behind; deliveries that have not ended: {deliveries}")
    worst = "; ".join(f"partition {lag.partition}: {lag.inbox} for {_age(lag, now)}" for lag in behind[:SHOWN])
    more = f"; and {len(behind) - SHOWN} more" if len(behind) > SHOWN else ""
    return Finding("lags", "ok", f"entries wait in {_partitions(len(behind))}: {worst}{more}; deliveries that have not ended: {deliveries}")


def limits_finding(measures: Sequence[Measure]) -> Finding:
    """How near the limits are beyond which events are answered 503."""
    if not measures:
        return Finding("limits", "ok", "no limit of ingest is set that can be looked at from here")
    detail = "; ".join(f"{one.setting}: {one}" for one in measures)
    worst = max(measures, key=lambda one: one.part)
    if worst.is_reached:
        return Finding(
            "limits", "failed", detail, f"{worst.setting} is reached, so a server answers events with 503: {_ADVICE[worst.setting]}"
        )
    if worst.part >= NEAR:
        return Finding("limits", "warning", detail, f"{worst.setting} is near: {_ADVICE[worst.setting]}")
    return Finding("limits", "ok", detail)


_CATCH_UP: Final = "see that engines run, give them more cores or more processes, or raise it"
_MAKE_ROOM: Final = "make room, keep less, or move to a larger disk"
_ADVICE: Final = {
    "max_lag": _CATCH_UP,
    "max_inbox": _CATCH_UP,
    "min_free_disk": _MAKE_ROOM,
    "max_database_size": "keep less, or raise it where the disk has room",
}


def _age(lag: Lag, now: int) -> str:
    return format_duration(oldest_age([lag], now) // SECOND * SECOND)


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"
