"""When a delivery is tried again, and what an answer means for it. Pure: time and jitter are passed in."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, NamedTuple

from clarion.clock import DAY, HOUR, MINUTE, SECOND
from clarion.delivery.errors import SendError

DELAYS: Final = (
    5 * SECOND,
    15 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    6 * HOUR,
    6 * HOUR,
    6 * HOUR,
)
"""Longest wait before each retry; about a day in all."""
MAX_ATTEMPTS: Final = len(DELAYS) + 1
HORIZON: Final = DAY
"""No retry is made later than this after the first attempt."""
MAX_RETRY_AFTER: Final = 6 * HOUR
"""A receiver that asks for more is asked again after this."""

_HTTP_RETRIED: Final = frozenset({408, 425, 429})


class Outcome(StrEnum):
    """What an attempt makes of its delivery."""

    SENT = "sent"
    FAILED = "failed"
    GONE = "gone"
    RETRY = "retry"


class Verdict(NamedTuple):
    """An outcome and, where it is not `sent`, the reason in a few words."""

    outcome: Outcome
    reason: str | None = None


def next_attempt(attempts_so_far: int, now: int, *, first: int, expires: int, retry_after: int | None, jitter: float) -> int | None:
    """When to try again, in UTC microseconds; None when this was the last attempt.

    `attempts_so_far` counts the attempt that just failed; `first` is when the first one was made. The wait is between half and the whole
    of its entry in `DELAYS`, by `jitter` in [0, 1), and no shorter than `retry_after` microseconds, of which at most `MAX_RETRY_AFTER`
    count. A retry that would come after `expires` or the horizon is not made.
    """
    if not 0 < attempts_so_far <= len(DELAYS):
        return None
    delay = DELAYS[attempts_so_far - 1]
    wait = delay // 2 + int(delay // 2 * jitter)
    at = now + max(wait, min(retry_after or 0, MAX_RETRY_AFTER))
    return None if at > min(expires, first + HORIZON) else at


def parse_retry_after(value: bytes, now: int) -> int | None:
    """Microseconds that a `Retry-After` asks for, at most `MAX_RETRY_AFTER`: seconds or an HTTP date (RFC 9110 §10.2.3).
    None if it is neither.
    """
    text = value.strip()
    if text.isdigit():
        # nine digits are over thirty years: longer ones need not become numbers
        return min(int(text[:9]) * SECOND, MAX_RETRY_AFTER)
    try:
        when = parsedate_to_datetime(text[:64].decode("ascii"))
        at = int(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return None
    return min(max(at - now, 0), MAX_RETRY_AFTER)


def wants_less(status: int, retry_after: bytes | None, now: int) -> int | None:
    """How long a receiver wants nothing at all, in microseconds, 0 where it does not say: with 429 (RFC 6585 §4), or with 503 and a
    `Retry-After` (RFC 9110 §15.6.4). None where it does not ask for less.
    """
    asked = None if retry_after is None else parse_retry_after(retry_after, now)
    if status == 429:
        return asked or 0
    return asked if status == 503 else None


def classify(kind: str, result: int | SendError) -> Verdict:
    """What an HTTP status, or the lack of one, means for a delivery of kind `push` or `http`."""
    if isinstance(result, SendError):
        return Verdict(Outcome.FAILED if result.permanent else Outcome.RETRY, result.reason)
    if 200 <= result < 300:
        return Verdict(Outcome.SENT)
    if result >= 500 or result in _HTTP_RETRIED:
        return Verdict(Outcome.RETRY, f"answered {result}")
    return _classify_push(result) if kind == "push" else _classify_http(result)


def _classify_push(status: int) -> Verdict:
    """RFC 8030 §5, §7.3 and RFC 8292 §4.2, and what push services do."""
    if status in (404, 410):
        return Verdict(Outcome.GONE, f"answered {status}: the subscription has ended")
    if status in (401, 403):
        return Verdict(Outcome.FAILED, f"answered {status}: the push service refuses the VAPID key")
    if status == 413:
        return Verdict(Outcome.FAILED, "answered 413: the push service finds the payload too large")
    return Verdict(Outcome.FAILED, f"answered {status}")


def _classify_http(status: int) -> Verdict:
    if 300 <= status < 400:
        return Verdict(Outcome.FAILED, f"answered {status}: redirects are not followed")
    return Verdict(Outcome.FAILED, f"answered {status}")
