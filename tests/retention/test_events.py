"""Events go last: exported where that is wanted, and never before that is done; snapshots are taken first, and kept while of use."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.retention.log import NOW, Log, files, lines, manifests, open_log

from clarion.clock import DAY, HOUR, MINUTE
from clarion.config import Settings
from clarion.retention import Retention, exporting
from clarion.retention.exporting import RETENTION
from clarion.retention.pace import Sleep
from clarion.retention.policy import AT_ONCE
from clarion.store.port import Store, StoreUnavailable
from clarion.store.records.snapshots import SnapshotPart

KEEP = 8 * HOUR
TODAY = NOW - NOW % DAY


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", keep_events="8h")


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[Log]:
    async with open_log(settings) as opened:
        yield opened


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


def retention(store: Store, settings: Settings, now: int = NOW, sleep: Sleep = no_sleep) -> Retention:
    return Retention(store, settings, lambda: now, sleep)


def with_(settings: Settings, **changed: str) -> Settings:
    return msgspec.structs.replace(settings, **changed)


# -- export ----------------------------------------------------------------------------------------------------------


async def test_without_export_they_go_by_age_to_the_microsecond(log: Log, settings: Settings) -> None:
    await log.write(NOW - KEEP - 1, ["old"])
    await log.write(NOW - KEEP, ["edge"])
    assert (await retention(log.store, settings).forget())["events"] == 1
    assert await log.left() == ["edge"]
    assert files(settings.exports) == []


async def test_what_goes_was_exported_by_whole_hours(log: Log, settings: Settings) -> None:
    edge = NOW - KEEP  # a full hour
    await log.write(edge - 2 * HOUR, ["a", "b"])
    await log.write(edge - 1, ["c"])
    await log.write(edge, ["d"])
    policy = retention(log.store, with_(settings, export_events="ndjson"), NOW + HOUR - 1)
    assert (await policy.forget())["events"] == 3
    assert await log.left() == ["d"]
    assert [line["name"] for line in lines(settings.exports)] == ["a", "b", "c"]
    assert [(one["start"], one["end"]) for one in manifests(settings.exports)] == [
        ("2026-05-01T02:00:00+00:00", "2026-05-01T03:00:00+00:00"),
        ("2026-05-01T03:00:00+00:00", "2026-05-01T04:00:00+00:00"),
    ]
    assert (await log.store.upkeep()).exported == edge
    assert (await retention(log.store, with_(settings, export_events="ndjson"), NOW + HOUR).forget())["events"] == 1
    assert [line["name"] for line in lines(settings.exports)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("keep", "names"), [("167h", ["last", "hour"]), ("7d", ["last"])])
async def test_long_kept_ones_are_exported_by_days_others_by_hours(keep: str, names: list[str], log: Log, settings: Settings) -> None:
    kept = msgspec.structs.replace(settings, keep_events=keep).kept("events")
    assert kept is not None
    now = TODAY + kept + 2 * HOUR
    await log.write(TODAY - 1, ["last"])
    await log.write(TODAY + HOUR, ["hour"])
    await retention(log.store, with_(settings, keep_events=keep, export_events="ndjson"), now).forget()
    assert [line["name"] for line in lines(settings.exports)] == names


async def test_an_export_elsewhere_in_the_other_format(log: Log, settings: Settings, tmp_path: Path) -> None:
    await log.write(NOW - KEEP - HOUR, ["a"])
    elsewhere = tmp_path / "elsewhere"
    policy = retention(log.store, with_(settings, export_events="parquet", export_directory=str(elsewhere)))
    assert (await policy.forget())["events"] == 1
    assert [Path(name).suffix for name in files(elsewhere)] == [".parquet", ".json"]


@pytest.mark.parametrize("format_before", ["ndjson", "no"])
async def test_turned_on_later_it_goes_on_with_what_is_left(format_before: str, log: Log, settings: Settings) -> None:
    await log.write(NOW - KEEP - 3 * HOUR, ["a"])
    await log.write(NOW - 1, ["b"])
    assert (await retention(log.store, with_(settings, export_events=format_before)).forget())["events"] == 1
    assert (await retention(log.store, with_(settings, export_events="ndjson"), NOW + KEEP).forget())["events"] == 1
    assert [line["name"] for line in lines(settings.exports)] == (["a", "b"] if format_before == "ndjson" else ["b"])


async def test_broken_off_between_export_and_removal_nothing_is_exported_twice(log: Log, settings: Settings) -> None:
    """Also when the files have been taken elsewhere since: what is exported is known to the database."""
    old = [f"e{number}" for number in range(AT_ONCE + 5)]
    await log.write(NOW - KEEP - HOUR, old)
    resting = asyncio.Event()

    async def rest(_: float) -> None:
        if len(await log.left()) < len(old):
            resting.set()
            await asyncio.Event().wait()

    work = asyncio.create_task(retention(log.store, with_(settings, export_events="ndjson"), sleep=rest).forget())
    await resting.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    before = {path.name: path.read_bytes() for path in settings.exports.iterdir()}
    assert (await retention(log.store, with_(settings, export_events="ndjson")).forget())["events"] == 5
    assert {path.name: path.read_bytes() for path in settings.exports.iterdir()} == before
    assert [line["name"] for line in lines(settings.exports)] == old


async def test_broken_off_before_it_was_noted_the_same_files_are_written_again(
    log: Log, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.write(NOW - KEEP - HOUR, ["a", "b"])

    async def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(log.store, "note_upkeep", away)
        assert "events" not in await retention(log.store, with_(settings, export_events="ndjson")).forget()
    before = {path.name: path.read_bytes() for path in settings.exports.iterdir()}
    assert len(before) == 2
    assert await log.left() == ["a", "b"]
    assert (await retention(log.store, with_(settings, export_events="ndjson"), NOW + MINUTE).forget())["events"] == 2
    assert {path.name: path.read_bytes() for path in settings.exports.iterdir()} == before


# -- alarm -----------------------------------------------------------------------------------------------------------


async def test_where_the_export_fails_events_stay_all_else_goes_and_there_is_an_alarm(
    log: Log, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await log.write(NOW - KEEP - HOUR, ["a"])
    settings.exports.write_text("a file, where a directory should be")
    policy = retention(log.store, with_(settings, export_events="ndjson"))
    assert await policy.forget() == {"explanations": 0, "deliveries": 0, "runs": 0, "events": 0, "jobs": 0}
    assert await log.left() == ["a"]
    alarmed = await log.store.upkeep()
    assert alarmed.alarm is not None
    assert "FileExistsError" in alarmed.alarm
    assert alarmed.since == NOW
    assert "old events are not removed" in capsys.readouterr().out
    await retention(log.store, with_(settings, export_events="ndjson"), NOW + HOUR).forget()
    assert (await log.store.upkeep()).since == NOW
    settings.exports.unlink()
    assert (await retention(log.store, with_(settings, export_events="ndjson"), NOW + HOUR).forget())["events"] == 1
    assert [line["name"] for line in lines(settings.exports)] == ["a"]
    assert (await log.store.upkeep()).alarm is None


async def test_where_no_snapshot_can_be_taken_events_stay(log: Log, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await log.write(NOW - KEEP - 1, ["a"])

    async def fails(_: int) -> None:
        raise RuntimeError("no snapshot today")

    monkeypatch.setattr(log.store, "take_snapshot", fails)
    assert (await retention(log.store, settings).forget())["events"] == 0
    assert await log.left() == ["a"]
    assert (await log.store.upkeep()).alarm == "RuntimeError: no snapshot today"


async def test_a_store_that_is_away_is_no_alarm(log: Log, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await log.write(NOW - KEEP - 1, ["a"])

    async def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(log.store, "log_page", away)
    assert "events" not in await retention(log.store, settings).forget()
    assert (await log.store.upkeep()).alarm is None


@pytest.mark.parametrize("changed", [{}, {"keep_events": "forever"}, {"export_events": "ndjson"}])
async def test_what_was_left_half_written_goes_also_when_nothing_is_exported_any_more(
    changed: dict[str, str], log: Log, settings: Settings
) -> None:
    settings.exports.mkdir()
    (settings.exports / f"{RETENTION}events_20260501T120000Z").write_text("what somebody did")
    (settings.exports / "mine").write_text("kept")
    await retention(log.store, with_(settings, **changed)).forget()
    assert files(settings.exports) == ["mine"]


# -- snapshots -------------------------------------------------------------------------------------------------------


async def snapshots(log: Log) -> list[int]:
    """Log times of the snapshots there are, as hours before NOW, newest first."""
    return [(NOW - one.log_time) // HOUR for one in await log.store.snapshots(0)]


async def test_before_anything_goes_there_is_a_snapshot(log: Log, settings: Settings) -> None:
    await log.write(NOW - KEEP - 1, ["old"])
    await log.put_profiles(NOW - HOUR)
    assert (await retention(log.store, settings).forget())["events"] == 1
    assert await snapshots(log) == [1]
    [snapshot] = await log.store.snapshots(0)
    parts: list[SnapshotPart] = [part async for part in log.store.snapshot_parts(snapshot)]
    assert [profile.key for part in parts for _, profile in part.profiles] == ["n:0"]


async def test_where_nothing_goes_none_is_taken(log: Log, settings: Settings) -> None:
    await log.write(NOW - KEEP, ["young"])
    await retention(log.store, settings).forget()
    assert await snapshots(log) == []


@pytest.mark.parametrize(("age", "taken"), [(KEEP // 4, False), (KEEP // 4 + 1, True)])
async def test_one_is_new_enough_up_to_a_quarter_of_the_age(age: int, taken: bool, log: Log, settings: Settings) -> None:
    await log.write(NOW - KEEP - 1, ["old"])
    await log.put_profiles(NOW - age)
    known = await log.store.take_snapshot(0)
    await log.put_profiles(NOW)
    assert (await retention(log.store, settings).forget())["events"] == 1
    assert known in await log.store.snapshots(0)
    assert len(await log.store.snapshots(0)) == 1 + taken


async def test_they_are_kept_as_long_as_the_log_behind_them(log: Log, settings: Settings) -> None:
    """An event an hour, for two days; the log holds eight hours."""
    for hour in range(48, -1, -1):
        await log.write(NOW - hour * HOUR, [f"e{hour}"])
        await retention(log.store, settings, NOW - hour * HOUR).forget()
    assert await snapshots(log) == [0, 3, 6]
    assert await log.left() == [f"e{hour}" for hour in range(8, -1, -1)]


async def test_the_newest_two_stay_however_old_they_are(log: Log, settings: Settings) -> None:
    for ago in (40, 30, 20):
        await log.write(NOW - ago * HOUR, ["e"])
        await log.store.take_snapshot(0)
    assert (await retention(log.store, settings).forget())["events"] == 3
    assert await snapshots(log) == [20, 30]


async def test_steps_are_small_however_much_there_is(log: Log, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two steps everybody else has a turn; what one of them asks of the writer is bounded."""
    await log.put_profiles(NOW - KEEP - 2 * HOUR, 3_000)
    await log.write(NOW - KEEP - HOUR, [f"e{number}" for number in range(2 * AT_ONCE + 1)])
    for ago in (11, 10, 9):
        await log.put_profiles(NOW - ago * HOUR)
        await log.store.take_snapshot(0)
    asked: list[tuple[str, int]] = []

    def noted(name: str, place: int) -> None:
        work = getattr(log.store, name)

        async def ask(*given: Any) -> Any:
            asked.append((name, given[place]))
            return await work(*given)

        monkeypatch.setattr(log.store, name, ask)

    noted("forget", 2)
    noted("forget_snapshots", 2)
    noted("log_page", 3)
    rested: list[float] = []

    async def rest(seconds: float) -> None:
        rested.append(seconds)

    await retention(log.store, with_(settings, export_events="ndjson"), sleep=rest).forget()
    assert {name: max(size for other, size in asked if other == name) for name, _ in asked} == {
        "forget": AT_ONCE,
        "forget_snapshots": 8,
        "log_page": exporting.PAGE,
    }
    removing = sum(name.startswith("forget") for name, _ in asked)
    assert len(rested) >= removing - len(("explanations", "deliveries", "runs", "events", "snapshots"))
