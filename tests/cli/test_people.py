"""Commands about people: on a local directory, and the same requests over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli, FakeServer


def test_profiles_are_imported_resumed_and_refused_rows_reported(cli: Cli, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = "".join(f'p{number},"line\n{number}"\n' for number in range(501))
    file.write_text("profile_id,attributes.text\n" + rows + ",nobody\n", encoding="utf-8")
    done = cli("profiles", "import", file, "--data", data, "--json")
    assert (done.code, done.json["status"]) == (1, "done")
    assert (done.json["detail"]["accepted"], done.json["detail"]["report"]) == (
        501,
        [{"row": 502, "field": "profile_id", "reason": "profile_id is required"}],
    )
    again = cli("profiles", "import", file, "--job", done.json["job_id"], "--data", data)
    assert "501 rows taken, 1 refused" in again.out
    [job] = cli("jobs", "list", "--kind", "import", "--data", data, "--json").json
    assert job["job_id"] == done.json["job_id"]
    assert cli("jobs", "show", job["job_id"], "--data", data).code == 0


def test_exports_are_new_files_that_only_their_owner_reads(cli: Cli, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    assert cli("subscribers", "export", file, "--addresses", "--data", data, "--json").json == {"file": str(file), "rows": 0}
    assert file.stat().st_mode & 0o777 == 0o600
    assert "exists already" in cli("subscribers", "export", file, "--data", data).err
    assert cli("profiles", "export", tmp_path / "out.xml", "--data", data).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("subscribers", "list"),
        ("profiles", "list", "--condition", '{"field": "profile.a", "op": "exists"}'),
        ("segments", "create", "vip", "--name", "VIP"),
        ("segments", "list"),
        ("segments", "members", "vip"),
        ("profiles", "set", "ann", '{"plan": "gold"}'),
        ("profiles", "unset", "ann", "plan"),
        ("profiles", "segments", "ann", "--add", "vip"),
        ("broadcasts", "send", "--everybody", "--push", '{"title": "T", "message": "M", "url": "https://shop.example/"}'),
        ("broadcasts", "list"),
        ("jobs", "list"),
        ("sites", "keys"),
        ("sites", "rotate-identity"),
        ("sites", "rotate-vapid", "--vapid-subject", "mailto:ops@shop.example"),
        ("sites", "set", "--origin", "https://shop.example", "--dangerous-unsigned-profiles"),
    ],
)
def test_commands_on_a_local_directory(cli: Cli, data: Path, arguments: tuple[str, ...]) -> None:
    for more in ((), ("--json",)):
        done = cli(*arguments, "--data", data, *more)
        assert done.code == 0 or "defined already" in done.err, done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("subscribers", "set", "nobody", "country=DE"),
        ("subscribers", "unsubscribe", "nobody"),
        ("profiles", "export-person", "nobody"),
        ("profiles", "erase", "nobody", "--yes"),
        ("segments", "set", "none", "--name", "N"),
        ("broadcasts", "show", "none"),
        ("broadcasts", "stop", "none"),
        ("jobs", "show", "none"),
        ("sites", "remove-key", "fcm"),
    ],
)
def test_what_is_not_there_fails_in_one_line(cli: Cli, data: Path, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments, "--data", data)
    assert (done.code, len(done.err.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("broadcasts", "send", "--push", "{}"),
        ("broadcasts", "send", "--push", "no", "--everybody"),
        ("segments", "set", "x"),
        ("profiles", "segments", "x"),
        ("subscribers", "set", "x", "country"),
        ("profiles", "set", "x", "@/no/such/file"),
    ],
)
def test_wrong_usage(cli: Cli, data: Path, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments, "--data", data).code == 2


@pytest.mark.parametrize(
    ("arguments", "method", "path", "answer", "body"),
    [
        (("profiles", "erase", "a/b", "--yes"), "DELETE", "/api/v1/profiles/a%2Fb", {"job_id": "j"}, None),
        (("profiles", "set", "a", '{"x": 1}'), "PATCH", "/api/v1/profiles/a/attributes", {"profile_id": "a"}, {"x": 1}),
        (("profiles", "segments", "a", "--add", "s"), "POST", "/api/v1/profiles/a/segments", {}, {"add": ["s"], "remove": []}),
        (("subscribers", "identify", "h", "p"), "POST", "/api/v1/subscribers/h/identify", {}, {"profile_id": "p"}),
        (("subscribers", "forget", "h"), "DELETE", "/api/v1/subscribers/h", {}, None),
        (("segments", "delete", "s"), "DELETE", "/api/v1/segments/s", {}, None),
        (("broadcasts", "pause", "b"), "POST", "/api/v1/broadcasts/b/pause", {}, {}),
        (("sites", "rotate-identity"), "POST", "/api/v1/site/identity/rotate", {"identity_secret": "s"}, {}),
        (("sites", "remove-key", "apns"), "DELETE", "/api/v1/site/keys/apns", {}, None),
    ],
)
def test_the_same_over_http(
    cli: Cli, server: FakeServer, arguments: tuple[str, ...], method: str, path: str, answer: object, body: object
) -> None:
    server.say(method, path, answer)
    done = cli(*arguments, "--server", server.url, "--key", "k")
    assert done.code == 0, done.err
    [asked] = server.asked
    assert (asked.body and json.loads(asked.body)) == (b"" if body is None else body)


def test_files_go_over_http_in_chunks(cli: Cli, server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text('{"profile_id": "a"}\n\n{"profile_id": "b"}', encoding="utf-8")
    job: dict[str, Any] = {"job_id": "j", "detail": {"rows": 0, "accepted": 2, "refused": 0, "report": []}}
    server.say("POST", "/api/v1/imports", job)
    server.say("POST", "/api/v1/imports/j/rows?offset=0", {**job, "detail": {**job["detail"], "rows": 2}})
    server.say("POST", "/api/v1/imports/j/finish", job)
    assert cli("profiles", "import", file, "--server", server.url, "--key", "k").code == 0
    assert server.asked[1].body == b'{"profile_id": "a"}\n{"profile_id": "b"}\n'
    server.say("GET", "/api/v1/exports/profiles?format=csv&limit=1000", b"profile_id\r\na\r\n", headers={"Clarion-Cursor": "c"})
    server.say("GET", "/api/v1/exports/profiles?format=csv&limit=1000&cursor=c", b"profile_id\r\nb\r\n")
    out = tmp_path / "out.csv"
    assert cli("profiles", "export", out, "--server", server.url, "--key", "k", "--json").json["rows"] == 2
    assert out.read_bytes() == b"profile_id\r\na\r\nb\r\n"
