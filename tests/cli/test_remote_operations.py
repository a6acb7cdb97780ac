"""What the commands for drafts, runs and set-aside inputs ask of a server."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli, FakeServer, Result

KEY = "clk_" + "x" * 38
DRAFT: dict[str, Any] = {
    "workflow": "reminder",
    "saved": 1,
    "valid": True,
    "problems": [],
    "document": {},
    "source": "workflow: reminder\n",
}
WORKFLOW: dict[str, Any] = {"workflow": "reminder", "name": "Reminder", "version": 3, "status": "active", "changed": 1, "created": True}
RUN: dict[str, Any] = {"run_id": "r/1", "workflow": "reminder", "status": "waiting", "profile_id": "ann", "change": "stop"}
ASIDE: dict[str, Any] = {"id": "e/1", "kind": "event", "at": 1, "error": "no", "body": {}}
PLAN: dict[str, Any] = {
    "workflow": "reminder",
    "version": 2,
    "unchanged": False,
    "parts": [],
    "steps": {"added": [], "removed": ["day"], "changed": ["hour"], "reordered": True},
    "in_flight": 6,
    "runs": {"keep": {"finish": 6}, "move": {"go_on": 3, "exit": 3, "exit_by_step": {"day": 2, "": 1}}, "end": {"exit": 6}},
}
DOCUMENT = "workflow: reminder\nstart: {on: [{event: e}]}\nsteps: []\n"


@pytest.fixture
def remote(cli: Cli, server: FakeServer) -> Cli:
    def call(*arguments: object) -> Result:
        return cli(*arguments, "--server", server.url, "--key", KEY)

    return call


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "reminder.yaml"
    path.write_text(DOCUMENT)
    return path


ASKED: list[tuple[tuple[str, ...], str, str, object, str]] = [
    (
        ("workflows", "publish", "reminder", "--runs", "end"),
        "POST",
        "workflows/reminder/publish",
        {"runs": "end"},
        "version 3 is published",
    ),
    (("workflows", "discard", "a/b"), "DELETE", "workflows/a%2Fb/draft", None, "the draft is discarded"),
    (("workflows", "duplicate", "reminder", "new"), "POST", "workflows/reminder/duplicate", {"workflow": "new"}, "the draft is saved"),
    (("workflows", "show", "reminder", "--draft"), "GET", "workflows/reminder/draft", None, "workflow: reminder"),
    (("workflows", "drain", "reminder"), "POST", "workflows/reminder/drain", {}, "reminder: active"),
    (
        ("workflows", "drain", "reminder", "--skip-older-than", "1h"),
        "POST",
        "workflows/reminder/drain",
        {"skip_older_than": "1h"},
        "reminder: active",
    ),
    (("workflows", "activate", "reminder"), "POST", "workflows/reminder/activate", {}, "reminder: active"),
    (("workflows", "archive", "reminder"), "POST", "workflows/reminder/archive", {}, "reminder: active"),
    (("runs", "show", "r/1"), "GET", "runs/r%2F1", None, "run id: r/1"),
    (("runs", "stop", "r/1"), "POST", "runs/r%2F1/stop", {}, "r/1: the engine is told to stop it"),
    (("runs", "retry", "r/1", "--reason", "why"), "POST", "runs/r%2F1/retry", {"reason": "why"}, "the engine is told"),
    (("runs", "move", "r/1", "--step", "hour"), "POST", "runs/r%2F1/move", {"step": "hour"}, "the engine is told"),
    (("poisoned", "retry", "e/1"), "POST", "poisoned/e%2F1/retry", {}, "e/1: the event is tried again"),
    (("poisoned", "discard", "e/1"), "DELETE", "poisoned/e%2F1", None, "e/1: the event is discarded"),
    (("sites", "set", "--frequency-cap", "3/1d"), "PATCH", "site", {"frequency_cap": {"pushes": 3, "per": "1d"}}, "site id"),
    (("sites", "set", "--frequency-cap", "none"), "PATCH", "site", {"frequency_cap": None}, "site id"),
]


@pytest.mark.parametrize(
    ("arguments", "method", "path", "body", "said"), ASKED, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_asks_the_server(
    remote: Cli, server: FakeServer, arguments: tuple[str, ...], method: str, path: str, body: object, said: str
) -> None:
    answer = WORKFLOW | DRAFT | RUN | ASIDE | {"site_id": 1, "status": "active", "kind": "event"}
    server.say(method, f"/api/v1/{path}", answer)
    done = remote(*arguments)
    assert (done.code, done.err) == (0, "")
    assert said in done.out
    [asked] = server.asked
    assert (json.loads(asked.body) if asked.body else None) == body
    assert asked.headers["Api-Key"] == KEY


def test_documents_are_sent_as_they_are(remote: Cli, server: FakeServer, document: Path) -> None:
    server.say("PUT", "/api/v1/workflows/reminder/draft", DRAFT)
    server.say("PUT", "/api/v1/workflows/reminder?runs=move", WORKFLOW)
    server.say("POST", "/api/v1/workflows/plan", PLAN)
    assert remote("workflows", "draft", document).out == "reminder: the draft is saved\n"
    assert remote("workflows", "apply", document, "--runs", "move").out == "reminder: version 3 is published\n"
    said = remote("workflows", "plan", document).out.splitlines()
    assert said[1:] == [
        "  steps removed: day",
        "  steps changed: hour",
        "  steps follow each other in another order",
        "  runs in flight: 6",
        "    --runs keep: 6 finish on their version",
        "    --runs move: 3 go on, 3 exit because their step is gone: day 2, (none) 1",
        "    --runs end: 6 end",
    ]
    assert [asked.body.decode() for asked in server.asked] == [DOCUMENT] * 3
    assert {asked.headers["Content-Type"] for asked in server.asked} == {"application/yaml"}


def test_lists(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/runs?workflow=a%2Fb&status=waiting&limit=5", {"runs": [RUN]})
    server.say("GET", "/api/v1/poisoned?limit=20", {"poisoned": [ASIDE]})
    server.say("GET", "/api/v1/workflows/reminder/counters?period=day&since=2026-01-01T00%3A00%2B01%3A00", {"counters": []})
    assert remote("runs", "list", "--workflow", "a/b", "--status", "waiting", "--limit", "5", "--json").json == [RUN]
    assert remote("poisoned", "list", "--json").json == [ASIDE]
    asked = ("workflows", "counters", "reminder", "--period", "day", "--since", "2026-01-01T00:00+01:00")
    assert remote(*asked, "--json").json == {"counters": []}


def test_what_cannot_be_done_is_told_once(remote: Cli, server: FakeServer) -> None:
    said = server.error(409, "Not possible as things stand.", 1009, ("reminder is archived and cannot be paused — publish it", []))
    server.say("POST", "/api/v1/workflows/reminder/pause", said, 409)
    assert remote("workflows", "pause", "reminder").err == "error: reminder is archived and cannot be paused (HTTP 409) — publish it\n"


def test_the_key_decides_the_site(cli: Cli, server: FakeServer) -> None:
    failed = cli("sites", "set", "default", "--timezone", "UTC", "--server", server.url, "--key", KEY)
    assert failed.code == 2
    assert server.asked == []
