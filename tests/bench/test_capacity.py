"""The capacity model: what it computes follows from the numbers that it is given, and the page shows it."""

from itertools import pairwise
from typing import Final

import msgspec
import pytest
from bench.capacity import MOST_PARTITIONS, Model, Price, between, bytes_of_row, disk, mixed, model, needs, processes
from bench.plan import FULL, QUICK
from bench.postgres.chart import draw_postgres
from bench.postgres.results import (
    Applied,
    AtPort,
    Burst,
    Engines,
    Grown,
    Growth,
    Ingest,
    Ingested,
    PostgresResults,
    Size,
    Split,
    Spread,
    Through,
)
from bench.postgres.verdicts import judge_postgres
from bench.report import DOCS, render
from bench.results import Results, begin, merge, parts_of
from bench.scaling import fill, size
from bench.server_results import Batch, EndToEnd, Step
from bench.usage import Memory
from hypothesis import given, settings
from hypothesis import strategies as st

PARTITIONS: Final = 64


def step(rate: int, *, sustained: bool = True) -> Step:
    events = rate * 10
    cpu = {name: micros * events / 1e6 for name, micros in (("api", 90), ("engine", 800), ("delivery", 500), ("postgres", 2_010))}
    counts = {"WAL bytes": events * 9e3, "engine inputs": events * 2.0, "engine commits": float(events)}
    return Step(rate, events, events, events, 1.0, 2.0, 3.0, 1.0, 2.0, 0.5, 0.1, sustained, cpu, counts)


def course(highest: int) -> EndToEnd:
    steps = [step(500), step(1_000), step(2_000, sustained=False)]
    return EndToEnd(20, 10_000, 128, steps, highest, step(highest // 2) if highest else None, 35_000, 0, 0, Memory(1, 1))


def applied(engine: float, database: float, *, done: int = 100, started: int = 0) -> Applied:
    return Applied(100, [engine], [engine], [database], 10.0, done, started)


def grown(rows: int, kind: str, seconds: float) -> Grown:
    return Grown(rows, rows * 100, 1.0, kind, applied(seconds, seconds), 5_000.0)


BURST: Final = Burst(
    1_000,
    1.0,
    {"api": 0.0, "engine": 0.16, "delivery": 0.1, "postgres": 0.4},
    {"WAL bytes": 7e6, "engine inputs": 2_000.0, "engine commits": 200.0},
)
SPLIT: Final = Split(
    course=course(1_000),
    burst=BURST,
    rest={"api": 0.0, "engine": 0.01, "delivery": 0.01, "postgres": 0.02},
    events=36_000,
    sizes={name: Size(1_000, 300_000, 200_000) for name in ("log", "runs", "explanations", "deliveries")} | {"inbox": Size(0, 8_192, 0)},
    body=180.0,
    commits=100_000,
    connections={"api": 4, "engine": 10, "delivery": 9},
    memory={"api": 75_000_000, "engine": 80_000_000, "delivery": 75_000_000},
)
INGESTED: Final = Ingested(8_000, 5.0, 17.0, 0, {"server": 0.04, "postgres": 0.01}, 90_000, 90_000)
BATCH: Final = Batch(1_000, 4, 50_000, 10.0, 20.0, 0, 1_000, 1_000, Memory(1, 1))
PORT: Final = ("sqlite single", "postgres single", "sqlite batch", "postgres batch", "copy pieces", "copy whole")
INGEST: Final = Ingest(
    {server: [INGESTED] for server in ("sqlite", "postgres", "api")},
    dict.fromkeys(("sqlite", "postgres", "api"), BATCH),
    {name: AtPort(100_000.0, 0.005, 0.0 if name.startswith("sqlite") else 0.005) for name in PORT},
    1_000,
    {"single": 256, "batch": 4},
)
STORES: Final = ("sqlite", "postgres 1", "postgres 256")
ENGINES: Final = Engines(
    {name: applied(1e-4, 1e-4, started=100) for name in STORES},
    {name: applied(2e-5, 5e-5) for name in STORES},
    {name: applied(1e-4, 1e-4, started=100) for name in STORES},
)
GROWTH: Final = Growth(
    [grown(100, "event", 1e-4), grown(10_000, "event", 1.2e-4)],
    [grown(rows, kind, 1e-4) for rows in (100, 10_000) for kind in ("event", "timer")],
)
ONE: Final = Spread(1, 2.0, 2_000, 100, {"api": 0.1, "generator": 0.1, "postgres": 0.4, "engine 1": 0.2}, [256], [80_000_000], 0)
TWO: Final = Spread(
    2, 1.5, 2_000, 100, {"api": 0.1, "generator": 0.1, "postgres": 0.4, "engine 1": 0.12, "engine 2": 0.12}, [128, 128], [79_000_000] * 2, 0
)
POSTGRES: Final = PostgresResults(
    version="18.1",
    syncs=1_000.0,
    ingest=INGEST,
    engines=ENGINES,
    through=Through(course(2_000), course(1_000), course(1_500), SPLIT),
    growth=GROWTH,
    spread=[ONE, TWO],
)
RESULTS: Final = msgspec.structs.replace(begin(FULL), postgres=POSTGRES)


def known() -> Model:
    found = model(POSTGRES, PARTITIONS)
    assert found is not None
    return found


def test_two_points_give_the_price_of_a_commit_and_of_what_is_in_it() -> None:
    price = between(2, 800, 10, 160)
    assert price == pytest.approx((0, 1_600))
    assert between(1, 100, 10, 28) == pytest.approx((20, 80))
    assert (price.at(2), price.at(10)) == pytest.approx((800, 160))


@settings(max_examples=50)
@given(st.floats(1, 50), st.floats(1, 5_000), st.floats(1, 50), st.floats(1, 5_000))
def test_a_price_is_never_negative_nor_rises_with_larger_commits(few: float, one: float, more: float, other: float) -> None:
    price = between(few, one, few + more, other)
    assert price.each >= 0
    assert price.commit >= 0
    assert price.at(1) >= price.at(10) >= 0
    assert price.at(few) >= min(one, other) * 0.999


def test_the_model_is_computed_from_the_smallest_commits_and_from_many_at_once() -> None:
    found = known()
    assert (found.rate, found.few, found.many, found.inputs, found.usual) == (500, 2.0, 10.0, 2.0, 500)
    assert found.wait == pytest.approx(1 * PARTITIONS / 1_000)
    assert (found.api, found.taken) == pytest.approx((40e-6, 10e-6))
    assert found.postgres.at(2) == pytest.approx(2_000e-6)
    assert (found.idle_engine, found.idle_postgres, found.idle_wal) == pytest.approx((0.2, 0.5, 0.2))


def test_nothing_is_computed_from_less_than_it_takes() -> None:
    nothing = msgspec.structs.replace(SPLIT, course=course(0))
    for missing in ({"ingest": None}, {"engines": None}, {"through": None}, {"through": Through(course(0), course(0), course(0), nothing)}):
        assert model(msgspec.structs.replace(POSTGRES, **missing), PARTITIONS) is None


def test_a_rate_takes_what_the_prices_say() -> None:
    found = needs(known(), 500)
    assert (found.partitions, found.servers) == (64, 1)
    assert found.inputs == pytest.approx(2)
    assert (found.commits, found.wal) == pytest.approx((500, 4.5e6))
    assert found.cores == pytest.approx(1.005)
    assert (found.api, found.engine, found.delivery) == (1, 1, 1)
    assert found.connections == 39


def test_more_events_take_more_of_everything_and_cost_less_each() -> None:
    steps = [needs(known(), rate, share) for share in (1.0, 0.05) for rate in (1_000, 10_000, 100_000, 1_000_000)]
    for less, more in pairwise(steps):
        if more.rate > less.rate:
            assert more.cores > less.cores
            assert more.cores / more.rate <= less.cores / less.rate
            assert (more.api, more.engine, more.delivery) >= (less.api, less.engine, less.delivery)
    assert steps[3].servers > 1
    assert all(one.engine * 4 <= one.partitions <= MOST_PARTITIONS for one in steps)
    assert steps[3].inputs == known().many
    assert needs(known(), 10**9).partitions == MOST_PARTITIONS


def test_an_event_that_nobody_listens_for_has_its_part_of_the_price() -> None:
    assert mixed(100, 0.2, 1.0) == 100
    assert mixed(100, 0.2, 0.0) == 20
    assert mixed(100, 0.2, 0.5) == 60
    assert [processes(cores) for cores in (0.0, 0.6, 0.61)] == [1, 1, 2]


def test_what_stays_of_an_event_adds_up() -> None:
    assert bytes_of_row(SPLIT.sizes)["log"] == (300, 200)
    assert "inbox" not in bytes_of_row(SPLIT.sizes)
    every, few = disk(known(), SPLIT.sizes, 10), disk(known(), SPLIT.sizes, 10, 0.0)
    assert every.day == pytest.approx(10 * 86_400 * 500 * 5)
    assert few.day == pytest.approx(10 * 86_400 * 500)
    assert every.kept == pytest.approx(10 * 86_400 * 500 * (2 * 365 + 30 + 90 + 90))


def test_sizes_are_written_in_the_unit_in_which_they_read_best() -> None:
    assert [size(count) for count in (0, 999, 1_500, 123_456, 5e13)] == ["0 B", "999 B", "1.5 kB", "123 kB", "50.0 TB"]


def test_the_page_gets_its_tables_and_keeps_its_prose() -> None:
    page = (DOCS / "scaling.md").read_text(encoding="utf-8")
    filled = fill(page, RESULTS)
    assert fill(filled, RESULTS) == filled
    assert fill(filled, begin(QUICK)).count("Nothing is measured yet") == page.count("<!-- bench: ")
    for shown in (
        "| 1,000 | 64 | 3.0 | 667 | 1 | 1 | 1 | 1.3 | 8.2 MB | 1 | 39 |",
        "| `log` | 1,000 | 300 | 200 | 500 |",
        "8 kB for each",
    ):
        assert shown in filled
    with pytest.raises(KeyError):
        fill("<!-- bench: nonsense -->\n<!-- /bench -->", RESULTS)


def test_the_report_shows_what_was_measured_on_postgresql() -> None:
    page = render(RESULTS)
    for part in ("(h) The way in", "(i) The engine", "(j) From event to request", "(k) Much in the database", "(l) One engine and two"):
        assert f"### {part}" in page
    assert "PostgreSQL 18.1 with `shared_buffers=4GB`" in page
    assert "| 1,000 | 90 | 800 | 500 | 2010 | 3400 | 2.0 | 9,000 | yes |" in page
    assert draw_postgres(POSTGRES).startswith("<svg")
    assert not [verdict for verdict in judge_postgres(POSTGRES) if verdict.required and not verdict.met]


def test_what_is_wanted_is_met_at_the_limit_and_not_beyond() -> None:
    def unmet(**changed: object) -> list[str]:
        return [verdict.what for verdict in judge_postgres(msgspec.structs.replace(POSTGRES, **changed)) if not verdict.met]

    assert unmet() == []
    slower = msgspec.structs.replace(GROWTH, log=[grown(100, "event", 1e-4), grown(10_000, "event", 1.21e-4)])
    assert unmet(growth=slower) == ["(k) CPU of an event, events in the log: 10,000 beside 100"]
    assert unmet(spread=[ONE, msgspec.structs.replace(TWO, lost=1)]) == ["(l) events lost"]
    lost = msgspec.structs.replace(INGESTED, stored=89_999)
    assert unmet(ingest=msgspec.structs.replace(INGEST, single=INGEST.single | {"api": [lost]})) == [
        "(h) acknowledged events in the database"
    ]


def test_results_of_several_runs_are_shown_as_one() -> None:
    first = msgspec.structs.replace(begin(FULL), cold_start=None, due=[])
    second = msgspec.structs.replace(RESULTS, other_cores=0.05, date="2030-01-01")
    third = msgspec.structs.replace(begin(FULL), postgres=PostgresResults(version="18.2", syncs=1.0, growth=None, spread=[ONE]))
    merged = merge([first, second, third])
    assert merged.due == []
    assert merged.postgres is not None
    assert (merged.postgres.ingest, merged.postgres.spread, merged.postgres.version) == (INGEST, [ONE], "18.2")
    assert merged.other_parts == {"(h), (i), (j), (k), (l)": 0.05, "(l)": 0.0}
    assert parts_of(merged) == ["(f)", "(h)", "(i)", "(j)", "(k)", "(l)"]
    other = msgspec.structs.replace(first, machine=msgspec.structs.replace(first.machine, cores=64))
    with pytest.raises(ValueError, match="different machines"):
        merge([first, other])
    assert msgspec.json.decode(msgspec.json.encode(RESULTS), type=Results) == RESULTS
    assert Price(1.0, 2.0).at(0.5) == 3.0
