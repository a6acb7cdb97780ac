"""The headers that all responses have, and request ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.client import Client, request
from tests.server.conftest import Serve

from clarion.api.protocol_responses import Responses
from clarion.api.request_ids import request_ids, usable_request_id
from clarion.clock import SECOND

EVERYWHERE = [
    request("POST", "/direct", b"{}"),
    request("GET", "/direct"),
    request("GET", "/show/x"),
    request("GET", "/nowhere"),
    b"?\r\n\r\n",
]


@pytest.mark.parametrize("asked", EVERYWHERE)
async def test_every_response_has_date_length_and_id_and_no_server(serve: Serve, asked: bytes) -> None:
    served = await serve(server={"clock": lambda: 784_111_777 * SECOND})
    answer = await (await served.connect()).ask(asked)
    assert answer.headers["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert usable_request_id(answer.headers["x-request-id"].encode())
    assert "server" not in answer.headers


@pytest.mark.parametrize("asked", EVERYWHERE[:2])
async def test_direct_responses_are_json(client: Client, asked: bytes) -> None:
    assert (await client.ask(asked)).headers["content-type"] == "application/json"


@pytest.mark.parametrize("method_and_path", [("POST", "/direct"), ("GET", "/direct"), ("GET", "/show/x")])
async def test_a_usable_id_is_echoed_and_another_replaced(client: Client, method_and_path: tuple[str, str]) -> None:
    for sent, echoed in (("a", True), ("x" * 128, True), ("aZ0._-", True), ("x" * 129, False), ("", False), ("a b", False), ("é", False)):
        answer = await client.ask(request(*method_and_path, b"", f"X-Request-Id: {sent}"))
        assert (answer.headers["x-request-id"] == sent) is echoed
        if method_and_path[1] == "/show/x":
            assert answer.json["request_id"] == answer.headers["x-request-id"]


async def test_new_ids_differ(client: Client) -> None:
    ids = {(await client.ask(asked)).headers["x-request-id"] for asked in EVERYWHERE[:4] * 5}
    assert len(ids) == 20


def test_ids_of_two_sources_differ() -> None:
    assert request_ids()() != request_ids()()
    source = request_ids(b"p")
    assert [source() for _ in range(16)][-1] == b"p-10"


@given(st.binary(max_size=140))
def test_usable_ids(value: bytes) -> None:
    letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    assert usable_request_id(value) is (1 <= len(value) <= 128 and all(byte in letters for byte in value))


def test_the_date_moves() -> None:
    responses = Responses(0)
    assert b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" in responses.start(200, 1)
    responses.refresh(1)
    assert b"date: Thu, 01 Jan 1970 00:00:01 GMT\r\n" in responses.start(200, 1)


def test_what_is_remembered_of_responses_is_bounded() -> None:
    responses = Responses(0)
    for length in range(5000):
        responses.start(200, length)
    assert len(responses.starts) <= 1024


def test_a_status_without_name() -> None:
    assert Responses(0).start(299, 0).startswith(b"HTTP/1.1 299 \r\n")
