"""The golden corpus over a real socket, byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.server import Server
from tests.server.client import Client, request

CORPUS = Path(__file__).parents[1] / "contract"
CASES = [json.loads(line) for file in ("track-event.jsonl", "more-cases.jsonl") for line in (CORPUS / file).read_bytes().splitlines()]
Case = dict[str, Any]

each = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def head_lines(case: Case, server: Server) -> list[str]:
    return [f"{name}: {value.replace('$KEY', server.key)}" for name, value in case["headers"].items()]


async def check(client: Client, case: Case, sent: bytes) -> None:
    answer = await client.ask(sent)
    assert answer.status == case["status"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == json.dumps(case["response"], ensure_ascii=False, separators=(",", ":")).encode()
    assert await client.rest() == b""


@each
async def test_the_answer_is_the_corpus_byte_for_byte(server: Server, client: Client, case: Case) -> None:
    await check(client, case, request("POST", "/api/v1/events", case["body"].encode(), *head_lines(case, server), "Connection: close"))


@each
async def test_a_body_in_small_chunks_gives_the_same_answer(server: Server, client: Client, case: Case) -> None:
    body = case["body"].encode()
    size = 7 if len(body) < 1000 else 1000
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    head = request("POST", "/api/v1/events", b"", *head_lines(case, server), "Transfer-Encoding: chunked", "Connection: close")
    await check(client, case, head + chunks)
