"""The published schemas say what the validation does."""

import json
from typing import Any, Protocol

import pytest
from jsonschema import Draft202012Validator

from clarion.contract import schemas
from clarion.contract.batch import encode_batch_result, read_batch
from clarion.contract.errors import ACCEPTED, key_missing, not_json
from clarion.contract.limits import FACTS

ALL = ["TRACK_EVENT", "BATCH", "SUBSCRIBER", "ERROR", "FAILURE", "ACCEPTED_EVENT", "BATCH_RESULT"]

BEYOND = ("data must be at most 4096 bytes", "timestamp must be", "Idempotency-Key must be")
"""What a schema of the body cannot say, or says only to readers that check formats."""

READ_OTHERWISE = ("a key ends with a newline", "a number beyond every double is", "a number beyond every double counts")
"""Cases in which `$` and a number mean something else to Python's regular expressions and reader than to ECMA-262 and JSON."""


class Case(Protocol):
    name: str
    body: str
    status: int
    response: dict[str, Any]


def valid(schema: schemas.Schema, value: object) -> bool:
    return Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("name", ALL)
def test_schemas_are_plain_json_schema_2020_12(name: str) -> None:
    schema = getattr(schemas, name)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_the_events_schema_judges_as_the_validation_does(case: Case) -> None:
    details = case.response.get("error", {}).get("details", [])
    of_a_field = any(detail["path"] or detail["message"].startswith("device_token_hash or") for detail in details)
    sayable = not all(detail["message"].startswith(BEYOND) for detail in details)
    if case.status == 200 or (case.status == 400 and of_a_field and sayable and not case.name.startswith(READ_OTHERWISE)):
        assert valid(schemas.TRACK_EVENT, json.loads(case.body)) == (case.status == 200)


def test_answers_match_their_schemas(case: Case) -> None:
    if case.status == 200:
        assert valid(schemas.ACCEPTED_EVENT, case.response)
    else:
        assert valid(schemas.FAILURE, case.response)
        assert not valid(schemas.ACCEPTED_EVENT, case.response)


def test_own_envelopes_match() -> None:
    assert valid(schemas.ACCEPTED_EVENT, json.loads(ACCEPTED))
    assert not valid(schemas.FAILURE, json.loads(ACCEPTED))
    assert valid(schemas.FAILURE, json.loads(key_missing().encode()))
    assert valid(schemas.FAILURE, json.loads(not_json().encode()))
    batch = read_batch(b'{"events":[1,{}]}', content_type_is_ndjson=False, now=0)
    assert valid(schemas.BATCH_RESULT, json.loads(encode_batch_result(0, batch.rejected)))


def test_the_batchs_schema() -> None:
    event = {"event_name": "x", "profile_id": "p"}
    assert valid(schemas.BATCH, {"events": [event] * 1000})
    others: list[dict[str, object]] = [{"events": []}, {"events": [event] * 1001}, {"events": {}}, {}, {"events": [{}]}]
    for other in others:
        assert not valid(schemas.BATCH, other)


POINT = "BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"
SECRET = "8PHy8_T19vf4-fr7_P3-_w"


def registration(**more: object) -> dict[str, object]:
    keys = {"p256dh": POINT, "auth": SECRET}
    return {"subscription": {"endpoint": "https://a.example/x", "expirationTime": None, "keys": keys}} | more


def test_the_subscribers_schema() -> None:
    assert valid(schemas.SUBSCRIBER, registration())
    assert valid(schemas.SUBSCRIBER, registration(profile_id="p", attributes={"a": 1}, **dict.fromkeys(FACTS, "x")))
    assert valid(schemas.SUBSCRIBER, registration(profile_id=None, attributes=None, country=None))
    wrongs: list[dict[str, object]] = [
        {},
        {"subscription": None},
        {"subscription": {"endpoint": "https://a.example/x", "keys": {"p256dh": "C" + POINT[1:], "auth": SECRET}}},
        {"subscription": {"endpoint": "https://a.example/x", "keys": {"p256dh": POINT, "auth": SECRET[1:]}}},
        {"subscription": {"endpoint": "ftp://a.example/x", "keys": {"p256dh": POINT, "auth": SECRET}}},
        registration(profile_id=""),
        registration(attributes={"_": 1}),
        registration(city="x" * 65),
    ]
    for value in wrongs:
        assert not valid(schemas.SUBSCRIBER, value)
