"""The benchmarks on PostgreSQL, in small: they count right, and nothing is lost on the way."""

from pathlib import Path
from typing import Final

import msgspec
from bench.capacity import inputs_per_commit
from bench.plan import QUICK, PostgresPlan
from bench.postgres import disk, engines, growth, ingest, port, spread, through
from bench.postgres.results import PostgresResults
from bench.postgres.server import Postgres, only
from bench.postgres.verdicts import judge_postgres
from tests.installed import installed

SMALL: Final = PostgresPlan(
    partitions=4,
    rounds=1,
    seconds=1,
    copied=2_000,
    events=1_500,
    workflows=2,
    runs=80,
    rates=(40,),
    step_seconds=1,
    warm_up_seconds=0.5,
    rest_seconds=0.1,
    logs=(500,),
    sleepers=(200,),
    backlog=100,
    beside=20,
)
PLAN: Final = msgspec.structs.replace(QUICK, postgres=SMALL)


def missed(**measured: object) -> list[str]:
    """What is required and not met."""
    results = msgspec.structs.replace(PostgresResults(version="", syncs=1), **measured)
    assert msgspec.json.decode(msgspec.json.encode(results), type=PostgresResults) == results
    return [verdict.what for verdict in judge_postgres(results) if verdict.required and not verdict.met]


def test_single_events_are_taken_and_counted(tmp_path: Path, postgres: Postgres) -> None:
    installed("wrk", "the benchmark of single events")
    found = ingest.single("api", tmp_path, postgres, SMALL)
    assert found.rate > 0
    assert found.stored >= found.acknowledged > 0
    assert set(found.cpu) == {"server", "postgres"}


def test_the_port_and_copy_write_into_the_inbox(tmp_path: Path, postgres: Postgres) -> None:
    found = port.measure(SMALL, tmp_path, postgres, seconds=0.2)
    assert len(found) == 6
    assert all(one.rate > 0 and one.cpu > 0 for one in found.values())


def test_events_and_timers_go_through_an_engine(tmp_path: Path, postgres: Postgres) -> None:
    cases = engines.Cases(SMALL, tmp_path, postgres)
    assert list(cases.stores()) == ["sqlite", "postgres 1", "postgres 4"]
    events, timers = cases.events(4, 1), cases.timers(4)
    assert (events.done, events.started, timers.done, timers.started) == (SMALL.events, SMALL.events, SMALL.runs, SMALL.runs)
    for once in (events, timers):
        assert once.seconds > 0
        assert 1 <= once.per_commit <= SMALL.events


def test_the_engine_works_as_before_on_a_database_that_was_filled(tmp_path: Path, postgres: Postgres) -> None:
    found = growth.run(PLAN, tmp_path, postgres)
    assert [(one.rows, one.kind, one.applied.started) for one in found.log] == [(500, "event", SMALL.events)]
    events, timers = found.sleepers
    assert (events.rows, events.applied.started, timers.applied.started) == (200, SMALL.events, 200 + SMALL.events)
    assert all(one.wal_bytes > 0 for one in (*found.log, *found.sleepers))
    assert missed(growth=found) == []


def test_three_processes_are_metered_on_the_way_from_event_to_request(tmp_path: Path, postgres: Postgres) -> None:
    found = through.split(PLAN, tmp_path, postgres)
    measured, burst = found.course, found.burst
    assert (measured.never_arrived, measured.repeated, burst.events) == (0, 0, SMALL.events)
    assert [set(step.cpu) for step in measured.steps] == [{"api", "engine", "delivery", "postgres"}]
    assert burst.counts["engine inputs"] == 2 * burst.events
    assert inputs_per_commit(burst.counts) >= 1
    assert found.sizes["runs"].rows == found.events
    assert all(3 <= count <= 12 for count in found.connections.values())


def test_two_engines_apply_all_that_waits(tmp_path: Path, postgres: Postgres) -> None:
    one, two = spread.run(PLAN, tmp_path, postgres)
    assert (one.owned, two.owned) == ([4], [2, 2])
    assert one.applied >= 100 + one.came
    assert set(two.cpu) == {"api", "generator", "postgres", "engine 1", "engine 2"}
    assert missed(spread=[one, two]) == []


def test_a_database_can_be_copied_and_is_gone_once_dropped(postgres: Postgres) -> None:
    url = postgres.made(3)
    copied = postgres.copy(url)
    assert only(copied, "SELECT partitions FROM instance", tuple[int]) == (3,)
    for each in (url, copied):
        postgres.drop(each)
    before = postgres.counters()
    postgres.settle()
    assert postgres.counters().wal_bytes > before.wal_bytes


def test_the_disk_writes(tmp_path: Path) -> None:
    assert disk.syncs(tmp_path, 0.02) > 0
    assert list(tmp_path.iterdir()) == []
