"""What the console and the command line look at."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from clarion.domain.ids import partition_of, partition_of_profile
from clarion.domain.records import Subscriber
from clarion.store.port import NotFound
from clarion.store.postgres import events
from clarion.store.postgres.connection import Database
from clarion.store.postgres.console import Console, is_storable
from clarion.store.postgres.events import MOST_BYTES
from clarion.store.records.counters import CounterRow
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.entries import Entry, EventsPage, LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.profiles import ProfileView
from clarion.store.records.runs import RunRow
from clarion.store.statements import load_statements

TOTAL: Final = "total"
"""In place of a period: all of them together."""

_LOOKUPS: Final = 3
"""Of the process's connections that look up single rows at a time."""
_EXPLANATIONS_OF_EVENT: Final = 1_000
_STATUSES: Final = ("waiting", "completed", "exited", "failed")
_BEYOND: Final = 2**63 - 1
"""After every time and every sequence."""

_SQL = load_statements("clarion.store.postgres", "reading")
_decode_profile = msgspec.json.Decoder(ProfileView).decode
_decode_subscriber = msgspec.json.Decoder(Subscriber).decode
_decode_subscribers = msgspec.json.Decoder(list[Subscriber]).decode
_decode_run = msgspec.json.Decoder(RunRow).decode
_decode_runs = msgspec.json.Decoder(list[RunRow]).decode
_decode_delivery = msgspec.json.Decoder(DeliveryRow).decode
_decode_deliveries = msgspec.json.Decoder(list[DeliveryRow]).decode
_decode_explanations = msgspec.json.Decoder(list[Explanation]).decode
_decode_counters = msgspec.json.Decoder(list[CounterRow]).decode
_decode_poisoned = msgspec.json.Decoder(list[Poisoned]).decode
_decode_input = msgspec.json.Decoder(Poisoned).decode


class Reading:
    """The part of the port that looks at what is kept. Docstrings are the port's."""

    def __init__(self, database: Database, slow: Database, partitions: Callable[[], int]) -> None:
        """`database` is the one that everything uses: for what takes a moment however much there is. `slow`: see `reading_database`."""
        self._lookups, self._console = Console(database, _LOOKUPS), Console(slow)
        self._partitions = partitions

    @property
    def _every(self) -> list[int]:
        """Every partition: where to look for what is asked for by its id alone."""
        return list(range(self._partitions()))

    # -- events ------------------------------------------------------------------------------------------------------

    async def events(self, site: int, after: str, limit: int) -> EventsPage:
        return await events.events(self._console, self._partitions(), site, after, limit)

    async def find_event(self, site: int, id: str, at: int | None = None) -> LogRow | None:
        return await events.find_event(self._console, self._every, site, id)

    async def waiting_events(self, site: int, limit: int) -> list[Entry]:
        return await events.waiting_events(self._console, site, limit)

    async def events_about(self, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
        return await events.events_about(self._console, self._partitions(), site, profiles, limit)

    # -- profiles ----------------------------------------------------------------------------------------------------

    async def profile(self, site: int, key: str, limit: int = 100) -> ProfileView:
        if is_storable(key):
            found = await self._console.value(_SQL["profile"], partition_of_profile(site, key, self._partitions()), site, key, limit)
            if found is not None:
                return _decode_profile(found)
        raise NotFound("There is no such profile.")

    async def subscriber(self, site: int, device_token_hash: str) -> Subscriber:
        if is_storable(device_token_hash):
            home = partition_of(site, device_token_hash, self._partitions())
            found = await self._lookups.value(_SQL["subscriber"], home, site, device_token_hash)
            if found is not None:
                return _decode_subscriber(found)
        raise NotFound("There is no such subscriber.")

    async def subscribers_page(self, partition: int, site: int, after: str, limit: int) -> list[Subscriber]:
        if not is_storable(after):
            return []
        return _decode_subscribers(await self._console.value(_SQL["subscribers_page"], partition, site, after, limit))

    async def subscribers_of(self, partition: int, site: int, profiles: Sequence[str]) -> list[Subscriber]:
        keys = list(dict.fromkeys(filter(is_storable, profiles)))
        return _decode_subscribers(await self._console.value(_SQL["subscribers_of"], partition, site, keys))

    async def subscriber_profile(self, site: int, device_token_hash: str) -> str:
        if is_storable(device_token_hash):
            home = partition_of(site, device_token_hash, self._partitions())
            found = await self._lookups.value(_SQL["subscriber_profile"], home, site, device_token_hash)
            if found is not None:
                return str(found)
        raise NotFound("There is no such subscriber.")

    async def explanations(self, site: int, event: str) -> list[Explanation]:
        if not is_storable(event):
            return []
        return _decode_explanations(await self._console.value(_SQL["explanations"], self._every, site, event, _EXPLANATIONS_OF_EVENT))

    async def explanations_about(self, site: int, profiles: Sequence[str], before: tuple[int, int] | None, limit: int) -> list[Explanation]:
        at, sequence = (_BEYOND, _BEYOND) if before is None else before
        keys = list(dict.fromkeys(filter(is_storable, profiles)))
        where = [partition_of_profile(site, key, self._partitions()) for key in keys]
        asked = (site, where, keys, at, sequence, limit, MOST_BYTES)
        return _decode_explanations(await self._console.value(_SQL["explanations_about"], *asked))

    # -- runs --------------------------------------------------------------------------------------------------------

    async def run(self, run: str) -> RunRow:
        if is_storable(run):
            found = await self._lookups.value(_SQL["run"], self._every, run)
            if found is not None:
                return _decode_run(found)
        raise NotFound("There is no such run.")

    async def runs(self, site: int, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
        if not is_storable(workflow or "") or status not in (None, *_STATUSES):
            return []
        statuses = _STATUSES if status is None else (status,)
        return _decode_runs(await self._console.value(_SQL["runs"], site, workflow, statuses, limit))

    async def counters(self, site: int, workflow: str, period: str, since: int, until: int, limit: int) -> list[CounterRow]:
        """As in the port, by start, version, step, name and branch."""
        if period == TOTAL:
            return _decode_counters(await self._console.value(_SQL["totals"], self._every, site, workflow, limit))
        return _decode_counters(await self._console.value(_SQL["counters"], site, workflow, period, since, until, limit))

    # -- deliveries --------------------------------------------------------------------------------------------------

    async def delivery(self, site: int, delivery: str, partition: int | None = None) -> DeliveryRow:
        where = [number for number in self._every if partition in (None, number)]
        if is_storable(delivery):
            found = await self._lookups.value(_SQL["delivery"], where, site, delivery)
            if found is not None:
                return _decode_delivery(found)
        raise NotFound("There is no such delivery.")

    async def deliveries(self, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
        if run is None:
            return _decode_deliveries(await self._console.value(_SQL["deliveries_of_site"], site, limit))
        if not is_storable(run):
            return []
        return _decode_deliveries(await self._console.value(_SQL["deliveries_of_run"], self._every, site, run, limit))

    # -- what was set aside ------------------------------------------------------------------------------------------

    async def poisoned(self, limit: int, site: int | None = None) -> list[Poisoned]:
        asked: tuple[Any, ...] = (_SQL["poisoned"], limit) if site is None else (_SQL["poisoned_of_site"], site, limit)
        return _decode_poisoned(await self._console.value(*asked))

    async def poisoned_events_about(self, site: int, profile_ids: Sequence[str], devices: Sequence[str], limit: int) -> list[Poisoned]:
        asked = (site, list(filter(is_storable, profile_ids)), list(filter(is_storable, devices)), limit)
        return _decode_poisoned(await self._console.value(_SQL["poisoned_events_about"], *asked))

    async def poisoned_input(self, site: int, id: str) -> Poisoned:
        if is_storable(id):
            found = await self._lookups.value(_SQL["poisoned_input"], self._every, site, id)
            if found is not None:
                return _decode_input(found)
        raise NotFound("Nothing of this id is set aside.")
