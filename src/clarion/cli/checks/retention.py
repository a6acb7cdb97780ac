"""A check of retention: what is too old goes, and nothing keeps it from going."""

import asyncio

from clarion.cli.checks.finding import Finding, guarded
from clarion.cli.output import when
from clarion.config import Settings
from clarion.store.records.upkeep import Upkeep
from clarion.stores import opened_store


def examine_retention(settings: Settings) -> Finding:
    """Whether old events can be removed, and how long everything is kept."""
    return guarded("retention", lambda: _found(settings, asyncio.run(_ask(settings))))


async def _ask(settings: Settings) -> Upkeep:
    async with opened_store(settings) as store:
        return await store.upkeep()


def _found(settings: Settings, upkeep: Upkeep) -> Finding:
    if upkeep.alarm is not None:
        detail = f"old events have not been removed since {when(upkeep.since)}, for they could not be made safe: {upkeep.alarm}"
        advice = f"mend that; the server tries again every ten minutes; events are exported to {settings.exports} (export_directory)"
        return Finding("retention", "failed", detail, advice)
    kinds = ("events", "explanations", "deliveries", "runs")
    kept = ", ".join(f"{kind} {getattr(settings, f'keep_{kind}')}" for kind in kinds)
    exported = f"; events until {when(upkeep.exported)} are exported" if settings.export_events != "no" and upkeep.exported else ""
    return Finding("retention", "ok", f"kept: {kept}{exported}")
