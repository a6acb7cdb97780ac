"""One attempt at one delivery, from the claimed row to the report."""

import random
import re
from typing import Final, NamedTuple

import msgspec
import structlog

from clarion import faults
from clarion.clock import Clock
from clarion.delivery.apns import ApnsChannel
from clarion.delivery.capture import capture
from clarion.delivery.channel import Answer, Channel
from clarion.delivery.client import Client
from clarion.delivery.connection import Response
from clarion.delivery.errors import BadRequest, SendError
from clarion.delivery.fcm import FcmChannel
from clarion.delivery.guard import PushAllowList
from clarion.delivery.jobs import HttpJob, PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.outgoing import http_request
from clarion.delivery.retry import Outcome, Verdict, classify, next_attempt, parse_retry_after, wants_less
from clarion.delivery.webpush_channel import WebPushChannel
from clarion.domain.records import Scalar
from clarion.store.records.deliveries import Attempt, Delivery, Report

MAX_ERROR: Final = 300
"""Characters of an attempt's error that are kept."""

_LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40,}")
_log: Final = structlog.get_logger("clarion.delivery")


class Attempted(NamedTuple):
    """What an attempt came to."""

    report: Report
    answered: bool
    """False if the receiver was tried and gave no answer: it, or the network, is in trouble, not this delivery."""
    slow_down: int | None = None
    """Where the receiver wants less from us as a whole: for how many microseconds nothing, 0 if it does not say."""


class Sender:
    """Makes attempts. It never raises but when cancelled: a bug met on the way is an attempt that failed and will be retried."""

    def __init__(self, keys: SiteKeys, client: Client, clock: Clock, rng: random.Random, allow: PushAllowList) -> None:
        self._keys = keys
        self._client = client
        self._clock = clock
        self._rng = rng
        self._channels: dict[str, Channel] = {
            "webpush": WebPushChannel(keys, client, allow),
            "fcm": FcmChannel(keys, client, clock, allow),
            "apns": ApnsChannel(keys, client, allow),
        }

    async def attempt(self, delivery: Delivery, job: PushJob | HttpJob) -> Attempted:
        """Send a delivery once and say what became of it.

        Past `expires` nothing is sent: outcome `expired`. An attempt that may be repeated but has no retry left within the time ends as
        `failed`, with that attempt's reason. Where the job says so, the report of the end holds what was answered.
        """
        began = self._clock()
        wanted = isinstance(job, HttpJob) and job.capture
        if began > delivery.expires:
            return Attempted(_answered(expired(delivery, began), {} if wanted else None), True)
        response: Response | None = None
        secrets: tuple[str, ...] = ()
        slow_down: int | None = None
        patience = 0
        try:
            if isinstance(job, HttpJob):
                outgoing = http_request(delivery, job, self._keys, began)
                secrets = outgoing.secrets
                faults.reach("delivery.before_send")
                response = await self._client.request(outgoing.method, outgoing.url, outgoing.headers, outgoing.body)
                answer = Answer(response, classify("http", response.status))
            else:
                channel = self._channels.get(job.provider)
                if channel is None:
                    raise BadRequest("the job names no provider that there is")
                faults.reach("delivery.before_send")
                answer = await channel.send(delivery, job, began)
                response = answer.response
            faults.reach("delivery.after_send")
            verdict, answered, patience = answer.verdict, True, answer.patience
            if not answer.one_device:
                slow_down = wants_less(response.status, response.headers.get(b"retry-after"), self._clock())
                slow_down = patience if slow_down == 0 else slow_down
        except SendError as error:
            verdict, answered = classify(delivery.kind, error), error.permanent
        except Exception as error:  # noqa: BLE001 - the worker outlives any bug; the operator finds it in the log and at the delivery
            _log.exception("delivery attempt broke", delivery=delivery.id)
            verdict, answered = internal(error), True
        report = self._report(delivery, began, response, verdict, patience)
        if wanted and report.outcome:
            report = _answered(report, capture(response, secrets))
        return Attempted(report, answered, slow_down)

    def broken(self, delivery: Delivery, error: Exception) -> Report:
        """The report of a delivery whose job cannot even be read. A run may wait for a request's."""
        report = self._report(delivery, self._clock(), None, internal(error))
        return _answered(report, {}) if delivery.kind == "http" and report.outcome else report

    def _report(self, delivery: Delivery, began: int, response: Response | None, verdict: Verdict, patience: int = 0) -> Report:
        now = max(self._clock(), began)
        status = None if response is None else response.status
        attempts = (*delivery.attempts, Attempt(began, now - began, status, _error(delivery.kind, response, verdict)))
        tried = msgspec.structs.replace(delivery, attempts=attempts)
        if verdict.outcome is not Outcome.RETRY:
            return Report(tried, verdict.outcome.value, now, None, status, verdict.reason)
        wanted = None if response is None else response.headers.get(b"retry-after")
        retry_after = (None if wanted is None else parse_retry_after(wanted, now)) or patience
        retry_at = next_attempt(
            len(attempts), now, first=attempts[0].at, expires=delivery.expires, retry_after=retry_after, jitter=self._rng.random()
        )
        return Report(tried, Outcome.FAILED.value if retry_at is None else None, now, retry_at, status, verdict.reason)


def expired(delivery: Delivery, now: int) -> Report:
    """The report of a delivery whose time ran out before an attempt; it keeps what the last attempt, if any, met with."""
    last = delivery.attempts[-1] if delivery.attempts else None
    reason = "expired before it was sent" if last is None else f"expired; last: {last.error}"
    return Report(delivery, "expired", now, None, None if last is None else last.status, reason[:MAX_ERROR])


def _answered(report: Report, response: dict[str, Scalar] | None) -> Report:
    """The report with what was answered."""
    return msgspec.structs.replace(report, response=response)


def internal(error: Exception) -> Verdict:
    """A bug as a verdict: its type only, since messages can hold anything."""
    return Verdict(Outcome.RETRY, f"internal error: {type(error).__name__}")


def _error(kind: str, response: Response | None, verdict: Verdict) -> str | None:
    """A push service's own words help the operator; a shop's answer may echo secrets of the request, so it is left out."""
    if verdict.reason is None or response is None or kind != "push" or not response.body:
        return verdict.reason and verdict.reason[:MAX_ERROR]
    said = "".join(char for char in response.body[:1000].decode(errors="replace") if char.isprintable())
    return f"{verdict.reason}: {_LONG_TOKEN.sub('…', said)}"[:MAX_ERROR]
