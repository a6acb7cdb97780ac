"""Periods: the parts by time of the tables that grow for ever, made ahead and dropped whole."""

import asyncio
import random
from typing import Final

from clarion.clock import DAY
from clarion.store.port import StoreUnavailable
from clarion.store.postgres.connection import Database
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "forgetting")

LENGTH: Final = 7 * DAY
"""Of a period. Every read that is not told a time looks into each of them, so they are few."""
AHEAD: Final = 2
"""Periods made before they begin: nobody need look for a week."""

TABLES: Final = {"events": "log", "explanations": "explanations", "deliveries": "deliveries"}
"""By kind of what is kept."""

_TRIES: Final = 5
_PAUSE: Final = 0.5
"""Seconds, on average, between two tries to get a table for a moment while others use it."""


async def ensure_periods(database: Database, length: int = LENGTH, ahead: int = AHEAD) -> int:
    """Make the period that is now by the database's clock, and some that follow; returns how many were made.

    Rows of a time that has no period stand in the default one. Raises StoreUnavailable when the tables are too busy to be changed just now.
    """
    return await _patiently(database, _SQL["ensure_periods"], length, ahead)


async def drop_period(database: Database, kind: str, before: int) -> int:
    """Drop the oldest period of a kind that ended before a time; returns about how many rows it had, 0 where there is no such period.

    A period of deliveries goes when all of them had ended before that time, as far as `clear_periods` has noted it.
    Raises StoreUnavailable when the table is too busy to be changed just now.
    """
    return await _patiently(database, _SQL["drop_period"], TABLES[kind], before)


async def clear_periods(database: Database, now: int) -> None:
    """Note of which periods of deliveries all have ended. To be called often: what ended between two calls counts as ended at the later."""
    await database.execute(_SQL["clear_periods"], now)


async def late_periods(database: Database, before: int) -> int | None:
    """When the last period of deliveries ended that has been over for the length of one by a time; None where there is no such period."""
    found: int | None = await database.fetchval(_SQL["late_periods"], before - LENGTH)
    return found


async def _patiently(database: Database, statement: str, *values: object) -> int:
    """Each try waits for a moment only: others would have to wait behind it."""
    for _ in range(_TRIES):
        try:
            return int(await database.fetchval(statement, *values))
        except StoreUnavailable as error:
            latest = error
            await asyncio.sleep(_PAUSE * (0.5 + random.random()))  # noqa: S311 - guards nothing
    raise latest
