"""The delivery client against well-behaved, slow, broken and hostile receivers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from clarion.delivery.errors import BadRequest, BadResponse, Blocked, ConnectFailed, TimedOut
from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient
from clarion.delivery.resolver import Resolver

from .receiver import OK, Received, raw, receiving, silence, status

Build = Callable[..., HttpClient]


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    """Makes clients that may reach this machine, and closes them."""
    async with AsyncExitStack() as stack:

        def make(**options: object) -> HttpClient:
            guard = options.pop("guard", None) or Guard(dangerous_allow_private_targets=True)
            client = HttpClient(guard, **options)  # type: ignore[arg-type]  # each test names its options
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def client(build: Build) -> HttpClient:
    return build()


def names(**known: tuple[str, ...]) -> Resolver:
    async def lookup(host: str) -> tuple[str, ...]:
        return known.get(host.split(".")[0], ())

    return Resolver(lookup=lookup)


async def test_a_request_arrives_as_it_was_given_and_its_answer_comes_back(client: HttpClient) -> None:
    async with receiving(status(202, "X-One: a", "x-one: b", "Content-Type: text/plain", body="hi")) as receiver:
        response = await client.request("POST", receiver.url + "?a=b", [(b"X-Mine", b"1, \xc3\xa4")], b"body")
    assert (response.status, response.body, response.truncated) == (202, b"hi", False)
    assert response.headers[b"x-one"] == b"a, b"
    assert response.headers[b"content-type"] == b"text/plain"
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook?a=b", b"body")
    assert request.headers == [("host", f"127.0.0.1:{receiver.port}"), ("x-mine", "1, \xc3\xa4"), ("content-length", "4")]


@pytest.mark.parametrize(
    ("method", "body", "length"), [("GET", None, None), ("DELETE", None, None), ("POST", None, "0"), ("POST", b"", "0"), ("GET", b"x", "1")]
)
async def test_content_length_is_right(client: HttpClient, method: str, body: bytes | None, length: str | None) -> None:
    async with receiving() as receiver:
        await client.request(method, receiver.url, (), body)
    assert receiver.requests[0].header("content-length") == length


@pytest.mark.parametrize(
    "header",
    [
        (b"x", b"a\r\nevil: 1"), (b"x", b"a\nb"), (b"x", b"a\rb"), (b"x", b"a\0b"), (b"x", b"\x1b"), (b"x\r\ny", b"a"), (b"x: y", b"a"), (b"", b"a"),
        (b"x y", b"a"), (b"\xe4", b"a"), (b"Host", b"evil"), (b"Content-Length", b"9"), (b"transfer-encoding", b"chunked"), (b"Connection", b"close"),
    ],
)  # fmt: skip
async def test_a_header_cannot_become_another_one(client: HttpClient, header: tuple[bytes, bytes]) -> None:
    async with receiving() as receiver:
        with pytest.raises(BadRequest):
            await client.request("POST", receiver.url, [(b"a", b"b"), header], b"")
    assert receiver.connections == 0


@pytest.mark.parametrize("method", ["", "get", "GET /", "CONNECT", "GET\r\nx: y", "GÉT"])
async def test_a_method_is_one_word(client: HttpClient, method: str) -> None:
    async with receiving() as receiver:
        with pytest.raises(BadRequest):
            await client.request(method, receiver.url)


async def test_a_connection_is_used_again(client: HttpClient) -> None:
    async with receiving() as receiver:
        for _ in range(5):
            assert (await client.request("POST", receiver.url, (), b"x")).body == b"ok"
    assert len(receiver.requests) == 5
    assert receiver.connections == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"]
)
async def test_a_connection_that_its_server_gives_up_is_not_used_again(client: HttpClient, answer: bytes) -> None:
    async with receiving(raw(answer)) as receiver:
        for _ in range(2):
            assert (await client.request("GET", receiver.url)).body == b"ok"
    assert receiver.connections == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_without_notice(client: HttpClient) -> None:
    async def close_on_second(request: Received, writer: asyncio.StreamWriter) -> None:
        if len(receiver.requests) == 2:
            writer.close()
        else:
            writer.write(OK)

    async with receiving(close_on_second) as receiver:
        await client.request("POST", receiver.url, (), b"1")
        assert (await client.request("POST", receiver.url, (), b"2")).status == 200
    assert [(request.body, request.connection) for request in receiver.requests] == [(b"1", 1), (b"2", 1), (b"2", 2)]


async def test_a_kept_connection_is_replaced_once_only(client: HttpClient) -> None:
    async with receiving() as receiver:
        await client.request("POST", receiver.url, (), b"1")
        receiver.answer = raw(b"", close=True)
        with pytest.raises(BadResponse, match="closed without an answer"):
            await client.request("POST", receiver.url, (), b"2")
    assert len(receiver.requests) == 3


async def test_a_request_is_not_repeated_once_an_answer_has_begun(client: HttpClient) -> None:
    async with receiving() as receiver:
        await client.request("POST", receiver.url, (), b"1")
        receiver.answer = raw(b"H", close=True)
        with pytest.raises(BadResponse, match="middle"):
            await client.request("POST", receiver.url, (), b"2")
    assert len(receiver.requests) == 2


async def test_a_new_connection_that_closes_without_an_answer_fails(client: HttpClient) -> None:
    async with receiving(raw(b"", close=True)) as receiver:
        with pytest.raises(BadResponse):
            await client.request("POST", receiver.url, (), b"1")
    assert len(receiver.requests) == 1


async def test_bytes_that_nobody_asked_for_end_the_connection(client: HttpClient) -> None:
    evil = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
    async with receiving(raw(OK + evil)) as receiver:
        for _ in range(3):
            assert (await client.request("GET", receiver.url)).status == 200
    assert receiver.connections == 3


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(client: HttpClient, code: int) -> None:
    async with receiving(status(code, "location: /elsewhere")) as receiver:
        response = await client.request("GET", receiver.url)
    assert response.status == code
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", b"HTTP/1.1 200 OK\r\nx: y\r\n",
        b"HTTP/1.1 200", b"SSH-2.0-OpenSSH\r\n", b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
        b"HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_whole_answer_is_a_bad_response(client: HttpClient, answer: bytes) -> None:
    async with receiving(raw(answer, close=True)) as receiver:
        with pytest.raises(BadResponse):
            await client.request("GET", receiver.url)
        receiver.answer = raw(OK)
        assert (await client.request("GET", receiver.url)).status == 200


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"), (b"HTTP/1.1 204 No\r\n\r\n", b""), (b"HTTP/1.1 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nt: v\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\nx: 1\r\n\r\nHTTP/1.1 103 Early\r\n\r\n" + OK, b"ok"),
    ],
)  # fmt: skip
async def test_every_way_to_end_an_answer_is_understood(client: HttpClient, answer: bytes, body: bytes) -> None:
    async with receiving(raw(answer, close=True)) as receiver:
        response = await client.request("GET", receiver.url)
    assert response.body == body
    assert b"x" not in response.headers


async def test_answers_in_single_bytes_are_put_together(client: HttpClient) -> None:
    async def trickle(_: Received, writer: asyncio.StreamWriter) -> None:
        for position in range(len(OK)):
            writer.write(OK[position : position + 1])
            await writer.drain()

    async with receiving(trickle) as receiver:
        assert (await client.request("GET", receiver.url)).body == b"ok"


async def test_an_answer_to_head_has_no_body(client: HttpClient) -> None:
    async with receiving(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")) as receiver:
        for _ in range(2):
            assert (await client.request("HEAD", receiver.url)).body == b""


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_body_is_cut_at_the_limit_and_the_rest_not_read(build: Build, framing: str) -> None:
    client = build(max_response=1000)

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        heads = {"length": f"content-length: {size}\r\n", "chunked": "transfer-encoding: chunked\r\n", "close": ""}
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size) if framing == "chunked" else b"x" * size
        writer.write(f"HTTP/1.1 200 OK\r\n{heads[framing]}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with receiving(answer) as receiver:
        for size, truncated in ((1000, False), (1001, True), (5_000_000, True)):
            response = await client.request("GET", receiver.url)
            assert response.body == b"x" * 1000
            assert response.truncated is truncated


async def test_both_sides_of_the_heads_limit(build: Build) -> None:
    client = build(max_head=1000)
    async with receiving() as receiver:
        receiver.answer = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: " + b"y" * 900 + b"\r\n\r\n")
        assert (await client.request("GET", receiver.url)).status == 200
        for name in (b"x: " + b"y" * 1000, b"\r\n".join(b"x: y" for _ in range(300)), b"y" * 500_000):
            receiver.answer = raw(b"HTTP/1.1 200 OK\r\n" + name + b"\r\n\r\n")
            with pytest.raises(BadResponse, match="head is too large|not HTTP"):
                await client.request("GET", receiver.url)
        receiver.answer = raw(b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n" * 1000)
        with pytest.raises(BadResponse, match="head is too large"):
            await client.request("GET", receiver.url)


async def test_endless_trailers_end_the_exchange(build: Build) -> None:
    client = build(max_head=1000, max_response=1000)
    async with receiving(raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"t: v\r\n" * 5000)) as receiver:
        with pytest.raises(BadResponse, match="trailers"):
            await client.request("GET", receiver.url)


async def test_a_receiver_that_says_nothing_costs_the_timeout(build: Build) -> None:
    client = build(timeout=0.05)
    async with receiving(silence(asyncio.Event())) as receiver:
        with pytest.raises(TimedOut, match="no complete answer"):
            await client.request("GET", receiver.url)


async def test_a_receiver_that_drips_costs_no_more_than_the_timeout(build: Build) -> None:
    client = build(timeout=0.05)
    gone = asyncio.Event()

    async def drip(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.001)  # the drip itself, not a wait for the client
        finally:
            gone.set()

    async with receiving(drip) as receiver:
        with pytest.raises(TimedOut):
            await client.request("GET", receiver.url)
        await gone.wait()


async def test_a_cancelled_request_leaves_no_connection_that_another_could_get(client: HttpClient) -> None:
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver:
        task = asyncio.create_task(client.request("GET", receiver.url))
        await receiver.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        receiver.answer = status(204)
        assert (await client.request("GET", receiver.url)).status == 204
    assert receiver.connections == 2


async def test_idle_connections_are_bounded_for_each_origin(build: Build) -> None:
    client = build(idle_per_origin=2)
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver:
        tasks = [asyncio.create_task(client.request("GET", receiver.url)) for _ in range(5)]
        await receiver.wait_for(5)
        release.set()
        await asyncio.gather(*tasks)
        assert receiver.connections == 5
        await asyncio.gather(*(client.request("GET", receiver.url) for _ in range(5)))
        assert receiver.connections == 8


async def test_idle_connections_are_bounded_in_all(build: Build) -> None:
    client = build(idle_total=1)
    async with receiving() as one, receiving() as other:
        for receiver in (one, other, other, one):
            await client.request("GET", receiver.url)
    assert (one.connections, other.connections) == (2, 1)


async def test_an_idle_connection_is_closed_after_a_while(build: Build) -> None:
    client = build(idle_timeout=0.02)
    ended = asyncio.Event()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(watch, "127.0.0.1", 0)
    await client.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await ended.wait()
    server.close()
    await server.wait_closed()


async def test_nobody_listening_is_a_failed_connection(client: HttpClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectFailed, match="refused"):
            await client.request("GET", f"http://127.0.0.1:{unused.getsockname()[1]}/")


async def test_closing_the_client_fails_what_is_under_way(client: HttpClient) -> None:
    async with receiving(silence(asyncio.Event())) as receiver:
        task = asyncio.create_task(client.request("GET", receiver.url))
        await receiver.wait_for(1)
        await client.close()
        with pytest.raises(BadResponse):
            await task


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "2130706433", "0x7f.1"]
)
async def test_the_guard_stands_before_every_form_of_a_private_address(build: Build, host: str) -> None:
    async with receiving() as receiver:
        with pytest.raises(Blocked):
            await build(guard=Guard()).request("GET", f"http://{host}:{receiver.port}/")
    assert receiver.connections == 0


async def test_a_name_that_resolves_to_a_private_address_is_blocked(build: Build) -> None:
    client = build(guard=Guard(), resolver=names(rebound=("127.0.0.1", "::1", "fe80::1%lo")))
    async with receiving() as receiver:
        with pytest.raises(Blocked, match="loopback"):
            await client.request("GET", f"http://rebound.example:{receiver.port}/")
    assert receiver.connections == 0


async def test_of_several_addresses_only_the_permitted_are_tried_until_one_answers(build: Build) -> None:
    client = build(resolver=names(several=("169.254.169.254", "127.0.0.2", "127.0.0.1")))
    async with receiving() as receiver:
        response = await client.request("GET", f"http://several.example:{receiver.port}/")
    assert response.status == 200
    assert receiver.requests[0].header("host") == f"several.example:{receiver.port}"


async def test_a_name_that_does_not_resolve_is_a_failed_connection(build: Build) -> None:
    with pytest.raises(ConnectFailed, match="does not resolve"):
        await build(resolver=names()).request("GET", "http://nowhere.example/")


async def test_a_resolver_that_says_nothing_costs_the_connect_timeout(build: Build) -> None:
    async def lookup(_: str) -> tuple[str, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TimedOut, match="not resolved"):
        await build(connect_timeout=0.03, resolver=Resolver(lookup=lookup)).request("GET", "http://slow.example/")


async def test_a_server_that_accepts_nobody_costs_the_connect_timeout(build: Build) -> None:
    client = build(connect_timeout=0.05)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = "http://127.0.0.1:%d/" % full.getsockname()[1]
        with socket.create_connection(full.getsockname()):
            with pytest.raises(TimedOut, match="no connection"):
                await client.request("GET", url)
