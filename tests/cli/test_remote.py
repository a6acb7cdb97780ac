"""Commands against a server over HTTP: what they ask, what they print, how they fail."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Asked, Cli, FakeServer, Result

from clarion.contract.errors import forbidden, key_unknown, not_found, too_many_requests, unavailable

KEY = "clk_" + "x" * 38
WORKFLOW: dict[str, Any] = {"workflow": "reminder", "name": "Reminder", "version": 3, "status": "active", "changed": 1_790_000_000_000_000}
EVENT: dict[str, Any] = {
    "sequence": 5,
    "log_time": 1_790_000_000_000_000,
    "event_id": "0" * 32,
    "event_name": "add_to_cart",
    "device_token_hash": None,
    "profile_id": "user-1",
    "data": {"price": 9.5},
    "timestamp": None,
    "received": 1_790_000_000_000_000,
}


@pytest.fixture
def remote(cli: Cli, server: FakeServer) -> Cli:
    def call(*arguments: object) -> Result:
        return cli(*arguments, "--server", server.url, "--key", KEY)

    return call


def only(server: FakeServer) -> Asked:
    [asked] = server.asked
    assert asked.headers["Api-Key"] == KEY
    return asked


def test_sends_an_event(remote: Cli, server: FakeServer) -> None:
    server.say("POST", "/api/v1/events", {})
    sent = remote("events", "send", "add_to_cart", "--profile", "user-1", "price=9.5", "--event-id", "e-1")
    assert sent == (0, f"accepted — see: clarion events tail --server {server.url}\n", "")
    asked = only(server)
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {"event_name": "add_to_cart", "profile_id": "user-1", "event_id": "e-1", "data": {"price": 9.5}}


def test_sends_the_same_body_that_is_judged_locally(remote: Cli, server: FakeServer, cli: Cli, data: Path) -> None:
    server.say("POST", "/api/v1/events", {})
    arguments = ("events", "send", "e", "--profile", "p", '{"n": 1.0}')
    assert remote(*arguments).code == cli(*arguments, "--data", data).code == 0
    assert only(server).body == b'{"event_name":"e","profile_id":"p","data":{"n": 1.0}}'


def test_shows_events(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/log?limit=2", {"events": [EVENT], "cursor": "5"})
    assert remote("events", "tail", "--limit", "2", "--json").json == [EVENT]
    told = remote("events", "tail", "--limit", "2")
    assert told.out == f'2026-09-21T14:13:20.000Z  {EVENT["event_id"]}  add_to_cart  user-1  {{"price":9.5}}\n'


def test_an_answer_without_a_cursor_is_not_gone_on_from(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/log?limit=20", {"events": [EVENT]})
    failed = remote("events", "tail")
    assert (failed.code, failed.out) == (1, "")
    assert "gave no place to go on from in the log — use the command of the server's version" in failed.err


def test_what_came_from_outside_cannot_steer_the_terminal(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/log?limit=20", {"events": [EVENT | {"event_name": "a\x1b[2Jb\x9b\n"}], "cursor": "5"})
    told = remote("events", "tail")
    assert "  a\N{REPLACEMENT CHARACTER}[2Jb" in told.out
    assert "\x1b" not in told.out
    assert told.out.count("\n") == 1


def test_lists_and_shows_workflows(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/workflows", {"workflows": [WORKFLOW]})
    server.say("GET", "/api/v1/workflows/reminder", WORKFLOW | {"source": "workflow: reminder\n\tx\x1b", "document": {}})
    assert remote("workflows", "list", "--json").json == [WORKFLOW]
    assert remote("workflows", "list").out.splitlines()[1] == "reminder\tReminder\t3\tactive\t2026-09-21T14:13:20.000Z\t-"
    assert remote("workflows", "show", "reminder").out == "workflow: reminder\n    x\N{REPLACEMENT CHARACTER}\n"


def test_publishes_under_the_documents_own_slug(remote: Cli, server: FakeServer, tmp_path: Path) -> None:
    text = "workflow: reminder\nstart: {on: [{event: e}]}\nsteps: []\nname: ä\n"
    (tmp_path / "w.yaml").write_text(text, encoding="utf-8")
    server.say("PUT", "/api/v1/workflows/reminder", WORKFLOW | {"created": True})
    assert remote("workflows", "apply", tmp_path / "w.yaml") == (0, "reminder: version 3 is published\n", "")
    asked = only(server)
    assert asked.headers["Content-Type"] == "application/yaml"
    assert asked.body.decode() == text


def test_pauses_and_resumes(remote: Cli, server: FakeServer) -> None:
    server.say("POST", "/api/v1/workflows/reminder/pause", WORKFLOW | {"status": "paused"})
    server.say("POST", "/api/v1/workflows/reminder/resume", WORKFLOW)
    assert remote("workflows", "pause", "reminder").out == "reminder: paused\n"
    assert remote("workflows", "resume", "reminder", "--json").json == WORKFLOW
    assert remote("workflows", "resume", "reminder", "--skip-older-than", "1h").out == "reminder: active\n"
    assert [asked.body for asked in server.asked] == [b"{}", b"{}", b'{"skip_older_than":"1h"}']


def test_shows_profiles_by_either_name(remote: Cli, server: FakeServer) -> None:
    view = {"profile_id": "a/b é", "attributes": {"plan": "pro", "paid": True}, "segments": ["vip"], "created": 0, "runs": []}
    server.say("GET", "/api/v1/profiles/a%2Fb%20%C3%A9", view)
    server.say("GET", "/api/v1/subscribers/..%2Fx", view)
    assert remote("profiles", "show", "a/b é", "--json").json == view
    told = remote("profiles", "show", "--device", "../x")
    assert told.out == "profile a/b é, since 1970-01-01T00:00:00.000Z\n  plan = pro\n  paid = true\n  segments: vip\n"


def test_the_key_may_come_from_the_environment(cli: Cli, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_API_KEY", KEY)
    server.say("GET", "/api/v1/workflows", {"workflows": []})
    told = cli("workflows", "list", "--server", server.url + "/")
    assert told == (0, "", f"there is no workflow — run: clarion workflows apply --server {server.url}/ FILE\n")
    only(server)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--server", "http://127.0.0.1:1"), "--server needs an API key — give --key or set CLARION_API_KEY"),
        (("--server", "http://127.0.0.1:1", "--key", KEY, "--data", "x"), "--data and --server exclude each other"),
        (("--server", "http://127.0.0.1:1", "--key", KEY, "--site", "x"), "--site is for a local data directory"),
        (("--server", "127.0.0.1:1", "--key", KEY), "--server needs a URL — for example http://127.0.0.1:8080"),
        (("--server", "file:///etc/passwd", "--key", KEY), "--server needs a URL"),
        (("--server", "http://127.0.0.1:1", "--key", "a\r\nX: y"), "the API key holds characters that no key has"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    failed = cli("workflows", "list", *arguments)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (key_unknown(), "was not found or is incorrect. (HTTP 401) — give the key of this server's site"),
        (forbidden(), "This API key is not allowed to do that. (HTTP 403) — use a key with the scope"),
        (not_found(), "Not found. (HTTP 404) — check the URL, and that the server is as new as this command"),
        (too_many_requests(1), "(HTTP 429) — wait a moment"),
        (unavailable(1), "(HTTP 503) — try again"),
    ],
)
def test_a_refusal_says_what_to_do(remote: Cli, server: FakeServer, refusal: Any, message: str) -> None:
    server.say("GET", "/api/v1/workflows", refusal.encode(), refusal.status)
    failed = remote("workflows", "list")
    assert (failed.code, failed.out) == (1, "")
    assert message in failed.err
    assert failed.err.count("\n") == 1
    assert KEY not in failed.err


def test_every_problem_of_a_request_is_shown(remote: Cli, server: FakeServer) -> None:
    said = server.error(400, "Invalid data", 1003, ("event_name is required", ["event_name"]), ("profile_id is empty", ["profile_id"]))
    server.say("POST", "/api/v1/events", said, 400)
    assert remote("events", "send", "e").err == (
        "error: event_name is required\nerror: profile_id is empty (HTTP 400) — correct it and try again\n"
    )


def test_what_is_not_there_is_told_as_locally(remote: Cli, server: FakeServer, cli: Cli, data: Path) -> None:
    said = server.error(404, "Not found.", 1004, ("there is no workflow nosuch — see: clarion workflows list", []))
    server.say("GET", "/api/v1/workflows/nosuch", said, 404)
    here, there = cli("workflows", "show", "nosuch", "--data", data), remote("workflows", "show", "nosuch")
    assert here == (1, "", f"error: there is no workflow nosuch — see: clarion workflows list --data {data}\n")
    assert there == (1, "", f"error: there is no workflow nosuch (HTTP 404) — see: clarion workflows list --server {server.url}\n")


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b'{"data":1}', b'{"error_code":0}', b"\xff", b"[" * 100_000])
def test_an_answer_of_something_else_is_told(remote: Cli, server: FakeServer, said: bytes) -> None:
    server.say("GET", "/api/v1/workflows", said)
    assert remote("workflows", "list").err == f"error: {server.url} gave an answer that is not Clarion's — check the URL\n"


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b'{"error":1}', b'{"error":{"message":1}}', b'{"error":{"details":[1]}}'])
def test_a_refusal_of_something_else_is_told(remote: Cli, server: FakeServer, said: bytes) -> None:
    server.say("GET", "/api/v1/workflows", said, 502)
    assert remote("workflows", "list").err == f"error: {server.url} answered 502 without Clarion's error — check the URL\n"


def test_a_redirect_is_not_followed_with_the_key(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/workflows", b"", 307, {"Location": server.url + "/elsewhere"})
    failed = remote("workflows", "list")
    assert failed.code == 1
    assert "answered 307" in failed.err
    assert [asked.path for asked in server.asked] == ["/api/v1/workflows"]


def test_a_server_that_is_not_there_is_told(cli: Cli, server: FakeServer) -> None:
    url = server.url
    server.close()
    failed = cli("workflows", "list", "--server", url, "--key", KEY)
    assert failed.code == 1
    assert failed.err.startswith(f"error: {url} does not answer: ")
    assert failed.err.endswith("Connection refused — check the URL, and that the server is running\n")
