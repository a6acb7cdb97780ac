"""Checks of the database and of what it holds."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from clarion.cli.checks.finding import Finding, broken, guarded
from clarion.cli.options import own_subject
from clarion.clock import MINUTE, SECOND, wall_clock
from clarion.config import Settings
from clarion.control.names import PLACEHOLDER_SUBJECT
from clarion.control.sites import vapid_private_key, webhook_secret
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site
from clarion.stores import is_made, opened_store
from clarion.vault import open_vault

MOST_SET_ASIDE: Final = 100
"""Inputs set aside that are counted; where there are more, that is all that is said."""
SHOWN_SET_ASIDE: Final = 3
LONGEST_ERROR: Final = 120
LONGEST_LAG: Final = MINUTE
CLOCK_SLACK: Final = 2 * SECOND


class Known(msgspec.Struct, frozen=True):
    """What the store says."""

    facts: dict[str, str | int]
    sites: list[Site]
    newest: int
    """Time of the newest event in the log; 0 if there is none."""
    set_aside: list[Poisoned]
    """Inputs that could not be applied, newest first; one more than `MOST_SET_ASIDE` at most."""
    ahead: int
    """By how much the store's clock is ahead of this machine's."""
    partitions: int


def examine_database(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Everything there is to find in the database; one finding only if it does not open."""
    try:
        if not is_made(settings):
            missing = "has no tables yet" if settings.is_shared else "is not there"
            return [Finding("database", "failed", f"{settings.database_shown} {missing}", "run: clarion init")]
        known = asyncio.run(_ask(settings))
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from opening is the finding
        return [broken("database", error)]
    now = wall_clock()
    return [
        _engine(known.facts),
        _integrity(known.facts),
        _inbox(known.facts, now),
        _set_aside(known.set_aside),
        _shared_clock(known.ahead) if settings.is_shared else _clock(known.newest, now),
        *([_partitions(settings, known.partitions)] if settings.is_shared else []),
        guarded("sites", lambda: _sites(settings, environ, known.sites)),
    ]


async def _ask(settings: Settings) -> Known:
    async with opened_store(settings) as store:
        facts, sites, newest = await store.check(), (await store.configuration()).sites, 0
        for site in sites:
            newest = max([newest, *(row.log_time or 0 for row in (await store.events(site.id, "", 1)).rows)])
        set_aside = await store.poisoned(MOST_SET_ASIDE + 1)
        return Known(facts, sites, newest, set_aside, store.now() - wall_clock(), store.partitions)


def _engine(facts: dict[str, str | int]) -> Finding:
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if name not in _ELSEWHERE)
    return Finding("database", "ok", said)


_ELSEWHERE: Final = frozenset(
    {"integrity", "inbox", "oldest_inbox_entry", "nodes_api", "nodes_engine", "nodes_delivery", "partitions_owned"}
)


def _integrity(facts: dict[str, str | int]) -> Finding:
    said = str(facts["integrity"])
    if said == "ok":
        return Finding("integrity", "ok", "the database is whole")
    return Finding("integrity", "failed", f"the database is damaged: {said}", "stop the server and restore the newest backup")


def _inbox(facts: dict[str, str | int], now: int) -> Finding:
    waiting = int(facts["inbox"])
    lag = max(now - int(facts.get("oldest_inbox_entry", now)), 0)
    detail = f"waiting to be applied: {waiting}, the oldest for {lag // SECOND} s" if waiting else "nothing waits to be applied"
    if lag > LONGEST_LAG:
        return Finding("inbox", "failed", detail, "start the server: clarion serve; if it runs, see its log")
    return Finding("inbox", "ok", detail)


def _set_aside(poisoned: list[Poisoned]) -> Finding:
    if not poisoned:
        return Finding("set aside", "ok", "every input could be applied")
    count = f"more than {MOST_SET_ASIDE}" if len(poisoned) > MOST_SET_ASIDE else str(len(poisoned))
    newest = "; ".join(f"{one.kind} {one.id[:64]}: {_brief(one.error)}" for one in poisoned[:SHOWN_SET_ASIDE])
    advice = "they are kept — report the error; retry them with a version that mends it, or discard them: clarion poisoned list"
    return Finding("set aside", "failed", f"inputs that could not be applied: {count}, the newest: {newest}", advice)


def _brief(error: str) -> str:
    line = " ".join(error.split())
    return line if len(line) <= LONGEST_ERROR else line[: LONGEST_ERROR - 1] + "…"


def _clock(newest: int, now: int) -> Finding:
    if newest > now + CLOCK_SLACK:
        detail = f"the clock is {(newest - now) // SECOND} s behind the newest event"
        return Finding("clock", "failed", detail, "set this machine's time, and keep it with NTP")
    return Finding("clock", "ok", "the clock is not behind the log")


def _shared_clock(ahead: int) -> Finding:
    """The database's clock is the one that counts; but push services look at this machine's."""
    if abs(ahead) > CLOCK_SLACK:
        detail = f"this machine's clock is {abs(ahead) // SECOND} s {'behind' if ahead > 0 else 'ahead of'} the database's"
        return Finding("clock", "failed", detail, "set the time of both machines, and keep it with NTP")
    return Finding("clock", "ok", "this machine's clock is the database's")


def _partitions(settings: Settings, count: int) -> Finding:
    if settings.partitions not in (count, Settings(data=settings.data).partitions):
        detail = f"the database has {count} and keeps them; the setting says {settings.partitions}"
        return Finding("partitions", "warning", detail, "leave the setting partitions out: it counts only when a database is made")
    return Finding("partitions", "ok", f"the database has {count}")


def _sites(settings: Settings, environ: Mapping[str, str], sites: list[Site]) -> Finding:
    if not sites:
        return Finding("sites", "failed", "there is no site", "run: clarion init")
    vault = open_vault(settings.data, environ)
    for site in sites:
        vapid_private_key(vault, site)
        webhook_secret(vault, site)
    detail = f"every site's secrets open under the master key ({len(sites)})"
    placeholders = [site for site in sites if site.vapid_subject == PLACEHOLDER_SUBJECT]
    if placeholders:
        command = own_subject(settings.data, placeholders[0].id)
        advice = f"{placeholders[0].name} has a placeholder as its VAPID subject; for real pushes: {command}"
        return Finding("sites", "warning", f"{detail}, but push services cannot reach you", advice)
    return Finding("sites", "ok", detail)
