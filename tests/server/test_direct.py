"""Direct routes: what they are given, what they answer, and what becomes of their faults."""

import pytest
from tests.server.client import Client, request
from tests.server.conftest import Serve
from tests.server.routes import Broken, Described, Echo, Held, Locked

FAILED = {"error": {"message": "Something went wrong.", "code": 1001}}


async def test_a_route_sees_all_of_a_request(serve: Serve) -> None:
    client = await (await serve({"/direct": Described()})).connect()
    sent = (
        "Api-Key: k1",
        "CONTENT-TYPE: application/json",
        "idempotency-key: i1",
        "X-Request-Id: mine.1",
        "X-Empty:",
        "Accept: a  ",
        "Accept: b",
    )
    answer = await client.ask(request("POST", "/direct", b'{"a":1}', *sent))
    assert answer.status == 200
    assert answer.json == {
        "api_key": "k1",
        "content_type": "application/json",
        "idempotency_key": "i1",
        "headers": [
            ["host", "shop.example"],
            ["api-key", "k1"],
            ["content-type", "application/json"],
            ["idempotency-key", "i1"],
            ["x-request-id", "mine.1"],
            ["x-empty", ""],
            ["accept", "a"],
            ["accept", "b"],
            ["content-length", "7"],
        ],
        "body": '{"a":1}',
        "client": "127.0.0.1",
        "request_id": "mine.1",
    }


async def test_what_is_not_sent_is_none(serve: Serve) -> None:
    client = await (await serve({"/direct": Described()})).connect()
    known = (await client.ask(request())).json
    assert (known["api_key"], known["content_type"], known["idempotency_key"], known["body"]) == (None, None, None, "")


async def test_the_connection_is_kept_and_heads_seen_before_mean_the_same(client: Client) -> None:
    for body in (b"one", b"two", b"eleven letters", b"one"):
        for _ in range(3):
            assert (await client.ask(request("POST", "/direct", body))).body == body


async def test_a_head_seen_before_waits_for_its_body_as_before(client: Client) -> None:
    whole = request("POST", "/direct", b"abcdef")
    for cut in range(1, len(whole)):
        assert (await client.ask(whole)).body == b"abcdef"
        await client.send(whole[:cut])
        assert (await client.ask(whole[cut:])).body == b"abcdef"


async def test_requests_with_known_and_new_heads_in_one_piece(client: Client) -> None:
    first, second = request("POST", "/direct", b"1"), request("POST", "/direct", b"22")
    await client.ask(first)
    await client.send(first + second + first + first[:-1])
    assert [(await client.response()).body for _ in range(3)] == [b"1", b"22", b"1"]
    assert (await client.ask(b"9" + second)).body == b"9"
    assert (await client.response()).body == b"22"


async def test_a_known_head_with_another_length_of_body_is_another_head(client: Client) -> None:
    assert (await client.ask(request("POST", "/direct", b"12"))).body == b"12"
    assert (await client.ask(request("POST", "/direct", b"123"))).body == b"123"
    assert (await client.ask(request("POST", "/direct", b"12"))).body == b"12"


@pytest.mark.parametrize("path", ["/direct?a=1", "/direct?", "http://shop.example/direct", "HTTP://x/direct?q", "/%64irect"])
async def test_a_path_matches_without_query_host_or_escapes(client: Client, path: str) -> None:
    assert (await client.ask(request("POST", path, b"x"))).body == b"x"


async def test_a_request_is_answered_once(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request())
    (asked,) = await held.arrived(1)
    asked.respond(202, b"{}", ((b"retry-after", b"7"), (b"location", b"/x")))
    with pytest.raises(RuntimeError, match="once"):
        asked.respond(200, b"{}")
    answer = await client.response()
    assert (answer.status, answer.headers["retry-after"], answer.headers["location"]) == (202, "7", "/x")


@pytest.mark.parametrize("header", [(b"a", b"b\r\nc: d"), (b"a\nb", b"c"), (b"a", b"\0")])
async def test_a_header_cannot_break_out_of_its_line(serve: Serve, header: tuple[bytes, bytes]) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request())
    (asked,) = await held.arrived(1)
    with pytest.raises(ValueError, match="line break"):
        asked.respond(200, b"{}", (header,))
    asked.respond(200, b"{}")
    assert (await client.response()).status == 200


async def test_a_route_may_name_another_content_type_or_send_nothing(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request() * 2)
    first, second = await held.arrived(2)
    first.respond(200, b"a 1", ((b"content-type", b"text/plain"),))
    second.respond(204, b"")
    assert (await client.response()).headers["content-type"] == "text/plain"
    nothing = await client.response()
    assert "content-length" not in nothing.headers
    assert "content-type" not in nothing.headers


async def test_a_fault_of_a_route_is_a_500_without_detail_and_the_connection_goes_on(serve: Serve) -> None:
    client = await (await serve({"/direct": Broken(limit=10)})).connect()
    for asked in (request("POST", "/direct", b"x"), request("POST", "/direct", b"x"), request("POST", "/direct", b"", "Api-Key: early")):
        answer = await client.ask(asked)
        assert (answer.status, answer.json) == (500, FAILED)
    assert (await client.ask(request("POST", "/direct", b"after"))).body == b'"fine"'
    answer = await client.ask(request("POST", "/direct", b"x" * 11))
    assert (answer.status, answer.json) == (500, FAILED)
    assert await client.rest() == b""


async def test_an_early_refusal_comes_before_the_body_and_keeps_the_connection(serve: Serve) -> None:
    locked = Locked()
    client = await (await serve({"/direct": locked})).connect()
    whole = request("POST", "/direct", b"abc")
    assert (await client.ask(whole[:-3])).json == "no key"
    await client.send(b"abc")
    allowed = request("POST", "/direct", b"abc", "Api-Key: right")
    assert (await client.ask(allowed)).body == b"abc"
    assert (await client.ask(whole)).status == 401
    assert (await client.ask(allowed)).body == b"abc"
    assert (await client.ask(whole)).status == 401
    assert locked.handled == 2


async def test_what_was_allowed_once_is_asked_again(serve: Serve) -> None:
    class Closing(Locked):
        def early(self, head: object) -> tuple[int, bytes, tuple[()]] | None:
            return None if self.handled < 2 else (401, b'"closed"', ())

    client = await (await serve({"/direct": Closing()})).connect()
    statuses = [(await client.ask(request("POST", "/direct", b"x"))).status for _ in range(4)]
    assert statuses == [200, 200, 401, 401]


async def test_an_answer_to_a_client_that_has_gone_goes_nowhere(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held, "/echo": Echo()})
    client = await served.connect()
    await client.send(request() * 2)
    first, second = await held.arrived(2)
    client.reset()
    other = await served.connect()
    while served.server.connections > 1:  # each answer is a turn of the loop in which the server may notice
        await other.ask(request("POST", "/echo", b"x"))
    second.respond(200, b"{}")
    first.respond(200, b"{}")
    assert (await other.ask(request("POST", "/echo", b"x"))).body == b"x"
