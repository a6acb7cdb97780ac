"""Methods and versions: 405 where a path is direct, the app everywhere else; 1.0 and upgrades as plain HTTP."""

import pytest
from tests.server.client import Client, request
from tests.server.conftest import Serve
from tests.server.routes import Described, Echo

NOT_ALLOWED = {"error": {"message": "Method not allowed.", "code": 1005}}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
async def test_another_method_on_a_direct_path(client: Client, method: str) -> None:
    for _ in range(2):
        answer = await client.ask(request(method, "/direct?x", b"dropped"))
        assert (answer.status, answer.json, answer.headers["allow"]) == (405, NOT_ALLOWED, "POST")
    assert (await client.ask(request("POST", "/direct", b"kept"))).body == b"kept"


async def test_head_gets_the_same_headers_without_the_body(client: Client) -> None:
    await client.send(request("HEAD", "/direct") + request("POST", "/direct", b"next"))
    answer = await client.response(to_head=True)
    assert (answer.status, answer.headers["allow"], answer.headers["content-length"]) == (405, "POST", "55")
    assert (await client.response()).body == b"next"


async def test_a_refused_method_with_a_large_body_ends_the_connection(client: Client) -> None:
    assert (await client.ask(request("PUT", "/direct", b"x" * 65_536))).status == 405
    assert (await client.ask(request("PUT", "/direct", b"x" * 65_537)[:-65_537])).status == 405
    assert await client.rest() == b""


async def test_what_is_not_direct_is_the_apps(client: Client) -> None:
    assert (await client.ask(request("GET", "/direct/more"))).status == 404
    assert (await client.ask(request("GET", "/nowhere"))).status == 404
    assert (await client.ask(request("OPTIONS", "*"))).status == 404
    assert (await client.ask(request("GET", "/show/a%20b?c=d"))).json["path"] == "/show/a b"


async def test_1_0_closes_unless_asked_to_keep(serve: Serve) -> None:
    served = await serve()
    for path, body in (("/direct", b"x"), ("/show/x", b"x")):
        client = await served.connect()
        raw = b"POST %b HTTP/1.0\r\nContent-Length: 1\r\n%%b\r\n%b" % (path.encode(), body)
        answer = await client.ask(raw % b"")
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.rest() == b""
    client = await served.connect()
    for _ in range(3):
        answer = await client.ask(b"POST /direct HTTP/1.0\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx")
        assert (answer.body, answer.headers["connection"]) == (b"x", "keep-alive")


@pytest.mark.parametrize("wish", ["websocket", "h2c", "something/1"])
async def test_an_upgrade_is_answered_as_plain_http(serve: Serve, wish: str) -> None:
    client = await (await serve({"/direct": Described(), "/echo": Echo()})).connect()
    headers = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {wish}", "HTTP2-Settings: AAMAAABk")
    asked = request("POST", "/direct", b'{"a":1}', *headers)
    chunked = request("POST", "/echo", b"", *headers, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    bare = request("GET", "/show/x", b"", *headers)
    await client.send((asked + chunked + bare) * 2)
    for _ in range(2):
        assert (await client.response()).json["body"] == '{"a":1}'
        assert (await client.response()).body == b"abc"
        assert (await client.response()).json["method"] == "GET"
    for cut in range(1, len(asked)):
        await client.send(asked[:cut])
        assert (await client.ask(asked[cut:])).json["body"] == '{"a":1}'
    many = bare * 200
    await client.send(many)
    assert {(await client.response()).status for _ in range(200)} == {200}
