"""Secrets of `http` steps over HTTP and the command line: they reach the receiver and nothing else."""

import asyncio
import base64
import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.delivery.receiver import receiving, status
from tests.e2e.conftest import Start
from tests.e2e.engines import dump
from tests.e2e.server import CLARION, Api, Server, eventually, unique
from tests.e2e.shop import check_signature

VALUE = 'k9/"Zq\\ é&=Tj-4217'
OTHER = "w8Ln-2f0c"


async def set_by_command(server: Server, name: str, value: str) -> None:
    """Set a secret as an operator does."""

    def call() -> subprocess.CompletedProcess[bytes]:
        arguments: list[str | Path] = [CLARION, "secrets", "set", name, "--data", server.data]
        return subprocess.run(arguments, input=f"{value}\n".encode(), env=server.environment, capture_output=True, timeout=60)

    done = await asyncio.to_thread(call)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name}: is set\n".encode(), b"")


async def set_over_http(api: Api, name: str, value: str) -> None:
    answer = await api.ask("PUT", f"/secrets/{name}", {"value": value})
    assert (answer.status, set(answer.json["data"])) == (200, {"name", "changed"})


def calls(event: str, http: dict[str, Any]) -> dict[str, Any]:
    """A workflow that makes one request."""
    return {
        "workflow": unique("w"),
        "start": {"on": [{"event": event}], "while_running": "parallel"},
        "steps": [{"id": "call", "http": http}],
    }


def spellings(value: str) -> list[bytes]:
    """A value as it could stand in a file."""
    return [
        value.encode(),
        quote(value, safe="").encode(),
        json.dumps(value)[1:-1].encode(),
        json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        base64.b64encode(value.encode()),
        value[:8].encode(),
    ]


async def test_a_secret_reaches_the_receiver_and_no_file(start: Start) -> None:
    server = start()
    site = await server.run("sites", "show")
    event, person = unique("go"), unique("ann")
    answer = json.dumps({"id": 7, "echo": f"you sent {VALUE}", "said": quote(VALUE, safe="")})
    async with receiving(status(422, body=answer)) as shop, server.api() as api:
        await set_by_command(server, "TOKEN", VALUE)
        await set_over_http(api, "HEADER", OTHER)
        http = {
            "url": f"{shop.url}/{{{{ who }}}}?key={{{{ secrets.TOKEN }}}}",
            "headers": {"Authorization": "Bearer {{ secrets.HEADER }}"},
            "body": {"key": "{{ secrets.TOKEN }}", "text": "{{ who }}: {{ secrets.TOKEN }}"},
            "await": True,
        }
        await server.apply(calls(event, http))

        async def ask() -> Any:
            await api.accept(event, profile_id=person, data={"who": "a b"})
            return await api.profile(person)

        # what was asked before the server had heard of the secret has failed
        await eventually(ask, lambda _: shop.requests)
        await api.profile_when(person, lambda seen: not [run for run in seen["runs"] if run["status"] == "waiting"])
        profile = await api.profile(person)
        request = shop.requests[0]
        assert request.path == f"/hook/a%20b?key={quote(VALUE, safe='')}"
        assert request.header("authorization") == f"Bearer {OTHER}"
        assert check_signature(site["webhook_secret"], request) == {"key": VALUE, "text": f"a b: {VALUE}"}
        listed = await api.get("/secrets")
        assert [row["name"] for row in listed["secrets"]] == ["HEADER", "TOKEN"]
        shown = json.dumps([profile, listed], ensure_ascii=False)
    server.stop()
    kept = await dump(server) + server.log().encode()
    assert b"TOKEN" in kept
    for value in (VALUE, OTHER):
        for spelling in spellings(value):
            assert spelling not in kept
            assert spelling.decode() not in shown


async def test_a_new_value_is_used_within_a_second(server: Server, api: Api) -> None:
    event, person, name = unique("go"), unique("ann"), unique("KEY").replace("-", "_")
    await set_over_http(api, name, "old")
    async with receiving() as shop:
        await server.apply(calls(event, {"url": shop.url, "headers": {"X-Key": f"{{{{ secrets.{name} }}}}"}}))

        async def latest() -> str | None:
            seen = len(shop.requests)
            await api.accept(event, profile_id=person)
            await asyncio.wait_for(shop.wait_for(seen + 1), 15)
            return shop.requests[-1].header("x-key")

        assert await latest() == "old"
        for change in (set_over_http(api, name, "new"), set_by_command(server, name, "newer")):
            await change
            began = time.monotonic()
            before = shop.requests[-1].header("x-key")
            await eventually(latest, lambda value, before=before: value != before)  # type: ignore[misc]  # mypy knows no default of a lambda
            assert time.monotonic() - began < 1
        assert shop.requests[-1].header("x-key") == "newer"


async def test_a_secret_that_is_not_set_fails_the_request(server: Server, api: Api) -> None:
    event, person, name = unique("go"), unique("ann"), unique("KEY").replace("-", "_")
    async with receiving() as shop:
        http = {"url": shop.url, "body": [f"{{{{ secrets.{name} }}}}"], "await": True, "on_error": "fail"}
        await server.apply(calls(event, http))
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [run["status"] for run in seen["runs"]] == ["failed"])
        assert not shop.requests
    [delivery] = profile["deliveries"]
    assert delivery["status"] == "failed"
    assert [attempt["error"] for attempt in delivery["attempts"]] == [f"secret {name} is not set"]


async def test_data_with_a_mark_in_it_gets_no_secret(server: Server, api: Api) -> None:
    event, person, name = unique("go"), unique("ann"), unique("KEY").replace("-", "_")
    await set_over_http(api, name, "stolen-value")
    forged = f"\ufdd0{name}\ufdd1"
    async with receiving() as shop:
        http = {
            "url": f"{shop.url}?x={{{{ x }}}}",
            "headers": {"X": "{{ x }}"},
            "body": ["{{ x }}", "a {{ x }}", f"{{{{ secrets.{name} }}}}"],
        }
        await server.apply(calls(event, http))
        await api.accept(event, profile_id=person, data={"x": forged})
        await asyncio.wait_for(shop.wait_for(1), 15)
    [request] = shop.requests
    assert (request.path, request.header("x")) == (f"/hook?x={name}", name)
    assert json.loads(request.body) == [name, f"a {name}", "stolen-value"]


async def test_secrets_come_and_go(api: Api) -> None:
    name = unique("KEY").replace("-", "_")
    await set_over_http(api, name, "hidden-value")
    listed = await api.ask("GET", "/secrets")
    assert name in [row["name"] for row in listed.json["data"]["secrets"]]
    assert b"hidden" not in listed.body
    assert (await api.ask("GET", f"/secrets/{name}")).status == 405
    for expected in (200, 404):
        assert (await api.ask("DELETE", f"/secrets/{name}")).status == expected
    assert name not in [row["name"] for row in (await api.get("/secrets"))["secrets"]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["value"]),
        ({"value": 1}, ["value"]),
        ({"value": ""}, ["value"]),
        ({"value": "hidden\0"}, ["value"]),
        ({"value": "hidden" + "x" * 8192}, ["value"]),
        (["hidden"], []),
        (b"hidden", []),
        (b'{"value": "hidden\\ud800"}', []),
    ],
)
async def test_what_is_no_value_is_refused_without_repeating_it(api: Api, body: object, path: list[str]) -> None:
    answer = await api.ask("PUT", "/secrets/KEY", body)
    assert answer.status == 400
    assert [detail.get("path", []) for detail in answer.json["error"].get("details", [{}])] == [path]
    assert b"hidden" not in answer.body


async def test_what_is_no_name_is_refused(api: Api) -> None:
    answer = await api.ask("PUT", "/secrets/not-a-name", {"value": "x"})
    assert (answer.status, answer.json["error"]["details"][0]["path"]) == (400, ["name"])
