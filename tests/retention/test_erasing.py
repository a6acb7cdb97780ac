"""Nothing of a person who was erased is left: in the log, beside it, in snapshots, in exported files; and nobody else loses anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.retention.log import NOW, Log, lines, manifests, open_log

from clarion.clock import HOUR
from clarion.config import Settings
from clarion.domain.ids import digest
from clarion.domain.records import Event, Profile, Subscriber
from clarion.retention import erased_files
from clarion.retention.erased_files import erase_from_files
from clarion.retention.erasing import DONE, PAGE, RUNNING, Erasing, erasure_entries, erasure_job
from clarion.retention.exporting import Exporter
from clarion.retention.files import FORMATS, put_in_place
from clarion.retention.naming import Named
from clarion.retention.pace import Pace
from clarion.store.port import Store, StoreUnavailable
from clarion.store.records.bodies import Erasure
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import EntryKind, IdempotencyClaim, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import EntryMemory, RunRow

JOB = digest("job")
ANN = ("n:ann", "a:phone")
SECRET = b"Ann lives in Lima"


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with open_log(Settings(data=tmp_path / "data")) as opened:
        yield opened


def erasing(log: Log, exports: Path) -> Erasing:
    return Erasing(log.store, exports, lambda: NOW + HOUR, Pace(no_sleep))


async def put_job(log: Log, profiles: tuple[str, ...] = ANN, subscribers: tuple[str, ...] = ("phone",), id: str = JOB) -> None:
    await log.store.put_job(erasure_job(1, id, profiles, subscribers, NOW))


async def apply(log: Log, kind: EntryKind, body: Any, profile: str = "", *, site: int = 1, name: str = "x", at: int = NOW) -> None:
    """An entry that the engine applied to a profile."""
    await log.store.append([NewEntry(kind, site, digest(name), msgspec.json.encode(body), at)])
    [entry] = (await log.store.take(0, 10, 0, 0)).entries
    log.state = msgspec.structs.replace(log.state, sequence=log.state.sequence + 1, log_time=at)
    await log.store.commit(Outcome(log.state, moved=[LogMove(entry.position, log.state.sequence, at, profile)]))


async def apply_erasure(log: Log, id: str = JOB, site: int = 1) -> None:
    await apply(log, EntryKind.ERASE, Erasure(ANN, ("phone",), id), site=site, name=f"erase {id}")


async def apply_waiting(log: Log) -> None:
    """What waits in the inbox is applied, to nobody."""
    entries = (await log.store.take(0, 100, 0, 0)).entries
    moved = [LogMove(one.position, log.state.sequence + place, NOW, "") for place, one in enumerate(entries, 1)]
    log.state = msgspec.structs.replace(log.state, sequence=log.state.sequence + len(moved), log_time=NOW)
    await log.store.commit(Outcome(log.state, moved=moved))


async def rows(log: Log) -> list[tuple[str, bytes, str]]:
    return [(row.kind, bytes(row.body), row.profile) for row in await log.store.log_page(0, 0, NOW + HOUR, 10_000)]


def told(name: str = "e") -> Event:
    return Event(digest(name), name, profile_id="ann", data=msgspec.Raw(b'{"where":"' + SECRET + b'"}'), received=NOW)


# -- the log ---------------------------------------------------------------------------------------------------------


async def test_what_was_about_the_person_leaves_a_tombstone_and_the_rest_stays(log: Log, tmp_path: Path) -> None:
    await apply(log, EntryKind.EVENT, told(), "n:ann")
    await apply(log, EntryKind.SUBSCRIBER, {"device_token_hash": "phone", "endpoint": "https://push.example/1"}, "a:phone")
    await log.write(NOW, ["bobs"], person="bob")
    await apply(log, EntryKind.OUTCOME, {"profile": "n:ann", "reason": "x"}, "n:ann")
    await apply(log, EntryKind.EVENT, {"name": "lost", "device_token_hash": "phone"})  # before it was known: applied to nobody
    await apply(log, EntryKind.EVENT, {"name": "lost", "device_token_hash": "tablet"})
    await apply_erasure(log)
    before = {row.id for row in await log.store.log_page(0, 0, NOW + HOUR, 100)}
    await put_job(log)
    assert await erasing(log, tmp_path / "exports").work() == 1
    blank = (EntryKind.ERASED, b"null", "")
    kept = await rows(log)
    assert [row == blank for row in kept] == [True, True, False, True, True, False, True]
    assert [kind for kind, _, _ in kept if kind != EntryKind.ERASED] == ["event", "event"]
    assert {row.id for row in await log.store.log_page(0, 0, NOW + HOUR, 100)} == before
    assert await log.store.events_about(1, ["n:ann"], 10) == []
    assert len(await log.store.events_about(1, ["n:bob"], 10)) == 1


async def test_what_came_after_is_of_a_new_person(log: Log, tmp_path: Path) -> None:
    await apply(log, EntryKind.EVENT, told("before"), "n:ann")
    await apply_erasure(log)
    await apply(log, EntryKind.EVENT, told("after"), "n:ann")
    await put_job(log)
    assert await erasing(log, tmp_path).work() == 1
    assert [kind for kind, _, _ in await rows(log)] == ["erased", "erased", "event"]


async def test_another_sites_person_of_the_same_name_stays(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["theirs"], site=2)
    await apply_erasure(log, site=2)
    await log.write(NOW, ["ours"])
    await apply_erasure(log)
    await put_job(log)
    assert await erasing(log, tmp_path).work() == 1
    assert [kind for kind, _, _ in await rows(log)] == ["event", "erase", "erased", "erased"]


async def test_it_waits_for_the_engine_and_goes_on_where_it_was(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, [f"e{number}" for number in range(PAGE + 1)])
    await put_job(log)
    assert await erasing(log, tmp_path).work() == 0
    job = await log.store.job(1, JOB)
    assert job.status == RUNNING
    assert msgspec.json.decode(job.body)["reached"] == {"0": PAGE + 1}
    await apply_waiting(log)  # who works the job off has put the entry
    assert await erasing(log, tmp_path).work() == 1
    assert {kind for kind, _, _ in await rows(log)} == {"erased"}
    assert (await log.store.job(1, JOB)).status == DONE
    assert await erasing(log, tmp_path).work() == 0


async def test_in_the_end_the_job_does_not_say_who_it_was(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["a", "b"])
    await apply_erasure(log)
    await put_job(log)
    await erasing(log, tmp_path).work()
    assert msgspec.json.decode((await log.store.job(1, JOB)).body) == {"log_entries": 3}  # with the ERASE entry itself


async def test_an_erasure_without_entries_gets_them_and_one_that_has_them_gets_no_others(log: Log, tmp_path: Path) -> None:
    await log.write(NOW, ["a"])
    await put_job(log)
    one = erasing(log, tmp_path)
    for _ in range(2):
        assert await one.work() == 0
    job = await log.store.job(1, JOB)
    await log.store.append(erasure_entries(job, 1))  # who has asked for it comes later than who works it off
    [entry] = (await log.store.take(0, 10, 0, 0)).entries
    assert msgspec.json.decode(entry.body, type=Erasure) == Erasure(ANN, ("phone",), JOB)
    await apply_waiting(log)
    assert await one.work() == 1
    assert {kind for kind, _, _ in await rows(log)} == {"erased"}


class Breaking:
    """A store whose process ends behind one of the calls that write."""

    WRITING: Final = ("append", "put_job", "blank", "erase_about", "take_back", "rewrite_snapshot", "overwrite_deleted")

    def __init__(self, store: Store, calls: int) -> None:
        self._store, self.calls = store, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in self.WRITING:
            return found

        async def write(*given: Any) -> Any:
            done = await found(*given)
            self.calls -= 1
            if self.calls == 0:
                raise StoreUnavailable("it has ended")
            return done

        return write


async def test_it_can_be_broken_off_anywhere(tmp_path: Path) -> None:
    """Behind each call that writes, until there are no more of them."""
    for calls in range(1, 100):
        async with open_log(Settings(data=tmp_path / str(calls))) as log:
            await log.write(NOW, [f"e{number}" for number in range(3)])
            await log.write(NOW, ["bobs"], person="bob")
            await log.store.commit(Outcome(log.state, profiles=[(1, Profile("n:ann")), (1, Profile("n:bob"))]))
            await log.store.take_snapshot(0)
            await log.store.commit(Outcome(log.state, explanations=[Explanation(1, "n:ann", "e", NOW, msgspec.Raw(b"{}"))]))
            await put_job(log)
            breaking = Breaking(log.store, calls)
            broken = Erasing(breaking, tmp_path, lambda: NOW + HOUR, Pace(no_sleep))
            for _ in range(5):
                with contextlib.suppress(StoreUnavailable):
                    await broken.work()
                await apply_waiting(log)
            assert await log.store.jobs(None, "erasure", RUNNING, 10) == []
            assert [kind for kind, _, _ in await rows(log)] == ["erased"] * 3 + ["event", "erased"]
            assert await log.store.explanations_about(1, list(ANN), None, 10) == []
            if breaking.calls > 0:
                return
    raise AssertionError("it never ends")


# -- beside the log --------------------------------------------------------------------------------------------------


async def test_explanations_claims_and_what_was_set_aside_go(log: Log, tmp_path: Path) -> None:
    say = msgspec.Raw(b"{}")
    claims = [IdempotencyClaim(target, "once", "c") for target in ("p:ann", "d:phone", "p:bob", "d:tablet")]
    await log.store.append([NewEntry(EntryKind.EVENT, 1, digest(one.target), b"{}", NOW, 0, one) for one in claims])
    set_aside = [
        Poisoned(digest("1"), 1, "event", msgspec.Raw(msgspec.json.encode(told())), NOW, "bad"),
        Poisoned(digest("2"), 1, "timer", msgspec.Raw(b'{"profile":"a:phone"}'), NOW, "bad"),
        Poisoned(digest("3"), 1, "event", msgspec.Raw(b'{"profile_id":"bob"}'), NOW, "bad"),
    ]
    explained = [Explanation(1, profile, "e", NOW, say) for profile in ("n:ann", "a:phone", "n:bob")]
    entries = (await log.store.take(0, 100, 0, 0)).entries
    moved = [LogMove(one.position, log.state.sequence + place, NOW, "") for place, one in enumerate(entries, 1)]
    log.state = msgspec.structs.replace(log.state, sequence=log.state.sequence + len(moved), log_time=NOW)
    await log.store.commit(Outcome(log.state, moved=moved, explanations=explained * 200, poisoned=set_aside))
    await apply_erasure(log)
    await put_job(log)
    assert await erasing(log, tmp_path).work() == 1
    assert await log.store.explanations_about(1, list(ANN), None, 10) == []
    assert len(await log.store.explanations_about(1, ["n:bob"], None, 1_000)) == 200
    assert [one.id for one in await log.store.poisoned(10)] == [digest("3")]
    again = [NewEntry(EntryKind.EVENT, 1, digest(f"again {one.target}"), b"{}", NOW, 0, one) for one in claims]
    assert [str(one) for one in await log.store.append(again)] == ["stored", "stored", "duplicate", "duplicate"]


async def test_snapshots_are_without_the_person(log: Log, tmp_path: Path) -> None:
    def run(profile: str) -> RunRow:
        return RunRow(digest(profile), 1, "w", 1, profile, None, "waiting", "s", NOW, False, NOW, None, None, msgspec.Raw(b"{}"))

    people = ["n:ann", "a:phone", "n:bob"]
    log.state = msgspec.structs.replace(log.state, log_time=NOW)
    await log.store.commit(
        Outcome(
            log.state,
            profiles=[(site, Profile(key, {"where": "Lima"})) for key in people for site in (1, 2)],
            subscribers=[(1, Subscriber(name, "n:ann", "https://push.example/1", "k", "a")) for name in ("phone", "laptop")],
            memory=[EntryMemory(1, "w", key, "", NOW, "r") for key in people],
            runs=[run(key) for key in people],
        )
    )
    taken = await log.store.take_snapshot(0)
    assert taken is not None
    await apply_erasure(log)
    await put_job(log)
    assert await erasing(log, tmp_path).work() == 1
    [snapshot] = await log.store.snapshots(0)
    assert snapshot.counts == {**taken.counts, "profiles": 4, "subscribers": 0, "memory": 1, "runs": 1}
    found = [part async for part in log.store.snapshot_parts(snapshot)]
    assert sorted((site, one.key) for part in found for site, one in part.profiles) == [
        (1, "n:bob"),
        (2, "a:phone"),
        (2, "n:ann"),
        (2, "n:bob"),
    ]
    assert [one.profile for part in found for one in part.memory] == ["n:bob"]
    assert [one.profile for part in found for one in part.runs] == ["n:bob"]
    assert [one for part in found for one in part.subscribers] == []


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", FORMATS)
async def test_exported_files_are_written_anew_with_their_manifest(file_format: str, log: Log, tmp_path: Path) -> None:
    out = tmp_path / "out"
    await log.write(NOW, ["a1"])
    await log.write(NOW, ["b1", "b2"], person="bob")
    await log.write(NOW, ["theirs"], site=2)
    await log.write(NOW, ["b3"], person="bob")
    exporter = Exporter(log.store, out, file_format, Pace(no_sleep), most_rows=3)
    await exporter.write(NOW, NOW + 1)
    names, others = sorted(path.name for path in out.iterdir()), (out / sorted(path.name for path in out.iterdir())[1]).read_bytes()
    await apply_erasure(log)
    await put_job(log)
    assert await erasing(log, out).work() == 1
    assert sorted(path.name for path in out.iterdir()) == names
    assert (out / names[1]).read_bytes() == others  # nothing of hers was in it
    [manifest] = manifests(out)
    assert [(file["events"], file["bytes"]) for file in manifest["files"]] == [
        (2, (out / names[0]).stat().st_size),
        (2, len(others)),
    ]
    assert manifest["events"] == 4
    if file_format == "ndjson":
        assert [line["name"] for line in lines(out)] == ["b1", "b2", "theirs", "b3"]
    else:
        from pyarrow import parquet  # type: ignore[import-untyped]  # it carries no types

        tables = [parquet.read_table(out / name) for name in names if name.endswith(".parquet")]
        assert [name for table in tables for name in table["name"].to_pylist()] == ["b1", "b2", "theirs", "b3"]
        assert str(tables[0].schema.field("log_time").type) == "timestamp[us, tz=UTC]"
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


@pytest.mark.parametrize("step", [1, 2])
async def test_broken_off_it_is_ended_by_doing_it_again(step: int, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, steps = tmp_path / "out", 0
    await log.write(NOW, ["a1"])
    await log.write(NOW, ["b1"], person="bob")
    await Exporter(log.store, out, "ndjson", Pace(no_sleep)).write(NOW, NOW + 1)
    place = put_in_place

    def stops(temporary: Path, final: Path) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            raise OSError("the machine stops here")
        place(temporary, final)

    monkeypatch.setattr(erased_files, "put_in_place", stops)
    person = Named(frozenset(ANN), frozenset({"phone"}))
    with pytest.raises(OSError, match="stops here"):
        erase_from_files(out, 1, person)
    erase_from_files(out, 1, person)
    assert [line["name"] for line in lines(out)] == ["b1"]
    [manifest] = manifests(out)
    [file] = manifest["files"]
    assert (manifest["events"], file["events"], file["bytes"]) == (1, 1, (out / file["name"]).stat().st_size)
    assert not list(out.glob(".*"))


async def test_without_files_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert erase_from_files(tmp_path / "none", 1, Named(frozenset(ANN))) == 0
