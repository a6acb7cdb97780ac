"""Numbers as Prometheus' families of metrics. No label holds anything that a client has chosen."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from clarion.clock import SECOND
from clarion.pressure import Pressure, oldest_age
from clarion.tallies import SECONDS, Applying, Committing, Delivering, Histogram, Taking

_BOUNDS = [*map(str, SECONDS), "+Inf"]

ALONE = "ingest"
"""Group of the route for one event, whose stored events are also its answers with 200."""


def taking(tally: Taking, refused_by_server: Mapping[int, int], connections: int) -> Iterator[Metric]:
    """What the API answered; `refused_by_server`: by status, what no route had a say in."""
    accepted = CounterMetricFamily("clarion_events_accepted", "Events answered as accepted.", labels=["outcome"])
    accepted.add_metric(["stored"], tally.alone + tally.in_batches + tally.from_sdks)
    accepted.add_metric(["duplicate"], tally.duplicates)
    yield accepted
    yield _counted(
        "clarion_events_refused",
        "Events refused. A batch that was refused before its events were read counts as one.",
        ("reason",),
        (((reason,), count) for reason, count in tally.refused.items()),
    )
    requests = Counter({(route, str(status)): count for (route, status), count in tally.requests.items()})
    requests[ALONE, "200"] += tally.alone
    for status, count in refused_by_server.items():
        requests["none", str(status)] += count
    yield _counted("clarion_http_requests", "HTTP requests answered.", ("route", "status"), requests.items())
    yield GaugeMetricFamily("clarion_http_connections", "Open connections of clients.", connections)


def committing(tally: Committing) -> Iterator[Metric]:
    """Commits that took entries in."""
    yield CounterMetricFamily("clarion_ingest_entries", "Entries in the commits of ingest.", tally.entries)
    yield _histogram("clarion_ingest_commit_seconds", "Commits of ingest, each with all that came in together.", tally.seconds)


def applying(tally: Applying, owned: int) -> Iterator[Metric]:
    """What the engine did."""
    yield GaugeMetricFamily("clarion_partitions_owned", "Partitions whose engine is in this process.", owned)
    yield CounterMetricFamily("clarion_engine_inputs", "Entries and timers applied.", tally.inputs)
    yield _histogram("clarion_engine_batch_seconds", "Batches of the engine, from what was taken to its commit.", tally.seconds)


def delivering(tally: Delivering, under_way: int, taken_on: int) -> Iterator[Metric]:
    """What became of deliveries."""
    yield _counted(
        "clarion_deliveries_ended", "Deliveries that ended with an attempt of this process.", ("kind", "outcome"), tally.ended.items()
    )
    yield _counted(
        "clarion_delivery_retries",
        "Attempts that failed and are to be repeated.",
        ("kind",),
        (((kind,), count) for kind, count in tally.retries.items()),
    )
    yield GaugeMetricFamily("clarion_deliveries_under_way", "Deliveries being sent just now.", under_way)
    yield GaugeMetricFamily("clarion_deliveries_taken_on", "Deliveries claimed by this process and not reported yet.", taken_on)


def waiting(pressure: Pressure, now: int) -> Iterator[Metric]:
    """What waits in the store, whatever process will take it; of partitions only those that have something waiting."""
    lags = pressure.lags
    yield GaugeMetricFamily("clarion_store_available", "1 if the store answered when it was last looked at.", pressure.is_available)
    yield GaugeMetricFamily("clarion_lag_seconds", "Age of the oldest inbox entry of all partitions.", oldest_age(lags, now) / SECOND)
    yield GaugeMetricFamily("clarion_inbox_entries", "Entries that wait for their engine.", sum(lag.inbox for lag in lags))
    yield GaugeMetricFamily("clarion_outbox_deliveries", "Deliveries that have not ended.", sum(lag.outbox for lag in lags))
    age = GaugeMetricFamily("clarion_partition_lag_seconds", "Age of a partition's oldest inbox entry.", labels=["partition"])
    inbox = GaugeMetricFamily("clarion_partition_inbox_entries", "Entries that wait in a partition.", labels=["partition"])
    outbox = GaugeMetricFamily(
        "clarion_partition_outbox_deliveries", "Deliveries of a partition that have not ended.", labels=["partition"]
    )
    for lag in lags:
        named = [str(lag.partition)]
        if lag.inbox:
            age.add_metric(named, oldest_age([lag], now) / SECOND)
            inbox.add_metric(named, lag.inbox)
        if lag.outbox:
            outbox.add_metric(named, lag.outbox)
    yield from (age, inbox, outbox)


def closing(pressure: Pressure) -> Iterator[Metric]:
    """Whether events are taken, and how near the limits are."""
    yield GaugeMetricFamily("clarion_ingest_open", "1 while events are taken, 0 while they are answered 503.", not pressure.closed)
    used = GaugeMetricFamily("clarion_limit_used_ratio", "How near a limit is: above 1 no events are taken.", labels=["limit"])
    for measure in pressure.measures:
        used.add_metric([measure.setting], measure.part)
    yield used


def _counted(name: str, text: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts):
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, counted: Histogram) -> Metric:
    buckets = list(zip(_BOUNDS, map(float, accumulate(counted.counts)), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=counted.total)
