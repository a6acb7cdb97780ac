"""What HTTP asks of every answer: methods, envelopes, request ids, keep-alive."""

from urllib.parse import quote

import pytest
from tests.e2e.server import Api, unique
from tests.server.client import Client, request

NOT_FOUND = b'{"error":{"message":"Not found.","code":1004}}'
NOT_ALLOWED = b'{"error":{"message":"Method not allowed.","code":1005}}'


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/batch"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_an_ingest_route_takes_post_only(client: Client, method: str, path: str) -> None:
    answer = await client.ask(request(method, path))
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", NOT_ALLOWED)
    assert answer.headers["content-type"] == "application/json"


async def test_head_of_an_ingest_route_is_refused_without_a_body(client: Client) -> None:
    await client.send(request("HEAD", "/api/v1/events", b"", "Connection: close"))
    answer = await client.response(to_head=True)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert await client.rest() == b""


async def test_head_of_a_resource_is_get_without_the_body(client: Client) -> None:
    await client.send(request("HEAD", "/healthz", b"", "Connection: close"))
    answer = await client.response(to_head=True)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert await client.rest() == b""


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/v1/workflows", "GET, HEAD"),
        ("POST", "/api/v1/workflows/x", "GET, PUT, HEAD"),
        ("GET", "/api/v1/workflows/x/pause", "POST"),
        ("GET", "/api/v1/goals", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_resource_names_the_methods_that_it_takes(client: Client, method: str, path: str, allow: str) -> None:
    answer = await client.ask(request(method, path))
    assert (answer.status, answer.headers["allow"], answer.body) == (405, allow, NOT_ALLOWED)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/v1", "/api/v1/", "/api/v1/events/", "/api/v2/events", "/api/v1/events%2f", "/healthz/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_is_there(client: Client, method: str, path: str) -> None:
    answer = await client.ask(request(method, path))
    assert (answer.status, answer.body, answer.headers["content-type"]) == (404, NOT_FOUND, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/profiles/nobody", "there is no such profile: nothing has ever come for it — see: clarion events tail"),
        ("GET", "/subscribers/nobody", "there is no such subscriber: events that name it are recorded and start nothing"),
        ("GET", "/workflows/nothing", "there is no workflow nothing — see: clarion workflows list"),
        ("GET", "/workflows/%FF%ED%A0%80", "there is no workflow "),
        ("GET", "/workflows/nothing/draft", "nothing has no draft — see: clarion workflows list"),
        ("GET", "/runs/none", "there is no run none — see: clarion runs list"),
        ("DELETE", "/secrets/NONE", "there is no secret NONE — see: clarion secrets list"),
        ("DELETE", "/poisoned/none", "no input none is set aside — see: clarion poisoned list"),
    ],
)
async def test_a_resource_that_is_not_there_is_named(api: Api, method: str, path: str, said: str) -> None:
    answer = await api.ask(method, path)
    error = answer.json["error"]
    assert (answer.status, error["code"], error["message"]) == (404, 1004, "Not found.")
    [detail] = error["details"]
    assert detail["message"].startswith(said)


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/events"), ("GET", "/api/v1/log"), ("GET", "/nothing")])
async def test_a_usable_request_id_comes_back(client: Client, method: str, path: str) -> None:
    answer = await client.ask(request(method, path, b"", "X-Request-Id: order-42.a_B"))
    assert answer.headers["x-request-id"] == "order-42.a_B"


@pytest.mark.parametrize("sent", ["", "X-Request-Id: with space", "X-Request-Id: " + "x" * 129])
async def test_any_other_request_gets_an_id_of_its_own(client: Client, sent: str) -> None:
    asked = request("POST", "/api/v1/events", b"", *([sent] if sent else []))
    ids = {(await client.ask(asked)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert sent.removeprefix("X-Request-Id: ") not in ids


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "%00", "%FF", "A" * 5000])
async def test_what_is_no_place_in_the_log_is_refused(api: Api, after: str) -> None:
    answer = await api.ask("GET", f"/log?after={after}")
    error = answer.json["error"]
    assert (answer.status, error["code"]) == (400, 1003)
    assert error["details"] == [{"message": "after must be 0 or the cursor of an earlier answer", "path": ["after"]}]


async def test_the_log_is_followed_by_its_cursor(api: Api) -> None:
    place = (await api.get("/log?limit=1"))["cursor"]
    names = [unique("followed") for _ in range(3)]
    for name in names:
        await api.accept(name)
    await api.place()
    seen: list[str] = []
    while (page := await api.get(f"/log?after={place}&limit=2"))["events"]:
        seen += [event["event_name"] for event in page["events"]]
        place = page["cursor"]
    assert [name for name in seen if name in names] == names
    assert len(set(seen)) == len(seen)
    assert (await api.get(f"/log?after={place}"))["cursor"] == place


async def test_one_connection_carries_good_and_bad_requests(api: Api) -> None:
    statuses = [
        (await api.track("x")).status,
        (await api.track("")).status,
        (await api.ask("GET", "/nothing")).status,
        (await api.ask("GET", "/log?limit=0")).status,
        (await api.ask("GET", "/events")).status,
        (await api.track("x")).status,
    ]
    assert statuses == [200, 400, 404, 400, 405, 200]


async def test_it_is_up_and_ready(client: Client) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = await client.ask(request("GET", path))
        assert (answer.status, answer.json) == (200, {"error_code": 0, "data": {"status": status}})


async def test_any_profile_id_can_be_asked_for(api: Api) -> None:
    for profile_id in ("a/b", "ü ?&#%", "..", ".", "a\nb", "end\n"):
        name = f"{unique('odd')}/{profile_id}"
        await api.accept("x", profile_id=name)
        profile = await api.profile_when(quote(name, safe=""), bool)
        assert profile["profile_id"] == name
