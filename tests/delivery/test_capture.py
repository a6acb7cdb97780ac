"""What a run gets to see of an answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.capture import LONGEST_TEXT, MOST_MEMBERS, capture
from clarion.delivery.connection import Response
from clarion.domain.records import Scalar

from .conftest import Post
from .outbox import change, http
from .receiver import receiving, status


def seen(body: bytes | str, *secrets: str) -> dict[str, Scalar]:
    return capture(Response(200, {}, body if isinstance(body, bytes) else body.encode()), secrets)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": "x", "n": 1, "f": 1.5, "t": true, "f0": false, "e": ""}', {"a": "x", "n": 1, "f": 1.5, "t": True, "f0": False, "e": ""}),
        ('{"o": {}, "l": [1], "z": null, "a": 1}', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('{"": 1, "a b": 1, "é": 1, "-a": 1, "a.b": 1, "1-a_B": 1}', {"1-a_B": 1}),
        (f'{{"{"k" * 255}": 1, "{"k" * 256}": 1}}', {"k" * 255: 1}),
        (f'{{"a": {2**63 - 1}, "b": {2**63}, "c": {-(2**63)}, "d": {-(2**63) - 1}}}', {"a": 2**63 - 1, "c": -(2**63)}),
        (f'{{"a": {"9" * 5000}, "b": 1e999, "c": -1e999, "d": 1e308}}', {"d": 1e308}),
        (json.dumps({"a": "x" * LONGEST_TEXT, "b": "x" * (LONGEST_TEXT + 1)}), {"a": "x" * LONGEST_TEXT}),
        (r'{"a": "\u0000", "b": "x\ud800", "c": "\udc00x", "d": "\ud83d\ude00"}', {"d": "😀"}),
        ('{"a": NaN}', {}),
        ('{"a": Infinity}', {}),
        ("[1]", {}),
        ('"x"', {}),
        ("", {}),
        ("{", {}),
        ('{"a": 1} x', {}),
        ("<html>", {}),
        ("[" * 60_000, {}),
        ('{"a":' * 10_000, {}),
        (b'{"a": "\xff"}', {}),
        (b'\xef\xbb\xbf{"a": 1}', {}),
        ('{"a": 1}'.encode("utf-16"), {}),
    ],
)
def test_top_level_scalars_of_an_object(body: bytes | str, expected: dict[str, Scalar]) -> None:
    found = seen(body)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


def test_at_most_100_members() -> None:
    assert MOST_MEMBERS == 100
    body = {"no": None} | {f"k{number}": number for number in range(101)}
    assert seen(json.dumps(body)) == {f"k{number}": number for number in range(100)}


def test_nothing_of_no_answer_or_of_half_an_answer() -> None:
    assert capture(None) == {}
    assert capture(Response(200, {}, b'{"a": 1}', truncated=True)) == {}


def test_what_repeats_a_secret_is_left_out() -> None:
    body = {"echo": "Bearer s3cret/1!", "form": "key=s3cret%2F1%21", "s3cret": 1, "number": 1234, "with42in": 1, "fine": "s3cre"}
    assert seen(json.dumps(body), "s3cret/1!", "1234", "42") == {"s3cret": 1, "fine": "s3cre"}


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=40), st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(
    st.characters(exclude_categories=()), max_size=4), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=3), inner, max_size=3), max_leaves=8).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_answer_gives_scalars_that_can_be_stored(body: bytes) -> None:
    for value in seen(body).values():
        json.dumps(value, allow_nan=False).encode()
        assert isinstance(value, str | int | float)
        str(value).encode()


@pytest.mark.parametrize(("code", "outcome"), [(200, "sent"), (201, "sent"), (422, "failed"), (302, "failed")])
async def test_the_end_of_an_awaited_request_holds_what_was_answered(post: Post, code: int, outcome: str) -> None:
    async with receiving(status(code, body='{"id": 7, "error": "no stock", "more": {}}')) as receiver:
        post.outbox.put(http(1, receiver.url, capture=True))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.status, report.response) == (outcome, code, {"id": 7, "error": "no stock"})


async def test_what_nobody_awaits_is_not_kept(post: Post) -> None:
    async with receiving(status(200, body='{"id": 7}')) as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.response) == ("sent", None)


async def test_only_the_last_attempt_counts(post: Post) -> None:
    async with receiving(status(503, body='{"id": 1}')) as receiver:
        post.outbox.put(http(1, receiver.url, capture=True))
        await post.start()
        (first,) = await post.outbox.until_reported()
        assert (first.outcome, first.response) == (None, None)
        receiver.answer = status(200, body='{"id": 2}')
        assert first.retry_at is not None
        post.move_to(first.retry_at)
        _, second = await post.outbox.until_reported(2)
    assert (second.outcome, second.response) == ("sent", {"id": 2})


async def test_a_retry_that_comes_too_late_ends_with_that_attempts_answer(post: Post) -> None:
    async with receiving(status(503, body='{"id": 1}')) as receiver:
        post.outbox.put(change(http(1, receiver.url, capture=True), expires=post.now() + 1))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.status, report.response) == ("failed", 503, {"id": 1})


async def test_without_an_answer_there_is_an_empty_one(post: Post, guarded: Post) -> None:
    post.outbox.put(change(http(1, "http://127.0.0.1:1/", capture=True), expires=post.now() - 1))
    await post.start()
    (late,) = await post.outbox.until_reported()
    assert (late.outcome, late.response) == ("expired", {})
    guarded.outbox.put(http(1, "http://127.0.0.1:1/", capture=True))
    await guarded.start()
    (blocked,) = await guarded.outbox.until_reported()
    assert (blocked.outcome, blocked.response) == ("failed", {})


async def test_an_answer_beyond_the_limit_is_none(post: Post) -> None:
    fits, over = ('{"id": 1, "pad": "' + "x" * (size - 20) + '"}' for size in (65_536, 65_537))
    assert (len(fits), len(over)) == (65_536, 65_537)
    for number, (body, expected) in enumerate([(fits, {"id": 1}), (over, {})]):
        async with receiving(status(200, body=body)) as receiver:
            post.outbox.put(http(number, receiver.url, capture=True))
            if not number:
                await post.start()
            post.worker.wake()
            report = (await post.outbox.until_reported(number + 1))[number]
        assert (report.outcome, report.response) == ("sent", expected)
