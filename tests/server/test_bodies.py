"""Bodies: in pieces, in chunks, and refused while they are read."""

import asyncio

import pytest
from tests.server.client import PATIENCE, Client, request
from tests.server.conftest import Serve
from tests.server.routes import Echo, Held, Locked

CHUNKED = b"POST /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_chunked_body_split_at_every_byte(client: Client) -> None:
    whole = CHUNKED + b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
    for cut in range(1, len(whole)):
        await client.send(whole[:cut])
        assert (await client.ask(whole[cut:])).body == b"abc0123456789"


async def test_a_request_byte_by_byte(client: Client) -> None:
    for byte in CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n":
        await client.send(bytes([byte]))
    assert (await client.response()).body == b"abc"


async def test_the_limit_by_length(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    assert len((await client.ask(request("POST", "/direct", b"x" * 1000))).body) == 1000
    # refused before a byte of the body is sent
    answer = await client.ask(request("POST", "/direct", b"x" * 1001)[:-1001])
    assert (answer.status, answer.json, answer.headers["connection"]) == (413, "over 1000", "close")
    assert await client.rest() == b""


async def test_the_limit_in_chunks(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    assert len((await client.ask(CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")).body) == 1000
    # refused at the byte that is one too many
    await client.send(CHUNKED + b"ffff\r\n" + b"x" * 1000)
    answer = await client.ask(b"x")
    assert (answer.status, answer.json) == (413, "over 1000")
    assert await client.rest() == b""


async def test_the_rest_of_a_refused_body_is_taken_so_that_the_answer_can_be_read(serve: Serve) -> None:
    client = await (await serve()).connect()
    await client.send(request("POST", "/direct", b"x" * 4_000_000))
    assert (await client.response()).status == 413
    assert await client.rest() == b""


async def test_a_client_that_never_stops_sending_is_cut_off(serve: Serve) -> None:
    client = await (await serve(linger_bytes=100_000, linger_seconds=3600.0)).connect()
    with pytest.raises(ConnectionError):
        await client.flood(CHUNKED + b"fffffff\r\n" + b"x" * 65_536)


async def test_a_client_that_keeps_sending_slowly_is_cut_off(serve: Serve) -> None:
    served = await serve(linger_seconds=0.05, sweep_seconds=0.01)
    client, other = await served.connect(), await served.connect()
    assert (await client.ask(request("POST", "/direct", b"x" * 1001)[:-1001])).status == 413
    with pytest.raises(ConnectionError):
        await client.flood(b"x", lambda: other.ask(request("POST", "/direct", b"x")))


async def test_the_key_is_checked_before_the_size(serve: Serve) -> None:
    served = await serve({"/direct": Locked(limit=10)})
    for headers, status in (((), 401), (("Api-Key: right",), 413)):
        client = await served.connect()
        assert (await client.ask(request("POST", "/direct", b"x" * 11, *headers)[:-11])).status == status
        assert await client.rest() == b""


async def test_a_route_decides_on_an_oversized_request_later(serve: Serve) -> None:
    class Late(Held):
        def oversized(self, request: object) -> None:
            self.handle(request)  # type: ignore[arg-type]  # the same object, kept as any other

    late = Late(limit=10)
    client = await (await serve({"/direct": late})).connect()
    await client.send(request() + request("POST", "/direct", b"x" * 5000))
    first, second = await late.arrived(2)
    assert second.body == b""
    second.respond(401, b'"no"')
    first.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(2)] == [200, 401]
    assert await client.rest() == b""


async def test_a_refused_request_in_chunks_is_dropped_up_to_the_limit(serve: Serve) -> None:
    client = await (await serve({"/direct": Locked(limit=10)})).connect()
    assert (await client.ask(CHUNKED + b"a\r\n0123456789\r\n0\r\n\r\n")).status == 401
    assert (await client.ask(CHUNKED + b"b\r\n0123456789")).status == 401
    await client.send(b"0\r\n0\r\n\r\n" + request())
    assert await client.rest() == b""


async def test_the_app_has_limits_by_method_and_path(serve: Serve) -> None:
    def limit(method: bytes, path: bytes) -> int:
        return {(b"POST", b"/show/a"): 5, (b"POST", b"/show/b"): 70_000}.get((method, path), 0)

    served = await serve(server={"body_limit": limit})
    for path, most in (("/show/a", 5), ("/show/b", 70_000), ("/show/c", 0)):
        client = await served.connect()
        assert (await client.ask(request("POST", path, b"x" * most))).json["body"] == "x" * most
        answer = await client.ask(request("POST", path, b"x" * (most + 1)))
        assert answer.status == 413
        assert answer.json["error"]["details"] == [{"message": f"Request body must be at most {most} bytes", "path": []}]
        assert await client.rest() == b""
        chunks = CHUNKED.replace(b"/direct", path.encode())
        client = await served.connect()
        if most:
            whole = chunks + b"%x\r\n" % most + b"x" * most + b"\r\n0\r\n\r\n"
            assert (await client.ask(whole)).json["body"] == "x" * most
        assert (await client.ask(chunks + b"%x\r\n" % (most + 1) + b"x" * (most + 1))).status == 413
        assert await client.rest() == b""


async def test_bodies_of_all_connections_together_have_a_limit(serve: Serve) -> None:
    served = await serve({"/direct": Echo(limit=10_000)}, partial_bytes=15_000)
    whole = request("POST", "/direct", b"x" * 10_000)
    first, second = await served.connect(), await served.connect()
    await first.send(whole[:-1])
    await second.send(whole[:-1])
    answers = {asyncio.create_task(client.response()): client for client in (first, second)}
    async with asyncio.timeout(PATIENCE):
        (done,), (waiting,) = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
    refused = done.result()
    assert (refused.status, refused.headers["retry-after"], refused.json["error"]["code"]) == (503, "1", 1053)
    assert await answers[done].rest() == b""
    await answers[waiting].send(b"x")
    assert (await waiting).status == 200
    third = await served.connect()
    await third.send(whole[:-1])
    assert (await third.ask(b"x")).status == 200


async def test_100_continue_is_sent_only_where_the_body_is_wanted(serve: Serve) -> None:
    served = await serve({"/direct": Locked()})
    waiting = request("POST", "/direct", b"abc", "Expect: 100-continue", "Api-Key: right")
    client = await served.connect()
    await client.send(waiting[:-3])
    assert (await client.response()).status == 100
    assert (await client.ask(b"abc")).body == b"abc"
    # a body that comes along needs no invitation
    assert (await client.ask(waiting)).body == b"abc"
    # the app's requests alike
    await client.send(request("POST", "/show/x", b"abc", "expect: 100-Continue")[:-3])
    assert (await client.response()).status == 100
    assert (await client.ask(b"abc")).json["body"] == "abc"
    # refused: no key, then too large
    assert (await client.ask(request("POST", "/direct", b"abc", "Expect: 100-continue")[:-3])).status == 401
    assert await client.rest() == b""
    client = await served.connect()
    large = request("POST", "/direct", b"x" * 1001, "Expect: 100-continue", "Api-Key: right")[:-1001]
    assert (await client.ask(large)).status == 413
    assert await client.rest() == b""


async def test_100_continue_waits_for_the_answers_before_it(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request() + request("POST", "/direct", b"abc", "Expect: 100-continue")[:-3])
    (first,) = await held.arrived(1)
    first.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(2)] == [200, 100]
    await client.send(b"abc")
    (_, second) = await held.arrived(2)
    second.respond(200, second.body)
    assert (await client.response()).body == b"abc"


async def test_an_expectation_of_a_1_0_client_is_ignored(client: Client) -> None:
    await client.send(b"POST /direct HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert (await client.ask(b"x")).body == b"x"
