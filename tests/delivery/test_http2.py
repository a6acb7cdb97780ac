"""The HTTP/2 client: many requests on few connections, each to its answer or an error in time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import h2.errors
import pytest
from h2.settings import SettingCodes

from clarion.delivery.connecting import Connector
from clarion.delivery.connection import Response
from clarion.delivery.errors import BadResponse, Blocked, ConnectFailed, TimedOut
from clarion.delivery.guard import Guard
from clarion.delivery.http2 import Http2Client
from clarion.delivery.resolver import Resolver

from .authority import Authority
from .http2_server import Asked, Http2Server, Settings, ok, serving_http2

Make = Callable[..., Http2Client]


@pytest.fixture
async def make(authority: Authority) -> AsyncIterator[Make]:
    """Makes clients that may reach this machine, and closes them."""
    async with AsyncExitStack() as stack:

        def made(*, guard: Guard | None = None, **options: float) -> Http2Client:
            resolver = Resolver()
            connector = Connector(guard or Guard(dangerous_allow_private_targets=True), resolver, timeout=5)
            client = Http2Client(connector, tls=authority.client(), **options)  # type: ignore[arg-type]  # each test names its options
            stack.push_async_callback(resolver.close)
            stack.push_async_callback(client.close)
            return client

        yield made


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Http2Server]:
    async with serving_http2(authority.server("localhost")) as serving:
        yield serving


async def post(client: Http2Client, server: Http2Server, path: str = "/", body: bytes = b"hello", lane: str = "") -> Response:
    return await client.request("POST", server.url + path, [(b"x-test", b"1")], body, lane=lane)


def asking(client: Http2Client, server: Http2Server, path: str = "/", body: bytes = b"hello") -> asyncio.Task[Response]:
    return asyncio.create_task(post(client, server, path, body))


class Hold:
    """Answers nobody until it is told to."""

    def __init__(self) -> None:
        self.held: list[Asked] = []

    async def __call__(self, asked: Asked) -> None:
        self.held.append(asked)

    def answer_all(self) -> None:
        held, self.held = self.held, []
        for asked in held:
            asked.connection.answer(asked.stream, 200, asked.header(":path").encode() if asked.header(":path") else b"")  # type: ignore[union-attr]  # it has one


async def test_a_request_and_its_answer(make: Make, server: Http2Server) -> None:
    async def reply(asked: Asked) -> None:
        asked.connection.answer(asked.stream, 418, b'{"a":1}', (("x-one", "1"), ("x-two", "2"), ("x-two", "3")))

    server.reply = reply
    response = await post(make(), server, "/a%20path?b=c")
    assert (response.status, response.body, response.truncated) == (418, b'{"a":1}', False)
    assert response.headers == {b"x-one": b"1", b"x-two": b"2, 3"}
    (asked,) = server.requests
    assert asked.headers[:4] == [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", f"localhost:{server.port}"),
        (":path", "/a%20path?b=c"),
    ]
    assert (asked.header("x-test"), asked.body) == ("1", b"hello")


async def test_a_request_without_a_body(make: Make, server: Http2Server) -> None:
    assert (await post(make(), server, body=b"")).status == 200
    assert server.requests[0].body == b""


async def test_many_at_a_time_share_one_connection_and_none_gets_another_ones_answer(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make()
    tasks = [asking(client, server, f"/{number}") for number in range(50)]
    await server.until(lambda: len(hold.held) == 50)
    hold.held.reverse()
    hold.answer_all()
    assert [response.body for response in await asyncio.gather(*tasks)] == [f"/{number}".encode() for number in range(50)]
    assert len(server.peers) == 1


async def test_lanes_share_no_connection(make: Make, server: Http2Server) -> None:
    client = make()
    await asyncio.gather(*(post(client, server, lane=lane) for lane in ("a", "b", "a")))
    assert len(server.peers) == 2


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_at_a_time_than_the_other_side_takes(make: Make, authority: Authority, most: int) -> None:
    settings: Settings = {SettingCodes.MAX_CONCURRENT_STREAMS: most}
    async with serving_http2(authority.server("localhost"), settings=settings) as server:
        client = make(connections=1)
        await asyncio.gather(*(post(client, server) for _ in range(20)))
        assert len(server.requests) == 20
        assert max(asked.most_at_once for asked in server.requests) <= most
        assert len(server.peers) == 1


async def test_no_more_at_a_time_than_we_want_and_another_connection_once_the_first_has_answered(make: Make, server: Http2Server) -> None:
    client = make(connections=2, streams=2)
    await post(client, server)
    server.reply = hold = Hold()
    tasks = [asking(client, server) for _ in range(6)]
    await server.until(lambda: len(hold.held) == 4)
    assert len(server.peers) == 2
    hold.answer_all()
    await server.until(lambda: len(hold.held) == 2)
    hold.answer_all()
    await asyncio.gather(*tasks)
    assert max(asked.most_at_once for asked in server.requests) == 2


async def test_no_second_connection_before_the_first_has_answered(make: Make, authority: Authority) -> None:
    hold = Hold()
    async with serving_http2(authority.server("localhost"), hold, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 1}) as server:
        client = make()
        tasks = [asking(client, server) for _ in range(2)]
        await server.until(lambda: len(hold.held) == 1)
        assert len(server.peers) == 1
        server.reply = ok
        hold.answer_all()
        await asyncio.gather(*tasks)


async def test_a_body_waits_for_the_other_sides_window(make: Make, authority: Authority) -> None:
    settings: Settings = {SettingCodes.INITIAL_WINDOW_SIZE: 10}
    async with serving_http2(authority.server("localhost"), settings=settings) as server:
        body = bytes(range(256)) * 40
        client = make()
        await asyncio.gather(*(post(client, server, body=body) for _ in range(5)))
        assert [asked.body for asked in server.requests] == [body] * 5


async def test_more_than_the_connections_window_goes_through(make: Make, server: Http2Server) -> None:
    client = make()
    await asyncio.gather(*(post(client, server, body=b"x" * 4096) for _ in range(60)))
    assert sum(len(asked.body) for asked in server.requests) == 60 * 4096


async def test_what_was_refused_unread_is_sent_once_more(make: Make, server: Http2Server) -> None:
    async def refuse(asked: Asked) -> None:
        server.reply = ok
        asked.connection.http2.reset_stream(asked.stream, h2.errors.ErrorCodes.REFUSED_STREAM)

    server.reply = refuse
    assert (await post(make(), server)).status == 200
    assert len(server.requests) == 2


async def test_but_only_once(make: Make, server: Http2Server) -> None:
    async def refuse(asked: Asked) -> None:
        asked.connection.http2.reset_stream(asked.stream, h2.errors.ErrorCodes.REFUSED_STREAM)

    server.reply = refuse
    with pytest.raises(BadResponse, match="refused"):
        await post(make(), server)
    assert len(server.requests) == 2


async def test_a_reset_in_the_middle_is_a_failure(make: Make, server: Http2Server) -> None:
    async def reset(asked: Asked) -> None:
        asked.connection.http2.reset_stream(asked.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    server.reply = reset
    with pytest.raises(BadResponse, match="reset"):
        await post(make(), server)
    assert len(server.requests) == 1


async def test_what_was_begun_before_a_goaway_is_answered_and_the_rest_goes_elsewhere(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make()
    tasks = [asking(client, server, f"/{number}") for number in range(4)]
    await server.until(lambda: len(hold.held) == 4)
    old = hold.held[0].connection
    begun, hold.held = hold.held[:2], []
    old.goaway(begun[-1].stream, debug=b'{"reason":"Shutdown"}')
    await server.until(lambda: len(hold.held) == 2)
    assert all(asked.connection is not old for asked in hold.held)
    hold.held += begun
    hold.answer_all()
    assert [response.body for response in await asyncio.gather(*tasks)] == [b"/0", b"/1", b"/2", b"/3"]
    await server.until(lambda: old not in server.peers)


async def test_an_idle_connection_that_says_goaway_is_not_used_again(make: Make, server: Http2Server) -> None:
    client = make()
    await post(client, server)
    (old,) = server.peers
    old.goaway(2**31 - 1)
    await server.until(lambda: not server.peers)
    await post(client, server)
    assert old not in server.peers


async def test_a_connection_that_ends_without_an_answer_is_replaced_once(make: Make, server: Http2Server) -> None:
    async def drop(asked: Asked) -> None:
        server.reply = ok
        asked.connection.writer.close()

    server.reply = drop
    assert (await post(make(), server)).status == 200
    assert len(server.requests) == 2


async def test_a_service_that_always_hangs_up_is_a_failure(make: Make, server: Http2Server) -> None:
    async def drop(asked: Asked) -> None:
        asked.connection.writer.close()

    server.reply = drop
    with pytest.raises(BadResponse, match="without an answer"):
        await post(make(), server)
    assert len(server.requests) == 2


async def test_no_answer_in_time_is_given_up_and_the_others_go_on(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(timeout=0.1)
    with pytest.raises(TimedOut, match="no complete answer"):
        await post(client, server)
    (peer,) = server.peers
    await server.until(lambda: peer.resets == [hold.held[0].stream])
    server.reply = ok
    assert (await post(client, server)).status == 200
    assert server.peers == [peer]


async def test_a_peer_that_is_quiet_is_pinged_and_one_that_answers_lives(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(quiet=0.02)
    task = asking(client, server)
    await server.until(lambda: bool(server.peers) and server.peers[0].pings >= 3)
    hold.answer_all()
    await task


async def test_a_peer_that_answers_no_ping_is_given_up_with_all_its_requests(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(quiet=0.02, patience=0.05)
    tasks = [asking(client, server) for _ in range(2)]
    await server.until(lambda: len(hold.held) == 2)
    server.deaf = True
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, TimedOut)
        assert outcome.reason == "the connection is dead"


async def test_an_idle_connection_is_closed(make: Make, server: Http2Server) -> None:
    await post(make(idle_timeout=0.02), server)
    await server.until(lambda: not server.peers)


async def test_a_cancelled_request_is_reset_and_the_connection_kept(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make()
    task = asking(client, server)
    await server.until(lambda: len(hold.held) == 1)
    (peer,) = server.peers
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.until(lambda: bool(peer.resets))
    server.reply = ok
    await post(client, server)
    assert server.peers == [peer]


async def test_one_that_is_cancelled_while_it_waits_does_not_hold_up_the_next(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(connections=1, streams=1)
    first = asking(client, server)
    await server.until(lambda: len(hold.held) == 1)
    second, third = asking(client, server), asking(client, server)
    await asyncio.sleep(0)
    server.reply = ok
    hold.answer_all()
    second.cancel()
    assert {(await first).status, (await third).status} == {200}
    await asyncio.gather(second, return_exceptions=True)


async def test_nobody_waits_for_room_for_longer_than_the_limit(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(connections=1, streams=1, timeout=0.2)
    first, second = asking(client, server), asking(client, server)
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert all(isinstance(outcome, TimedOut) for outcome in outcomes)
    assert len(hold.held) <= 2


@pytest.mark.parametrize(("size", "truncated"), [(100, False), (101, True), (60_000, True)])
async def test_a_body_is_cut_at_the_limit(make: Make, server: Http2Server, size: int, truncated: bool) -> None:
    async def reply(asked: Asked) -> None:
        asked.connection.answer(asked.stream, 200, b"x" * size) if size < 16_000 else await drip(asked)

    async def drip(asked: Asked) -> None:
        asked.connection.http2.send_headers(asked.stream, [(":status", "200")])
        for _ in range(4):
            asked.connection.http2.send_data(asked.stream, b"x" * (size // 4))

    server.reply = reply
    client = make(max_response=100)
    response = await post(client, server)
    assert (len(response.body), response.truncated) == (100, truncated)
    assert (await post(client, server)).status == 200
    assert len(server.peers) == 1


async def test_a_head_over_the_limit_ends_the_connection(make: Make, server: Http2Server) -> None:
    async def reply(asked: Asked) -> None:
        asked.connection.answer(asked.stream, 200, headers=(("x-large", "x" * 5000),))

    server.reply = reply
    with pytest.raises(BadResponse, match="not HTTP/2"):
        await post(make(max_head=4096), server)
    assert (await post(make(max_head=8192), server)).status == 200


async def test_what_is_no_http2_ends_the_connection(make: Make, server: Http2Server) -> None:
    async def reply(asked: Asked) -> None:
        asked.connection.writer.write(b"HTTP/1.1 200 OK\r\n\r\n" * 10)

    server.reply = reply
    with pytest.raises(BadResponse, match="not HTTP/2"):
        await post(make(), server)


async def test_a_service_without_http2_is_a_failed_connection(make: Make, authority: Authority) -> None:
    async with serving_http2(authority.server("localhost"), alpn="http/1.1") as server:
        with pytest.raises(ConnectFailed, match=r"does not speak HTTP/2|TLS failed"):
            await post(make(), server)


async def test_a_service_that_never_greets_is_given_up(make: Make, server: Http2Server) -> None:
    server.greets.clear()
    client = make(timeout=0.1)
    with pytest.raises(TimedOut):
        await post(client, server)
    server.greets.set()
    await server.until(lambda: not server.peers)
    assert (await post(client, server)).status == 200


async def test_a_certificate_of_somebody_else_is_refused(make: Make, authority: Authority) -> None:
    async with serving_http2(authority.server("other.example")) as server:
        with pytest.raises(ConnectFailed, match="TLS failed"):
            await post(make(), server)


async def test_the_guard_stands_before_it(make: Make, server: Http2Server) -> None:
    with pytest.raises(Blocked, match="loopback"):
        await post(make(guard=Guard()), server)
    assert not server.peers


async def test_there_is_no_http2_without_tls(make: Make) -> None:
    with pytest.raises(Blocked, match="https"):
        await make().request("POST", "http://localhost/", [], b"")


async def test_closing_ends_what_is_under_way_and_what_waits(make: Make, server: Http2Server) -> None:
    server.reply = hold = Hold()
    client = make(connections=1, streams=1)
    tasks = [asking(client, server) for _ in range(3)]
    await server.until(lambda: len(hold.held) == 1)
    await client.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, ConnectFailed | BadResponse) for outcome in outcomes)


async def test_idle_connections_make_room_for_new_ones(make: Make, server: Http2Server) -> None:
    client = make(total=2)
    for lane in "abc":
        await post(client, server, lane=lane)
    await server.until(lambda: len(server.peers) == 2)
    assert len(server.requests) == 3
