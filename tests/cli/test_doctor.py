"""`clarion doctor`: each check finds what it is for."""

import asyncio
import resource
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest
from tests.cli.conftest import Cli

from clarion.cli.checks import machine
from clarion.clock import MINUTE, wall_clock
from clarion.config import load_settings
from clarion.contract.track_event import read_event
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.records.upkeep import Upkeep
from clarion.stores import open_store


def findings(cli: Cli, data: Path) -> dict[str, Any]:
    return {one["check"]: one for one in cli("doctor", "--data", data, "--json").json}


def put_into_the_inbox(data: Path, received: int) -> None:
    async def work() -> None:
        store = open_store(load_settings(data, {}))
        await store.open()
        event = read_event(b'{"event_name":"e","profile_id":"p"}', now=received)
        await store.append([entry_from(event, 1, received, fresh_id())])
        await store.close()

    asyncio.run(work())


def test_everything_is_well_on_a_fresh_directory(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FEW_FILES", 1)
    monkeypatch.setattr(machine, "LEAST_FILES", 1)
    monkeypatch.setattr(machine, "LOW_DISK", 1)
    monkeypatch.setattr(machine, "LEAST_DISK", 1)
    cli("init", "--data", tmp_path / "data", "--vapid-subject", "mailto:ops@shop.example")
    told = cli("doctor", "--data", tmp_path / "data")
    assert (told.code, told.err) == (0, "")
    found = findings(cli, tmp_path / "data")
    assert {one["status"] for one in found.values()} == {"ok"}
    assert list(found) == [
        "settings",
        "directory",
        "master key",
        "disk",
        "open files",
        "database",
        "integrity",
        "inbox",
        "set aside",
        "clock",
        "sites",
        "lags",
        "limits",
        "retention",
    ]
    assert "library" in found["database"]["detail"]


def test_a_placeholder_is_a_warning_and_fails_nothing(cli: Cli, data: Path) -> None:
    told = cli("doctor", "--data", data)
    assert told.code == 0
    assert findings(cli, data)["sites"]["status"] == "warning"
    command = ("sites", "set", "1", "--data", str(data), "--vapid-subject")
    assert "sites: default has a placeholder as its VAPID subject; for real pushes: clarion " + " ".join(command) in told.err
    assert cli(*command, "mailto:ops@shop.example").code == 0
    assert findings(cli, data)["sites"]["status"] == "ok"


def test_a_directory_that_is_not_there_fails(cli: Cli, tmp_path: Path) -> None:
    told = cli("doctor", "--data", tmp_path / "none")
    assert told.code == 1
    assert told.err == f"directory: run: clarion init --data {tmp_path}/none\n"
    assert list(findings(cli, tmp_path / "none")) == ["settings", "directory", "open files"]


def test_a_database_in_a_directory_that_is_not_there_fails(cli: Cli, data: Path) -> None:
    (data / "clarion.toml").write_text("database_url = 'sqlite:///sub/clarion.db'")
    found = findings(cli, data)
    assert (found["disk"]["status"], found["disk"]["detail"]) == ("failed", f"{data}/sub is no directory")
    assert found["database"]["status"] == "failed"


def set_aside(data: Path, error: str, count: int) -> None:
    with apsw.Connection(str(data / "clarion.db")) as connection:
        connection.executemany(
            "INSERT INTO poisoned (partition, id, site, kind, body, at, error) VALUES (0, ?, 1, 'event', '{}', ?, ?)",
            [(f"input-{number}", number, error) for number in range(1, count + 1)],
        )


def test_an_input_that_could_not_be_applied_fails(cli: Cli, data: Path) -> None:
    assert findings(cli, data)["set aside"]["status"] == "ok"
    set_aside(data, "ZeroDivisionError:\n by\x1b zero", 1)
    told = cli("doctor", "--data", data)
    assert told.code == 1
    assert (
        "inputs that could not be applied: 1, the newest: event input-1: ZeroDivisionError: by\N{REPLACEMENT CHARACTER} zero\n" in told.out
    )
    assert "set aside: they are kept — report the error; " in told.err


@pytest.mark.parametrize(("count", "said"), [(3, "3"), (4, "4"), (100, "100"), (101, "more than 100"), (150, "more than 100")])
def test_the_newest_few_are_listed_and_cut(cli: Cli, data: Path, count: int, said: str) -> None:
    set_aside(data, "x" * 1000, count)
    cut = "x" * 119 + "…"
    newest = "; ".join(f"event input-{number}: {cut}" for number in (count, count - 1, count - 2))
    assert findings(cli, data)["set aside"]["detail"] == f"inputs that could not be applied: {said}, the newest: {newest}"


@pytest.mark.parametrize(("mode", "status"), [(0o700, "ok"), (0o750, "failed"), (0o701, "failed")])
def test_the_directory_has_to_be_private(cli: Cli, data: Path, mode: int, status: str) -> None:
    data.chmod(mode)
    assert findings(cli, data)["directory"]["status"] == status
    assert cli("doctor", "--data", data).code == (status == "failed")


def test_the_master_key_has_to_be_there_and_private(cli: Cli, data: Path) -> None:
    (data / "master.key").chmod(0o640)
    found = findings(cli, data)["master key"]
    assert (found["status"], found["advice"]) == ("failed", f"run: chmod 600 {data}/master.key")
    (data / "master.key").unlink()
    assert findings(cli, data)["master key"]["status"] == "failed"


def test_a_master_key_of_another_database_fails(cli: Cli, data: Path, tmp_path: Path) -> None:
    cli("init", "--data", tmp_path / "other")
    shutil.copyfile(tmp_path / "other" / "master.key", data / "master.key")
    found = findings(cli, data)
    assert found["master key"]["status"] == "ok"
    assert found["sites"]["status"] == "failed"
    assert "does not open" in found["sites"]["detail"]


def test_a_bad_setting_is_the_only_finding(cli: Cli, data: Path) -> None:
    (data / "clarion.toml").write_text("prot = 1")
    told = cli("doctor", "--data", data, "--json")
    assert told.code == 1
    assert [one["check"] for one in told.json] == ["settings"]
    assert told.json[0]["advice"] == "did you mean port?"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "status"),
    [(machine.LEAST_DISK - 1, "failed"), (machine.LEAST_DISK, "warning"), (machine.LOW_DISK - 1, "warning"), (machine.LOW_DISK, "ok")],
)
def test_disk_space_has_two_limits(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free))
    assert findings(cli, data)["disk"]["status"] == status


@pytest.mark.parametrize(
    ("soft", "hard", "status"),
    [
        (1023, 1023, "failed"),
        (1024, 8191, "warning"),
        (8191, 8192, "warning"),
        (8192, 8192, "ok"),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, "ok"),
    ],
)
def test_open_files_have_two_limits(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, status: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    found = findings(cli, data)["open files"]
    assert found["status"] == status
    assert ("the hard limit is" in found["advice"]) is (hard < 8192 and status != "ok")


@pytest.mark.parametrize(("age", "status"), [(0, "ok"), (MINUTE // 2, "ok"), (2 * MINUTE, "failed")])
def test_what_waits_for_long_fails(cli: Cli, data: Path, age: int, status: str) -> None:
    # The two entries that `init` left there are as old as the test.
    put_into_the_inbox(data, wall_clock() - age)
    found = findings(cli, data)["inbox"]
    assert found["detail"].startswith("waiting to be applied: 3, ")
    if age:
        with apsw.Connection(str(data / "clarion.db")) as connection:
            connection.execute("DELETE FROM inbox WHERE kind <> 'event'")
        found = findings(cli, data)["inbox"]
    assert found["status"] == status


def test_events_that_cannot_be_removed_are_found(cli: Cli, data: Path) -> None:
    def note(upkeep: Upkeep) -> None:
        async def work() -> None:
            store = open_store(load_settings(data, {}))
            await store.open()
            await store.note_upkeep(upkeep)
            await store.close()

        asyncio.run(work())

    assert findings(cli, data)["retention"]["detail"] == "kept: events 365d, explanations 30d, deliveries 90d, runs 90d"
    note(Upkeep(0, "OSError: no room", 1_777_636_800_000_000))
    found = findings(cli, data)["retention"]
    assert found["status"] == "failed"
    assert "since 2026-05-01T12:00:00.000Z" in found["detail"]
    assert "OSError: no room" in found["detail"]
    assert str(data / "export") in found["advice"]
    note(Upkeep(1_777_636_800_000_000))
    (data / "clarion.toml").write_text('export_events = "ndjson"\n')
    found = findings(cli, data)["retention"]
    assert (found["status"], found["detail"].rpartition("; ")[2]) == ("ok", "events until 2026-05-01T12:00:00.000Z are exported")


def test_a_file_that_is_no_database_is_one_finding(cli: Cli, data: Path) -> None:
    for name in ("clarion.db", "clarion.db-wal", "clarion.db-shm"):
        (data / name).unlink(missing_ok=True)
    (data / "clarion.db").write_bytes(b"this is no database " * 250)
    told = cli("doctor", "--data", data, "--json")
    assert told.code == 1
    assert told.json[-1]["check"] == "database"
    assert told.json[-1]["status"] == "failed"
