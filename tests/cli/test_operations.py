"""`clarion runs`, `clarion poisoned`, `clarion workflows counters` and `clarion sites set` on a local data directory."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.conftest import Cli, Result
from tests.e2e.engines import ENGINES
from tests.store.builders import NOW, Owner, run

from clarion.config import load_settings
from clarion.store.records.bodies import RunChange, SiteChange
from clarion.store.records.counters import Count
from clarion.store.records.entries import EntryKind
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import RunRow
from clarion.stores import open_store

RUN = run("a", workflow="welcome", state=msgspec.Raw(b'{"entry":{"id":"e1","name":"add_to_cart","data":{"price":5}},"since":7}'))
FAILED = run(
    "b", workflow="welcome", status="failed", due=None, started=NOW + 1, ended=NOW + 1, reason="step hour: no", profile="a:browser"
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def commit(data: Path, **fields: Any) -> None:
    """Have an engine leave something in a data directory."""

    async def work() -> None:
        store = open_store(load_settings(data, os.environ))
        await store.open()
        try:
            await (await Owner.of(store)).commit(**fields)
        finally:
            await store.close()

    asyncio.run(work())


def told(data: Path, kind: EntryKind, type_: type[Any]) -> Sequence[Any]:
    """What waits for the engine, of one kind."""

    async def work() -> Sequence[Any]:
        store = open_store(load_settings(data, os.environ))
        await store.open()
        try:
            entries = (await store.take(0, 100, 0, 0)).entries
            return [msgspec.json.decode(entry.body, type=type_) for entry in entries if entry.kind is kind]
        finally:
            await store.close()

    return asyncio.run(work())


@pytest.fixture
def ready(cli: Cli, data: Path) -> Cli:
    """Commands on a data directory with two runs."""
    commit(data, runs=[RUN, FAILED])

    def call(*arguments: object) -> Result:
        return cli(*arguments, "--data", data)

    return call


def ids(rows: Sequence[RunRow]) -> list[str]:
    return [row.id for row in rows]


def test_runs_are_listed_and_shown(ready: Cli, data: Path) -> None:
    assert [view["run_id"] for view in ready("runs", "list", "--json").json] == ids([FAILED, RUN])
    assert [view["run_id"] for view in ready("runs", "list", "--status", "waiting", "--workflow", "welcome", "--json").json] == ids([RUN])
    header, row = ready("runs", "list", "--limit", "1").out.splitlines()
    assert header.split("\t")[:5] == ["run id", "workflow", "version", "who", "status"]
    assert row.split("\t")[:5] == [FAILED.id, "welcome", "1", "browser", "failed"]
    shown = ready("runs", "show", RUN.id)
    assert shown.code == 0
    assert f"run id: {RUN.id}\nworkflow: welcome\n" in shown.out
    assert "held: false\n" in shown.out
    assert 'started by: add_to_cart (e1) {"price":5}\n' in shown.out
    assert ready("runs", "show", RUN.id, "--json").json["entry"]["event_name"] == "add_to_cart"
    assert ready("runs", "show", "missing") == (1, "", f"error: there is no run missing — see: clarion runs list --data {data}\n")
    assert ready("runs", "list", "--status", "running").err.startswith("error: status must be one of waiting")
    assert ready("runs", "list", "--status", "completed") == (0, "", "there is no completed run\n")
    assert ready("runs", "list", "--status", "exited", "--workflow", "welcome").err == "there is no exited run of welcome\n"


def test_runs_are_changed_through_the_inbox(ready: Cli, data: Path) -> None:
    assert ready("runs", "stop", RUN.id, "--reason", "asked for") == (0, f"{RUN.id}: the engine is told to stop it\n", "")
    assert ready("runs", "retry", FAILED.id, "--json").json["change"] == "retry"
    assert ready("runs", "move", RUN.id, "--step", "remind").code == 0
    stopped, retried, moved = told(data, EntryKind.RUN, RunChange)
    assert stopped == RunChange(RUN.id, "welcome", "stop", reason="asked for", profile=RUN.profile)
    assert retried == RunChange(FAILED.id, "welcome", "retry", profile=FAILED.profile)
    assert moved == RunChange(RUN.id, "welcome", "move", "remind", profile=RUN.profile)


def test_a_refusal_says_why(ready: Cli, data: Path) -> None:
    failed = ready("runs", "retry", RUN.id)
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith(f"error: run {RUN.id} is in flight: only a failed run can be retried")
    assert ready("runs", "move", RUN.id, "--step", "nowhere").err == (
        f"error: step nowhere is not in version 1 — see: clarion workflows show --data {data} welcome\n"
    )
    failed = ready("runs", "move", FAILED.id)
    assert failed.err.startswith(f"error: run {FAILED.id} has failed (step hour: no): only a run in flight can be moved — ")
    assert failed.err.endswith(f", run: clarion runs retry --data {data} {FAILED.id}\n")
    assert ready("runs", "stop", FAILED.id).err.endswith(f" — see: clarion runs list --data {data} --status waiting\n")
    assert told(data, EntryKind.RUN, RunChange) == []


def test_inputs_that_were_set_aside_are_dealt_with(ready: Cli, data: Path) -> None:
    aside = [Poisoned(id, 1, "event", msgspec.Raw(b'{"name":"x"}'), NOW, "ValueError:\x1b no") for id in ("e1", "e2")]
    commit(data, poisoned=aside)
    assert {view["id"]: view["body"] for view in ready("poisoned", "list", "--json").json} == {"e1": {"name": "x"}, "e2": {"name": "x"}}
    listed = ready("poisoned", "list").out
    assert "ValueError:\N{REPLACEMENT CHARACTER} no" in listed
    assert ready("poisoned", "retry", "e1") == (0, "e1: the event is tried again\n", "")
    assert ready("poisoned", "discard", "e2", "--json").json["id"] == "e2"
    assert ready("poisoned", "list") == (0, "", "nothing is set aside\n")
    assert ready("poisoned", "discard", "e1").err == f"error: no input e1 is set aside — see: clarion poisoned list --data {data}\n"
    assert told(data, EntryKind.EVENT, dict) == [{"name": "x"}]


def test_counters_are_shown(ready: Cli, data: Path) -> None:
    assert ready("workflows", "counters", "welcome") == (0, "", "nothing has been counted\n")
    hour = NOW - NOW % 3_600_000_000
    commit(data, counts=[Count(1, "welcome", 1, "", "value", "", hour, 2_500_000), Count(1, "welcome", 1, "wait", "left", "else", hour, 2)])
    assert ready("workflows", "counters", "welcome").out.splitlines() == [
        "version\tstep\tname\tbranch\tcount",
        "1\t-\tvalue\t-\t2.5",
        "1\twait\tleft\telse\t2",
    ]
    by_hour = ready("workflows", "counters", "welcome", "--period", "hour", "--since", "2025-06-15", "--until", "2025-06-16")
    assert by_hour.out.splitlines()[1] == "2025-06-15T15:00:00.000Z\t1\t-\tvalue\t-\t2.5"
    view = ready("workflows", "counters", "welcome", "--period", "day", "--since", "2025-06-15", "--until", "2025-06-16", "--json").json
    assert [row["count"] for row in view["counters"]] == [2.5, 2]
    assert ready("workflows", "counters", "welcome", "--since", "2025-06-15").err.startswith("error: since has no meaning for the total")
    assert ready("workflows", "counters", "welcome", "--period", "week").code == 2


def test_a_sites_settings_are_changed(ready: Cli, data: Path) -> None:
    made = ready("sites", "set", "default", "--timezone", "Europe/Berlin", "--frequency-cap", "3/1d", "--json").json
    assert (made["timezone"], made["frequency_cap"]) == ("Europe/Berlin", {"pushes": 3, "per": "1d"})
    assert "frequency cap\t3/1d\n" in ready("sites", "show").out
    assert "frequency cap\tnone\n" in ready("sites", "set", "--frequency-cap", "none").out
    own = ready("sites", "set", "--vapid-subject", "mailto:ops@shop.example", "--json").json
    assert (own["vapid_subject"], own["timezone"]) == ("mailto:ops@shop.example", "Europe/Berlin")
    cap = msgspec.json.decode(b'{"pushes": 3, "per": 86400000000}')
    assert [msgspec.to_builtins(change) for change in told(data, EntryKind.SITE, SiteChange)][1:] == [
        {"timezone": "Europe/Berlin", "frequency_cap": cap},
        {"timezone": "Europe/Berlin", "frequency_cap": None},
        {"timezone": "Europe/Berlin", "frequency_cap": None},
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "there is nothing to set"),
        (("--frequency-cap", "3"), 2, "--frequency-cap needs pushes/time"),
        (("--frequency-cap", "three/1d"), 2, "--frequency-cap needs pushes/time"),
        (("--frequency-cap", "0/1d"), 1, "frequency_cap.pushes must be a whole number from 1 to 100"),
        (("--frequency-cap", "1/91d"), 1, "frequency_cap.per must be at least 1m and at most 90d"),
        (("--vapid-subject", "nobody"), 1, "vapid_subject cannot be used — give a mailto:"),
        (("--timezone", "Mars/Olympus"), 1, "timezone Mars/Olympus is unknown"),
        (("nobody", "--timezone", "UTC"), 1, "there is no site nobody"),
    ],
)
def test_settings_that_cannot_be_are_refused(ready: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    failed = ready("sites", "set", *arguments)
    assert (failed.code, failed.out) == (code, "")
    assert failed.err.startswith(f"error: {message}")
