"""Every golden case, in the order of checks that the contract prescribes, with functions instead of a server."""

import json
from typing import Any, Protocol

import pytest

from clarion.contract.content_type import is_json
from clarion.contract.errors import ACCEPTED, Refusal, key_missing, key_unknown, too_large, wrong_content_type
from clarion.contract.limits import MAX_EVENT_BODY
from clarion.contract.reading import read_json
from clarion.contract.track_event import NUL, TrackEvent, accept, read_event, read_event_value

NOW = 1_795_000_000_000_000


class Case(Protocol):
    name: str
    body: str
    status: int
    response: dict[str, Any]

    def header(self, name: str) -> str | None: ...


def answer(case: Case) -> tuple[int, bytes]:
    key = case.header("api-key")
    content_type = case.header("content-type")
    body = case.body.encode()
    try:
        if not key:
            raise key_missing()
        if key != "$KEY":
            raise key_unknown()
        if not is_json(None if content_type is None else content_type.encode()):
            raise wrong_content_type()
        if len(body) > MAX_EVENT_BODY:
            raise too_large(MAX_EVENT_BODY)
        read_event(body, now=NOW, idempotency_key=case.header("idempotency-key"))
    except Refusal as refusal:
        return refusal.status, refusal.encode()
    return 200, ACCEPTED


def test_the_answer_is_the_corpus_byte_for_byte(case: Case) -> None:
    compact = json.dumps(case.response, ensure_ascii=False, separators=(",", ":")).replace("\x00", "\\u0000")
    assert answer(case) == (case.status, compact.encode())


def test_the_slow_path_gives_the_same_verdict(case: Case) -> None:
    """Cases that are refused before the body is read, or because it is no JSON, never come to it."""
    key = case.header("idempotency-key")
    details = case.response.get("error", {}).get("details", [{"path": []}])
    if case.status == 200:
        value = read_json(case.body.encode())
        assert read_event_value(value, now=NOW, idempotency_key=key) == read_event(case.body.encode(), now=NOW, idempotency_key=key)
    elif case.status == 400 and details[0]["path"]:
        value = read_json(case.body.encode())
        with pytest.raises(Refusal) as refusal:
            read_event_value(value, now=NOW, idempotency_key=key)
        assert json.loads(refusal.value.encode()) == case.response


def test_the_documented_example_takes_the_fast_path() -> None:
    body = b'{"event_name":"add_to_cart","device_token_hash":"D","profile_id":"P","data":{"product_name":"Running Shoes","price":99.99}}'
    assert NUL not in body
    assert accept(body, NOW, None) == TrackEvent("add_to_cart", "D", "P", b'{"product_name":"Running Shoes","price":99.99}', None, None)
