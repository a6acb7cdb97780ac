"""The envelopes: status, code and words of every refusal, as bytes."""

import pytest

from clarion.contract import errors
from clarion.contract.errors import Detail, Refusal
from clarion.contract.limits import MAX_BATCH_BODY
from clarion.contract.problems import Problems

REFUSALS = [
    (
        errors.key_missing(),
        401,
        b'{"error":{"message":"API key is required. Please provide a valid API key in the API-KEY header.","code":401002}}',
        (),
    ),
    (
        errors.key_unknown(),
        401,
        b'{"error":{"message":"Invalid API key. The provided API key was not found or is incorrect.","code":401000}}',
        (),
    ),
    (errors.forbidden(), 403, b'{"error":{"message":"This API key is not allowed to do that.","code":403000}}', ()),
    (errors.not_found(), 404, b'{"error":{"message":"Not found.","code":1004}}', ()),
    (
        errors.method_not_allowed(("GET", "POST")),
        405,
        b'{"error":{"message":"Method not allowed.","code":1005}}',
        (("Allow", "GET, POST"),),
    ),
    (errors.event_id_conflict(), 409, b'{"error":{"message":"event_id was already used with different content.","code":1009}}', ()),
    (
        errors.too_many_requests(7),
        429,
        b'{"error":{"message":"Too many requests. Please slow down.","code":1029}}',
        (("Retry-After", "7"),),
    ),
    (errors.failure(), 500, b'{"error":{"message":"Something went wrong.","code":1001}}', ()),
    (
        errors.unavailable(2),
        503,
        b'{"error":{"message":"Service temporarily unavailable. Please retry.","code":1053}}',
        (("Retry-After", "2"),),
    ),
    (
        errors.not_json(),
        400,
        b'{"error":{"message":"Invalid data","code":1003,"details":[{"message":"Request body must be valid JSON","path":[]}]}}',
        (),
    ),
    (
        errors.wrong_content_type("application/json", "application/x-ndjson"),
        400,
        b'{"error":{"message":"Invalid data","code":1003,"details":'
        b'[{"message":"Content-Type must be application/json or application/x-ndjson","path":[]}]}}',
        (),
    ),
    (
        errors.too_large(MAX_BATCH_BODY),
        413,
        b'{"error":{"message":"Invalid data","code":1003,"details":[{"message":"Request body must be at most 1048576 bytes","path":[]}]}}',
        (),
    ),
]


@pytest.mark.parametrize(("refusal", "status", "body", "headers"), REFUSALS, ids=[body[21:50].decode() for _, _, body, _ in REFUSALS])
def test_refusals(refusal: Refusal, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    assert (refusal.status, refusal.encode(), refusal.headers) == (status, body, headers)


def test_text_outside_ascii_is_not_escaped() -> None:
    assert errors.invalid(Detail("ä", ("data", "😀"))).encode() == (
        '{"error":{"message":"Invalid data","code":1003,"details":[{"message":"ä","path":["data","😀"]}]}}'.encode()
    )


def test_success_carries_data() -> None:
    assert errors.success({}) == errors.ACCEPTED
    assert errors.success([{"ä": 1}]) == '{"error_code":0,"data":[{"ä":1}]}'.encode()


def test_an_operator_reads_what_is_wrong_and_where() -> None:
    assert str(errors.invalid(Detail("no good", ("data", "a")), Detail("nobody"))) == "1003 Invalid data (data.a: no good; nobody)"
    assert str(errors.not_found()) == "1004 Not found."


def test_at_most_100_problems_are_kept() -> None:
    problems = Problems()
    problems.refuse()
    full = []
    for number in range(101):
        problems.add("wrong", str(number))
        full.append(problems.full)
    assert full == [False] * 99 + [True] * 2
    with pytest.raises(Refusal) as refusal:
        problems.refuse()
    assert [detail.path for detail in refusal.value.details] == [(str(number),) for number in range(100)]
