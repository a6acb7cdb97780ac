"""Exchanges of the delivery client with well-behaved, careless and broken receivers."""

import asyncio

import pytest

from clarion.delivery.errors import BadRequest, BadResponse
from clarion.delivery.http1 import HttpClient

from .receiver import OK, Received, raw, receiving, status


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
        (b"x", b"a\r\nevil: 1"), (b"x", b"a\nb"), (b"x", b"a\rb"), (b"x", b"a\0b"), (b"x", b"\x1b"), (b"x\r\ny", b"a"),
        (b"x: y", b"a"), (b"", b"a"),
        (b"x y", b"a"), (b"\xe4", b"a"), (b"Host", b"evil"), (b"Content-Length", b"9"),
        (b"transfer-encoding", b"chunked"), (b"Connection", b"close"),
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
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nx: y\r\n",
        b"HTTP/1.1 200", b"SSH-2.0-OpenSSH\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
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
