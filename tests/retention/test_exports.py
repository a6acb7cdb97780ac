"""Files of events: whole or not there, the same when they are written again, with a manifest that says what is in them."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.retention.log import NOW, Log, files, lines, manifests, open_log

from clarion.clock import HOUR
from clarion.config import Settings
from clarion.retention import exporting
from clarion.retention.exporting import OPERATOR, Exporter, clean
from clarion.retention.files import FORMATS, NdjsonFile, put_in_place, write_durably
from clarion.retention.pace import Pace
from clarion.retention.rows import exported
from clarion.store.records.entries import EntryKind, LogRow


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with open_log(Settings(data=tmp_path / "data")) as opened:
        yield opened


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


def exporter(log: Log, directory: Path, file_format: str = "ndjson", **options: Any) -> Exporter:
    return Exporter(log.store, directory, file_format, Pace(no_sleep), **options)


async def test_a_line_says_all_there_is_to_an_event(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["a"])
    await exporter(log, tmp_path / "out").write(NOW, NOW + 1)
    [line] = lines(tmp_path / "out")
    body = line.pop("body")
    assert line == {
        "site": 1,
        "partition": 0,
        "sequence": 1,
        "log_time": NOW,
        "id": body["id"],
        "name": "a",
        "profile": "n:ann",
        "data": {"n": 1.5},
        "timestamp": NOW - 5,
        "received": NOW,
    }
    assert body["profile_id"] == "ann"
    [file] = (tmp_path / "out").glob("*.gz")
    assert b'"n":1.50' in gzip.decompress(file.read_bytes())  # every digit


async def test_only_events_of_the_stretch_are_in_it(log: Log, tmp_path: Path) -> None:
    await log.write(NOW - 1, ["before"])
    await log.write(NOW, ["first"])
    await log.write(NOW + 1, ["outcome"], kind=EntryKind.OUTCOME)
    await log.write(NOW + 9, ["last"])
    await log.write(NOW + 10, ["behind"])
    await exporter(log, tmp_path / "out").write(NOW, NOW + 10)
    assert [line["name"] for line in lines(tmp_path / "out")] == ["first", "last"]


async def test_events_of_one_site_alone(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["mine"], site=1)
    await log.write(NOW, ["theirs"], site=2)
    await exporter(log, tmp_path / "out", site=2).write(NOW, NOW + 1)
    assert [line["name"] for line in lines(tmp_path / "out")] == ["theirs"]
    assert files(tmp_path / "out")[0].startswith("events_site2_20260501T120000Z_0-2_0-2.")


@pytest.mark.parametrize("file_format", FORMATS)
async def test_the_manifest_says_what_was_written(file_format: str, log: Log, tmp_path: Path) -> None:
    await log.write(NOW, [f"e{number}" for number in range(5)])
    out, suffix = tmp_path / "out", FORMATS[file_format][1]
    manifest = await exporter(log, out, file_format, most_rows=2).write(NOW, NOW + HOUR)
    names = [f"events_20260501T120000Z_0-{first}_0-{last}{suffix}" for first, last in ((1, 2), (3, 4), (5, 5))]
    assert files(out) == sorted([*names, "events_20260501T120000Z_20260501T130000Z.manifest.json"])
    assert manifests(out) == [msgspec.json.decode(msgspec.json.encode(manifest))]
    assert (manifest.start, manifest.end) == ("2026-05-01T12:00:00+00:00", "2026-05-01T13:00:00+00:00")
    assert (manifest.format, manifest.events) == (file_format, 5)
    for file, name, events in zip(manifest.files, names, (2, 2, 1), strict=True):
        content = (out / name).read_bytes()
        assert (file.name, file.events, file.bytes) == (name, events, len(content))
        assert file.sha256 == hashlib.sha256(content).hexdigest()


async def test_a_parquet_file_has_the_same_in_columns(log: Log, tmp_path: Path) -> None:
    from pyarrow import parquet  # type: ignore[import-untyped]  # it carries no types

    await log.write(NOW, ["a", "b"])
    out = tmp_path / "out"
    await exporter(log, out, "parquet").write(NOW, NOW + 1)
    await exporter(log, out, "ndjson").write(NOW, NOW + 1)
    [file] = out.glob("*.parquet")
    table = parquet.read_table(file)
    assert str(table.schema.field("log_time").type) == "timestamp[us, tz=UTC]"
    for row, line in zip(table.to_pylist(), lines(out), strict=True):
        assert msgspec.json.decode(row.pop("body")) == line.pop("body")
        assert msgspec.json.decode(row.pop("data")) == line.pop("data")
        for name in ("log_time", "received", "timestamp"):
            assert int(row.pop(name).timestamp()) == line.pop(name) // 1_000_000
        assert row == line


async def test_where_there_are_no_events_nothing_is_written(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["outcome"], kind=EntryKind.OUTCOME)
    manifest = await exporter(log, tmp_path / "out").write(0, NOW + 1)
    assert (manifest.events, manifest.files, files(tmp_path / "out")) == (0, [], [])


async def test_files_are_nobody_elses_to_read(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["a"])
    out = tmp_path / "deep" / "out"
    await exporter(log, out).write(NOW, NOW + 1)
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


# -- again, and broken off -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", FORMATS)
async def test_the_same_again_makes_the_same_files(file_format: str, log: Log, tmp_path: Path) -> None:
    await log.write(NOW, [f"e{number}" for number in range(5)])
    out = tmp_path / "out"
    await exporter(log, out, file_format, most_rows=2).write(NOW, NOW + 1)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    await exporter(log, out, file_format, most_rows=2).write(NOW, NOW + 1)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


class Stops(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("step", range(8))
async def test_broken_off_anywhere_it_is_made_whole_by_doing_it_again(
    step: int, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step that changes the directory, of three files and a manifest: written to disk, and put in place."""
    await log.write(NOW, [f"e{number}" for number in range(5)])
    out, steps = tmp_path / "out", 0

    def counted(work: Any) -> Any:
        def do(*given: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > step:
                raise Stops
            return work(*given)

        return do

    with monkeypatch.context() as patch:
        patch.setattr("clarion.retention.exporting.put_in_place", counted(put_in_place))
        patch.setattr("clarion.retention.exporting.write_durably", counted(write_durably))
        patch.setattr(NdjsonFile, "finish", counted(NdjsonFile.finish))
        # Nobody tidies up where the machine stops.
        patch.setattr(exporting._Stretch, "abandon", lambda stretch: stretch._file and stretch._file.abandon())
        with pytest.raises(Stops):
            await exporter(log, out, most_rows=2).write(NOW, NOW + 1)
    assert manifests(out) == []
    clean(out, OPERATOR)
    assert all(name.startswith("events_") for name in files(out))
    manifest = await exporter(log, out, most_rows=2).write(NOW, NOW + 1)
    assert [line["name"] for line in lines(out)] == [f"e{number}" for number in range(5)]
    assert len(files(out)) == len(manifest.files) + 1


async def test_cancelled_it_leaves_nothing_half_written(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, [f"e{number}" for number in range(exporting.PAGE + 1)])
    resting = asyncio.Event()

    async def rest(_: float) -> None:
        resting.set()
        await asyncio.Event().wait()

    work = asyncio.create_task(Exporter(log.store, tmp_path / "out", "ndjson", Pace(rest)).write(NOW, NOW + 1))
    await resting.wait()
    [half] = files(tmp_path / "out")
    assert half.startswith(OPERATOR)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("cleaned", [True, False])
async def test_one_that_stood_still_while_another_did_its_work_spoils_nothing(log: Log, tmp_path: Path, cleaned: bool) -> None:
    """It wakes up amid a stretch that the other has in the making."""
    await log.write(NOW, [f"e{number}" for number in range(exporting.PAGE + 1)])
    out, resting, goes_on = tmp_path / "out", [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]

    def resting_at(place: int) -> Pace:
        async def rest(_: float) -> None:
            resting[place].set()
            await goes_on[place].wait()

        return Pace(rest)

    old, new = (asyncio.create_task(Exporter(log.store, out, "ndjson", resting_at(place)).write(NOW, NOW + 1)) for place in (0, 1))
    await resting[0].wait()
    await resting[1].wait()
    if cleaned:
        for name in files(out)[:1]:
            (out / name).unlink()
    for event in goes_on:
        event.set()
    done = await asyncio.gather(old, new, return_exceptions=True)
    assert [type(one) for one in done].count(FileNotFoundError) == cleaned
    assert len(lines(out)) == exporting.PAGE + 1
    assert len(manifests(out)) == 1


async def test_progress_is_told(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, [f"e{number}" for number in range(exporting.PAGE + 1)])
    told: list[int] = []
    await exporter(log, tmp_path / "out", progress=told.append).write(NOW, NOW + 1)
    assert told == [exporting.PAGE, 1]


def test_a_body_that_cannot_be_read_is_exported_as_it_is() -> None:
    row = LogRow(1, 2, EntryKind.EVENT, 3, "id", msgspec.Raw(b'{"name":7}'), 4, "n:ann")
    event = exported(row)
    assert (event.name, bytes(event.data), event.timestamp, bytes(event.body)) == ("", b"null", None, b'{"name":7}')
