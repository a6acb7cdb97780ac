"""`clarion doctor`: how far the engines are behind, and how near that is to the limits of ingest."""

import shutil
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest
from tests.cli.conftest import Cli
from tests.cli.test_doctor import findings, put_into_the_inbox

from clarion.cli.checks.pressure import lags_finding, limits_finding, nodes_finding
from clarion.clock import HOUR, MINUTE, SECOND, wall_clock
from clarion.pressure import Measure
from clarion.store.records.lags import Lag

NOW = 100 * HOUR
MIB = 2**20


def empty_the_inbox(data: Path) -> None:
    with apsw.Connection(str(data / "clarion.db")) as connection:
        connection.execute("DELETE FROM inbox")


def test_nothing_waits_and_nothing_is_near(cli: Cli, data: Path) -> None:
    empty_the_inbox(data)
    found = findings(cli, data)
    assert (found["lags"]["status"], found["lags"]["detail"]) == ("ok", "no partition is behind; deliveries that have not ended: 0")
    assert found["limits"]["status"] == "ok"
    assert (
        "max_lag: the oldest entry has waited 0s of 1h; max_inbox: 0 entries wait, of 5000000; min_free_disk: " in found["limits"]["detail"]
    )


def test_a_lag_is_shown_and_past_its_limit_fails(cli: Cli, data: Path) -> None:
    empty_the_inbox(data)
    put_into_the_inbox(data, wall_clock() - 2 * HOUR)
    told = cli("doctor", "--data", data)
    found = findings(cli, data)
    assert found["lags"]["detail"].startswith("entries wait in 1 partition: partition 0: 1 for 2h")
    assert (found["limits"]["status"], told.code) == ("failed", 1)
    assert "limits: max_lag is reached, so a server answers events with 503: see that engines run" in told.err


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "status"), [(512 * MIB - 1, "failed"), (512 * MIB, "warning"), (1024 * MIB, "warning"), (1024 * MIB + 1, "ok")]
)
def test_room_that_runs_short_is_seen_beforehand(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free))
    assert findings(cli, data)["limits"]["status"] == status


def test_the_database_is_measured_where_it_is_limited(cli: Cli, data: Path) -> None:
    assert "max_database_size" not in findings(cli, data)["limits"]["detail"]
    (data / "clarion.toml").write_text("max_database_size = '1GiB'")
    assert "of 1 GiB" in findings(cli, data)["limits"]["detail"]


def test_a_database_that_does_not_open_is_one_finding(cli: Cli, data: Path) -> None:
    for name in ("clarion.db", "clarion.db-wal", "clarion.db-shm"):
        (data / name).unlink(missing_ok=True)
    found = findings(cli, data)
    assert "lags" not in found
    assert "limits" not in found


def test_the_worst_partitions_are_named_first() -> None:
    lags = [
        Lag(0, 5, NOW - SECOND, 1),
        Lag(1, 0, None, 2),
        Lag(2, 6, NOW - MINUTE, 0),
        Lag(3, 7, NOW - MINUTE, 0),
        Lag(9, 1, NOW - HOUR, 0),
        Lag(10, 1, NOW + HOUR, 0),
    ]
    found = lags_finding(lags, NOW)
    worst = "partition 9: 1 for 1h; partition 2: 6 for 1m; partition 3: 7 for 1m; and 2 more"
    assert found.detail == f"entries wait in 5 partitions: {worst}; deliveries that have not ended: 3"
    assert "more" not in lags_finding(lags[:4], NOW).detail


@pytest.mark.parametrize(("amount", "status"), [(0, "ok"), (49, "ok"), (50, "warning"), (100, "warning"), (101, "failed")])
def test_a_limit_is_near_from_half_of_it_on(amount: int, status: str) -> None:
    near = limits_finding([Measure("max_inbox", 1, 1000), Measure("max_database_size", amount, 100)])
    assert near.status == status
    assert ("keep less" in near.advice) is (status != "ok")


def test_no_limit_is_fine() -> None:
    assert limits_finding([]).status == "ok"


@pytest.mark.parametrize(
    ("api", "engine", "owned", "is_behind", "status"),
    [
        (0, 0, 0, False, "ok"),
        (0, 0, 0, True, "failed"),
        (1, 0, 0, False, "failed"),
        (1, 1, 4, True, "ok"),
        (0, 1, 4, False, "ok"),
        (1, 2, 3, False, "warning"),
    ],
)
def test_somebody_has_to_work_off_what_is_accepted(api: int, engine: int, owned: int, is_behind: bool, status: str) -> None:
    facts = {"nodes_api": api, "nodes_engine": engine, "nodes_delivery": 0, "partitions_owned": owned}
    found = nodes_finding(facts, 4, is_behind)
    assert found.status == status
    assert f"api {api}, engine {engine}, delivery 0; engines own {owned} of 4 partitions" in found.detail
    assert bool(found.advice) is (status != "ok")
