"""Both sides of each limit on a request's head, and on what else a client can make long."""

import pytest
from tests.server.client import Client, request
from tests.server.conftest import Serve

TARGET, FIELDS, SECTION = 200, 10, 20_000


@pytest.fixture
async def limited(serve: Serve) -> Client:
    """A connection to a server with these limits."""
    return await (await serve(target_bytes=TARGET, header_count=FIELDS, header_bytes=SECTION)).connect()


def section(size: int) -> bytes:
    """A request whose header section has this size: each field's name and value and four bytes more."""
    return request("POST", "/direct", b"", "A: " + "x" * (size - len("Host: shop.example\r\n") - len("A: \r\n")))


@pytest.mark.parametrize("path", ["/direct?", "/show/"])
async def test_target(limited: Client, path: str) -> None:
    assert (await limited.ask(request("POST", path.ljust(TARGET, "x")))).status == 200
    answer = await limited.ask(request("POST", path.ljust(TARGET + 1, "x")))
    assert (answer.status, answer.json["error"]["code"]) == (414, 1003)
    assert await limited.rest() == b""


async def test_target_in_pieces(limited: Client) -> None:
    await limited.send(b"GET /" + b"x" * (TARGET - 2))
    await limited.send(b"xx")
    assert (await limited.response()).status == 414


async def test_count(limited: Client) -> None:
    assert (await limited.ask(request("POST", "/direct", b"", *["A: b"] * (FIELDS - 1)))).status == 200
    answer = await limited.ask(request("POST", "/direct", b"", *["A: b"] * FIELDS))
    assert (answer.status, answer.json["error"]["code"]) == (431, 1003)
    assert await limited.rest() == b""


async def test_section(limited: Client) -> None:
    assert (await limited.ask(section(SECTION))).status == 200
    assert (await limited.ask(section(SECTION + 1))).status == 431
    assert await limited.rest() == b""


async def test_section_in_pieces(limited: Client) -> None:
    whole = section(SECTION)
    for start in range(0, len(whole), 97):
        await limited.send(whole[start : start + 97])
    assert (await limited.response()).status == 200


@pytest.mark.parametrize(
    ("opening", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: ", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 431),
        (b"POST /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", 431),
        (b"POST /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", 431),
    ],
    ids=["value", "name", "chunk extension", "trailer"],
)
async def test_what_never_ends_is_refused_on_the_way(limited: Client, opening: bytes, status: int) -> None:
    await limited.send(opening + b"x" * 4 * SECTION)
    assert (await limited.response()).status == status
    assert await limited.rest() == b""


async def test_trailers_count_with_the_headers(limited: Client) -> None:
    whole = b"POST /direct HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n%b\r\n"
    assert (await limited.ask(whole % (b"A: b\r\n" * (FIELDS - 2)))).body == b"a"
    assert (await limited.ask(whole % (b"A: b\r\n" * (FIELDS + 1)))).status == 431
