"""Events go last: they are exported where the operator wants that, and snapshots are taken; only then are they removed."""

import asyncio
from typing import Final

import msgspec
import structlog

from clarion.clock import DAY, HOUR, Clock
from clarion.config import Settings
from clarion.retention.exporting import RETENTION, Exporter, clean
from clarion.retention.pace import Pace
from clarion.retention.snapshots import Snapshots
from clarion.store.port import Store, StoreUnavailable

LONG: Final = 7 * DAY
"""Events that are kept for so long are exported a day at a time (UTC), others an hour at a time."""
LONGEST_ALARM: Final = 500
"""Characters."""

_log = structlog.get_logger(__name__)


class Events:
    """Prepares the removal of old events."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, pace: Pace) -> None:
        self._store, self._settings, self._clock, self._pace = store, settings, clock, pace
        self._snapshots = Snapshots(store, pace)

    async def prepare(self) -> int | None:
        """Export and take snapshots; returns the log time before which events may go now, or None: none may.

        What keeps events from being exported, or snapshots from being taken, is an alarm: in the log, and for `clarion doctor`.
        Raises StoreUnavailable.
        """
        try:
            # Also where nothing is exported any more: what was half-written is of people whose events are removed.
            await asyncio.to_thread(clean, self._settings.exports, RETENTION)
            cut = await self._prepared()
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: nothing is removed that is not safe, and the operator is told
            await self._raise_alarm(error)
            return None
        await self._clear_alarm()
        return cut

    async def forgotten(self, cut: int) -> None:
        """Events before `cut` are gone: so go the snapshots that are of no more use. Raises StoreError."""
        await self._snapshots.forget(cut)

    async def _prepared(self) -> int | None:
        keep = self._settings.kept("events")
        if keep is None:
            return None
        now = self._clock()
        cut = now - keep
        if self._settings.export_events != "no":
            cut = await self._export(cut, DAY if keep >= LONG else HOUR)
        await self._snapshots.take([one for one in range(self._store.partitions) if await self._has_older(one, cut)], now, keep)
        return cut

    async def _export(self, cut: int, stretch: int) -> int:
        """Export what was logged before `cut`, in whole stretches of time; returns up to where that is done.

        Only whole stretches: what is in one never changes after, so that it is the same when it is written again.
        """
        cut -= cut % stretch
        upkeep = await self._store.upkeep()
        exporter = Exporter(self._store, self._settings.exports, self._settings.export_events, self._pace, temporary=RETENTION)
        start = upkeep.exported
        while start < cut:
            oldest = await self._oldest(start, cut)
            end = cut if oldest is None else oldest - oldest % stretch + stretch
            if oldest is not None:
                manifest = await exporter.write(max(start, end - stretch), end)
                _log.info("events were exported", start=manifest.start, end=manifest.end, events=manifest.events, files=len(manifest.files))
            upkeep = msgspec.structs.replace(upkeep, exported=end)
            await self._store.note_upkeep(upkeep)
            start = end
        return cut

    async def _oldest(self, start: int, end: int) -> int | None:
        """Time of the first log entry in a stretch of time."""
        found = []
        for partition in range(self._store.partitions):
            page = await self._store.log_page(partition, await self._store.log_place(partition, start), end, 1)
            found += [row.log_time or 0 for row in page]
        return min(found, default=None)

    async def _has_older(self, partition: int, cut: int) -> bool:
        return bool(await self._store.log_page(partition, 0, cut, 1))

    async def _raise_alarm(self, error: Exception) -> None:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_ALARM]
        _log.error("old events are not removed: they could not be exported, or no snapshot could be taken", error=said)
        known = await self._store.upkeep()
        since = known.since if known.alarm is not None else self._clock()
        await self._store.note_upkeep(msgspec.structs.replace(known, alarm=said, since=since))

    async def _clear_alarm(self) -> None:
        known = await self._store.upkeep()
        if known.alarm is not None:
            _log.info("old events are removed again", since=known.since)
            await self._store.note_upkeep(msgspec.structs.replace(known, alarm=None, since=None))
