"""`Metrics`: what one process says of itself, gathered from its parts."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, Self, runtime_checkable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from clarion import __version__
from clarion.clock import Clock, wall_clock
from clarion.config import Settings
from clarion.metrics import families
from clarion.pressure import Limits, Pressure
from clarion.store.port import Store
from clarion.store.records.lags import Lag
from clarion.tallies import Applying, Committing, Delivering, Taking

CONTENT_TYPE = CONTENT_TYPE_LATEST


@runtime_checkable
class Counting(Protocol):
    """A store that counts its commits of ingest."""

    @property
    def committing(self) -> Committing:
        """What was counted."""


class Sending(Protocol):
    """`clarion.delivery.worker.DeliveryWorker`, as far as it is counted."""

    tally: Delivering

    @property
    def under_way(self) -> int:
        """Deliveries that are being sent."""

    @property
    def taken_on(self) -> int:
        """Deliveries that are claimed and not reported."""


class Serving(Protocol):
    """`clarion.api.server.HttpServer`, as far as it is counted."""

    @property
    def connections(self) -> int:
        """Open connections."""

    @property
    def refused(self) -> Mapping[int, int]:
        """Requests that no route had a say in, by status."""


async def _nothing_waits() -> list[Lag]:
    return []


class Metrics(Collector):
    """The parts of a process that count. A part that is not there, for a role that the process has not, is left out of what is said."""

    def __init__(self, pressure: Pressure | None = None, clock: Clock = wall_clock, *, is_public: bool = False) -> None:
        """`clock` is the store's. `is_public`: everybody may read, not only this machine and those with a key."""
        self.pressure = pressure or Pressure(_nothing_waits, clock, Limits())
        self.is_public = is_public
        self.taking = Taking()
        """For the routes to count in."""
        self.applying = Applying()
        """What the owners of partitions count in, all of them."""
        self.store: object = None
        """If it is one that counts."""
        self.owned: Callable[[], int] | None = None
        """How many partitions this process owns."""
        self.worker: Sending | None = None
        self.server: Serving | None = None
        self._clock = clock
        self._began = time.monotonic()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    @classmethod
    def over(cls, store: Store, settings: Settings) -> Self:
        """For a store, which is watched while `pressure.run` runs. The process's other parts are filled in as they are made."""
        pressure = Pressure.over(store, settings)
        store.on_change(pressure.changed)
        metrics = cls(pressure, store.now, is_public=settings.metrics_public)
        metrics.store = store
        return metrics

    async def text(self) -> bytes:
        """All metrics, of what waits in the store as of a second ago at most."""
        await self.pressure.freshen()
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing, so that registering collects nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family, for the registry."""
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("clarion_build", "What runs here.", build)
        yield GaugeMetricFamily("clarion_uptime_seconds", "Time since the process began.", time.monotonic() - self._began)
        if self.server is not None:
            yield from families.taking(self.taking, self.server.refused, self.server.connections)
        if isinstance(self.store, Counting):
            yield from families.committing(self.store.committing)
        if self.owned is not None:
            yield from families.applying(self.applying, self.owned())
        if self.worker is not None:
            yield from families.delivering(self.worker.tally, self.worker.under_way, self.worker.taken_on)
        yield from families.waiting(self.pressure, self._clock())
        yield from families.closing(self.pressure)
