"""`clarion events` and `clarion profiles`, with the engine's part done by hand."""

import asyncio
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from tests.cli.conftest import Cli
from tests.e2e.engines import ENGINES

from clarion.cli.events import _follow
from clarion.config import load_settings
from clarion.domain.records import Event
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import Entry, EntryKind
from clarion.stores import open_store


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def inbox(data: Path) -> list[Entry]:
    async def take() -> list[Entry]:
        store = open_store(load_settings(data, os.environ))
        await store.open()
        try:
            return (await store.take(0, 100, 0, 0)).entries
        finally:
            await store.close()

    return [entry for entry in asyncio.run(take()) if entry.kind is EntryKind.EVENT]


def events(data: Path) -> list[Event]:
    return [msgspec.json.decode(entry.body, type=Event) for entry in inbox(data)]


def test_an_event_is_in_the_inbox_as_over_http(cli: Cli, data: Path) -> None:
    sent = cli(
        "events", "send", "add_to_cart", "--data", data, "--profile", "user-1", "--device", "d-1", "price=9.50", "gift=true", "zip=01234"
    )
    [event] = events(data)
    assert sent == (0, f"accepted as {event.id} — see: clarion explain --data {data} {event.id}\n", "")
    assert (event.name, event.profile_id, event.device_token_hash) == ("add_to_cart", "user-1", "d-1")
    assert msgspec.json.decode(event.data) == {"price": 9.5, "gift": True, "zip": "01234"}
    [entry] = inbox(data)
    assert entry.id == event.id
    assert entry.received == event.received > 0


def test_data_may_be_one_json_object(cli: Cli, data: Path) -> None:
    sent = cli("events", "send", "e", "--data", data, "--profile", "p", '{"n": 12345678901234567890123}', "--json").json
    [event] = events(data)
    assert sent == {"event_id": event.id}
    assert bytes(event.data) == b'{"n":12345678901234567890123}'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("e",), "device_token_hash or profile_id is required"),
        (("PushEngage.x", "--profile", "p"), "event_name"),
        (("e", "--profile", "p", "a b=1"), "data"),
        (("e", "--profile", "p", '{"a":null}'), "data"),
        (("e", "--profile", "p", "{"), "must be valid JSON"),
        (("e", "--profile", "p", "--timestamp", "yesterday"), "timestamp must be"),
        (("e", "--profile", "x" * 256), "profile_id"),
        (("e", "--profile", "p", "a=" + "x" * 70_000), "at most 65536 bytes"),
    ],
)
def test_what_http_refuses_is_refused_here(cli: Cli, data: Path, arguments: tuple[str, ...], message: str) -> None:
    failed = cli("events", "send", "--data", data, *arguments)
    assert (failed.code, failed.out) == (1, "")
    assert message in failed.err
    assert failed.err.endswith(" — correct it and try again\n")
    assert failed.err.count("\n") == 1
    assert inbox(data) == []


def test_an_event_id_is_one_event(cli: Cli, data: Path) -> None:
    send = ("events", "send", "paid", "--data", data, "--profile", "p", "--event-id", "order-1")
    assert cli(*send, "total=5").out.startswith("accepted as ")
    # which event that was is not known
    assert cli(*send, "total=5.0") == (0, f"accepted — see: clarion events tail --data {data}\n", "")
    assert cli(*send, "total=5.0", "--json").json == {}
    failed = cli(*send, "total=6")
    assert failed.code == 1
    assert "event_id was already used with different content" in failed.err
    assert len(inbox(data)) == 1


def test_json_as_the_data_directory_is_explained(cli: Cli) -> None:
    failed = cli("events", "send", "e", "--profile", "p", "--data", '{"a":1}')
    assert failed.code == 2
    assert "--data is the data directory — give the event's data as key=value pairs" in failed.err


def apply_inbox(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a running server's engine does with it."""

    async def work() -> None:
        store = open_store(load_settings(data, os.environ))
        await store.open()
        clock = iter(range(1_790_000_000_000_000, 1_791_000_000_000_000))
        owner = Owner(store, 0, lambda: next(clock), fresh_id)
        committed, commit = asyncio.Event(), store.commit

        async def commit_and_say_so(outcome: Outcome) -> None:
            await commit(outcome)
            committed.set()

        monkeypatch.setattr(store, "commit", commit_and_say_so)
        await owner.start()
        while (await store.take(0, 1, 0, 1)).entries:
            await committed.wait()
            committed.clear()
        await owner.stop()
        await store.close()

    asyncio.run(work())


def test_applied_events_are_in_the_log_and_in_the_profile(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        cli("events", "send", "add_to_cart", "--data", data, "--profile", "user-1", f"n={number}")
    apply_inbox(data, monkeypatch)
    tail = cli("events", "tail", "--data", data, "--json").json
    assert [event["data"] for event in tail] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [event["event_name"] for event in tail] == ["add_to_cart"] * 3
    assert [event["sequence"] for event in tail] == sorted(event["sequence"] for event in tail)
    assert len(cli("events", "tail", "--data", data, "--limit", "1", "--json").json) == 1
    first, *_ = cli("events", "tail", "--data", data).out.splitlines()
    assert f"  {tail[0]['event_id']}  add_to_cart  user-1  " in first

    profile = cli("profiles", "show", "user-1", "--data", data, "--json").json
    assert profile["profile_id"] == "user-1"
    assert [(run["workflow"], run["status"]) for run in profile["runs"]] == [("welcome", "waiting")]
    shown = cli("profiles", "show", "user-1", "--data", data)
    assert shown.code == 0
    assert "profile user-1, since " in shown.out
    assert "welcome" in shown.out


def test_an_unknown_profile_is_told(cli: Cli, data: Path) -> None:
    for named in (("nobody",), ("--device", "nothing")):
        failed = cli("profiles", "show", *named, "--data", data)
        assert (failed.code, failed.out) == (1, "")
        assert failed.err.startswith("error: there is no such ")
        assert failed.err.endswith(f" — see: clarion events tail --data {data}\n")


@pytest.mark.parametrize("named", [(), ("p", "--device", "d")])
def test_exactly_one_profile_has_to_be_named(cli: Cli, data: Path, named: tuple[str, ...]) -> None:
    failed = cli("profiles", "show", *named, "--data", data)
    assert failed.code == 2
    assert "give either PROFILE_ID or --device HASH" in failed.err


class Log:
    """A log that grows while somebody waits for it."""

    def __init__(self) -> None:
        self.rows = [{"sequence": 4}, {"sequence": 7}]
        self.asked: list[tuple[str, int]] = []

    def events(self, after: str, limit: int) -> tuple[list[dict[str, int]], str]:
        self.asked.append((after, limit))
        rows = [row for row in self.rows if row["sequence"] > _place(after)][:limit] if after else self.rows[-limit:]
        return rows, f"after {rows[-1]['sequence']}" if rows else after or "0"


def _place(cursor: str) -> int:
    return int(cursor.removeprefix("after "))


def test_following_goes_on_where_it_was_and_pauses_only_when_there_is_nothing() -> None:
    log = Log()
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1
        log.rows.append({"sequence": 7 + pauses})

    followed: Iterator[dict[str, int]] = iter(_follow(log, 2, pause))  # type: ignore[arg-type] # a log is all that it needs
    assert [row["sequence"] for row in islice(followed, 5)] == [4, 7, 8, 9, 10]
    assert pauses == 3
    assert log.asked[:2] == [("", 2), ("after 7", 100)]


def test_following_an_empty_log_begins_at_its_beginning() -> None:
    log = Log()
    log.rows = []
    followed = iter(_follow(log, 2, lambda: log.rows.append({"sequence": 1})))  # type: ignore[arg-type] # a log is all that it needs
    assert next(iter(followed)) == {"sequence": 1}
