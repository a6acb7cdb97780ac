"""When a delivery is tried again, and what answers mean."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.clock import DAY, HOUR, SECOND
from clarion.delivery.errors import BadRequest, BadResponse, Blocked, ConnectFailed, SendError, TimedOut
from clarion.delivery.retry import DELAYS, HORIZON, MAX_ATTEMPTS, MAX_RETRY_AFTER, classify, next_attempt, parse_retry_after

NOW = 1_760_000_000 * SECOND
FAR = NOW + 100 * DAY


def after(
    attempts: int, *, now: int = NOW, first: int = NOW, expires: int = FAR, retry_after: int | None = None, jitter: float = 0.0
) -> int | None:
    return next_attempt(attempts, now, first=first, expires=expires, retry_after=retry_after, jitter=jitter)


@given(st.integers(1, len(DELAYS)), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_between_half_and_the_whole_of_its_delay(attempts: int, jitter: float) -> None:
    at = after(attempts, jitter=jitter)
    assert at is not None
    assert DELAYS[attempts - 1] // 2 <= at - NOW <= DELAYS[attempts - 1]


def test_the_delays_grow_to_six_hours_and_cover_a_day() -> None:
    assert list(DELAYS) == sorted(DELAYS)
    assert DELAYS[0] == 5 * SECOND
    assert DELAYS[-1] == 6 * HOUR
    assert sum(DELAYS) >= DAY
    assert len(DELAYS) + 1 == MAX_ATTEMPTS == 12


def test_the_last_attempt_has_no_successor() -> None:
    assert after(MAX_ATTEMPTS - 1) is not None
    assert after(MAX_ATTEMPTS) is None


def test_no_retry_after_the_horizon() -> None:
    assert after(1, first=NOW + DELAYS[0] // 2 - HORIZON) == NOW + DELAYS[0] // 2
    assert after(1, first=NOW + DELAYS[0] // 2 - HORIZON - 1) is None


def test_no_retry_after_expiry() -> None:
    assert after(1, expires=NOW + DELAYS[0] // 2) == NOW + DELAYS[0] // 2
    assert after(1, expires=NOW + DELAYS[0] // 2 - 1) is None


def test_retry_after_lengthens_but_never_shortens_the_wait() -> None:
    assert after(1, retry_after=HOUR) == NOW + HOUR
    assert after(1, retry_after=1) == NOW + DELAYS[0] // 2
    assert after(1, retry_after=50 * DAY) == NOW + MAX_RETRY_AFTER


@given(st.integers(1, 20), st.integers(0, 2 * DAY), st.none() | st.integers(0, 10 * DAY), st.floats(0, 1, exclude_max=True))
@settings(max_examples=200)
def test_a_retry_is_always_later_and_always_in_time(attempts: int, lived: int, retry_after: int | None, jitter: float) -> None:
    at = after(attempts, first=NOW - lived, expires=NOW + DAY // 2, retry_after=retry_after, jitter=jitter)
    assert at is None or NOW < at <= min(NOW + DAY // 2, NOW - lived + HORIZON)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (b"0", 0), (b"120", 120 * SECOND), (b" 7 ", 7 * SECOND),
        (b"21600", MAX_RETRY_AFTER), (b"21601", MAX_RETRY_AFTER), (b"9" * 5000, MAX_RETRY_AFTER),
        (b"-1", None), (b"1.5", None), (b"", None), (b"soon", None), (b"\xff", None), (b"Wed, 99 Foo 2025 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_in_seconds(value: bytes, wait: int | None) -> None:
    assert parse_retry_after(value, NOW) == wait


@pytest.mark.parametrize(("seconds", "wait"), [(90, 90), (-90, 0), (30 * 86400, 21600)])
def test_retry_after_as_a_date(seconds: int, wait: int) -> None:
    value = format_datetime(datetime.fromtimestamp(NOW // SECOND + seconds, UTC), usegmt=True).encode()
    assert parse_retry_after(value, NOW) == wait * SECOND


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_no_bytes_break_the_reader_of_retry_after(value: bytes) -> None:
    wait = parse_retry_after(value, NOW)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


PUSH = {
    200: "sent",
    201: "sent",
    204: "sent",
    301: "failed",
    400: "failed",
    401: "failed",
    403: "failed",
    404: "gone",
    405: "failed",
    408: "retry",
}
PUSH |= {410: "gone", 413: "failed", 425: "retry", 429: "retry", 499: "failed", 500: "retry", 503: "retry", 599: "retry"}
HTTP = PUSH | {404: "failed", 410: "failed", 302: "failed", 308: "failed"}


@pytest.mark.parametrize(("status", "outcome"), PUSH.items())
def test_what_a_push_services_answer_means(status: int, outcome: str) -> None:
    verdict = classify("push", status)
    assert verdict.outcome == outcome
    assert (verdict.reason is None) == (outcome == "sent")


@pytest.mark.parametrize(("status", "outcome"), HTTP.items())
def test_what_a_receivers_answer_means(status: int, outcome: str) -> None:
    verdict = classify("http", status)
    assert verdict.outcome == outcome
    assert outcome == "sent" or str(status) in (verdict.reason or "")


@pytest.mark.parametrize("kind", ["push", "http"])
def test_errors_of_the_network_are_retried_and_refusals_are_not(kind: str) -> None:
    transient: list[type[SendError]] = [ConnectFailed, TimedOut, BadResponse]
    permanent: list[type[SendError]] = [Blocked, BadRequest]
    assert {classify(kind, error("why")).outcome for error in transient} == {"retry"}
    assert {classify(kind, error("why")).outcome for error in permanent} == {"failed"}
    assert classify(kind, TimedOut("why")).reason == "why"
