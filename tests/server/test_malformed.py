"""What is no HTTP, or could mean two things to two servers, is refused with 400 and ends the connection (RFC 9112)."""

import pytest
from tests.server.client import request
from tests.server.conftest import Serve
from tests.server.routes import Held

MALFORMED = {"error": {"message": "Invalid data", "code": 1003, "details": [{"message": "Malformed HTTP request", "path": []}]}}
POST = b"POST /direct HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /show/x HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

HEADS = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "unknown method": b"STEAL /direct HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in lower case": b"post /direct HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT shop.example:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "version 0.9": b"GET /show/x\r\n\r\n",
    "version 1.2": b"GET /show/x HTTP/1.2\r\nHost: x\r\n\r\n",
    "version 2.0": b"GET /show/x HTTP/2.0\r\nHost: x\r\n\r\n",
    "target without slash": b"GET show/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk for GET": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /show/x#y HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme": b"GET ftp://x/show/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "userinfo": b"GET http://me@x/show/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in target": b"GET /show/x y HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in target": b"GET /show/\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target outside ASCII": b"GET /show/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no Host": b"GET /show/x HTTP/1.1\r\n\r\n",
    "no Host, direct": b"POST /direct HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: x\r\n\r\n",
    "impossible Host": b"GET /show/x HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "Host with user": b"GET /show/x HTTP/1.1\r\nHost: me@x\r\n\r\n",
    "bare LF after the request line": b"GET /show/x HTTP/1.1\nHost: x\r\n\r\n",
    "bare LF after a header": b"GET /show/x HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "bare LF at the end": b"GET /show/x HTTP/1.1\r\nHost: x\r\n\n",
    "bare CR in a value": b"GET /show/x HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "folded line": GET + b"A: b\r\n c\r\n\r\n",
    "space before the first header": b"GET /show/x HTTP/1.1\r\n Host: x\r\n\r\n",
    "space before the colon": GET + b"A : b\r\n\r\n",
    "empty name": GET + b": b\r\n\r\n",
    "NUL in a value": GET + b"A: b\0c\r\n\r\n",
    "control character in a value": GET + b"A: b\x01c\r\n\r\n",
    "length and coding": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths that differ": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two lengths that agree": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "empty length": POST + b"Content-Length:\r\n\r\n",
    "length in two words": POST + b"Content-Length: 1 2\r\n\r\nabc",
    "hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "absurd length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "another coding first": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "empty coding": POST + b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
    "coding from a 1.0 client": b"POST /direct HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two keys": POST + b"Api-Key: a\r\nApi-Key: b\r\n\r\n",
    "two content types": POST + b"Content-Type: text/plain\r\nContent-Type: application/json\r\n\r\n",
}
CHUNKS = {
    "bare LF after a size": b"1\na\r\n0\r\n\r\n",
    "bare LF after data": b"1\r\na\n0\r\n\r\n",
    "bare LF in an extension": b"1;a\nb\r\na\r\n0\r\n\r\n",
    "data longer than its size": b"1\r\nab\r\n0\r\n\r\n",
    "prefixed size": b"0x1\r\na\r\n0\r\n\r\n",
    "signed size": b"-1\r\na\r\n0\r\n\r\n",
    "space after a size": b"1 \r\na\r\n0\r\n\r\n",
    "absurd size": b"fffffffffffffffffff\r\na\r\n0\r\n\r\n",
    "length in the trailer": b"0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("raw", [*HEADS.values(), *(CHUNKED + chunks for chunks in CHUNKS.values())], ids=[*HEADS, *CHUNKS])
async def test_refused(serve: Serve, raw: bytes) -> None:
    held = Held()
    served = await serve({"/direct": held})
    client = await served.connect()
    answer = await client.ask(raw + request())
    assert (answer.status, answer.json, answer.headers["connection"]) == (400, MALFORMED, "close")
    assert answer.headers["content-type"] == "application/json"
    assert await client.rest() == b"", "nothing after it is answered"
    assert not held.requests
    # the same in two pieces, cut anywhere
    for cut in range(1, len(raw), 7):
        client = await served.connect()
        await client.send(raw[:cut])
        await client.send(raw[cut:] + request())
        assert (await client.response()).status == 400
        assert await client.rest() == b""
    assert not held.requests


ACCEPTED = {
    "empty lines before the request line": b"\r\n\r\n" + POST + b"\r\n",
    "no space after a colon": b"POST /direct HTTP/1.1\r\nHost:x\r\n\r\n",
    "Host with port": b"POST /direct HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "empty Host": b"POST /direct HTTP/1.1\r\nHost:\r\n\r\n",
    "value outside ASCII": POST + b"A: \xc3\xa9\r\n\r\n",
    "coding in other letters": POST + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
    "length with white space": POST + b"Content-Length:  0 \t\r\n\r\n",
    "key twice the same": POST + b"Api-Key: a\r\nApi-Key: a\r\n\r\n",
    "no Host from a 1.0 client": b"POST /direct HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED)
async def test_accepted(serve: Serve, raw: bytes) -> None:
    client = await (await serve()).connect()
    for _ in range(2):
        assert (await client.ask(raw)).status == 200


async def test_an_answer_to_what_went_before_comes_first(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request() + b"nonsense\r\n\r\n")
    (asked,) = await held.arrived(1)
    asked.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(2)] == [200, 400]
    assert await client.rest() == b""


async def test_a_request_hidden_in_a_body_is_a_body(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request("POST", "/direct", request("POST", "/direct", b"inner")) + request("POST", "/direct", b"outer"))
    asked = await held.arrived(2)
    assert [each.body for each in asked] == [request("POST", "/direct", b"inner"), b"outer"]
