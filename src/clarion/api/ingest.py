"""Events come in: the direct routes of `POST /api/v1/events` and `POST /api/v1/events/batch`."""

from collections.abc import Sequence
from typing import Final

from clarion.api.access import Access
from clarion.api.closing import closed
from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.clock import Clock
from clarion.contract.batch import Rejected, encode_batch_result, read_batch
from clarion.contract.content_type import is_json, is_ndjson
from clarion.contract.errors import ACCEPTED, Refusal, event_id_conflict, failure, too_large, unavailable, unresolved, wrong_content_type
from clarion.contract.limits import MAX_BATCH_BODY, MAX_EVENT_BODY
from clarion.contract.track_event import read_event
from clarion.directory import Credential
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.metrics.exposition import Metrics
from clarion.metrics.families import ALONE
from clarion.store.port import Store, StoreError, StoreUnavailable, Unresolved
from clarion.store.records.entries import Appended

SCOPE: Final = "events"
RETRY_AFTER: Final = 1
"""Seconds to wait after a 503."""


_REASONS: Final = {
    400: "invalid",
    401: "key",
    403: "scope",
    409: "conflict",
    413: "too_large",
    429: "rate_limit",
    500: "failure",
    503: "closed",
}
"""Why events are refused, in the words of the metrics, by status."""
_UNAVAILABLE: Final = "unavailable"
"""503 as well, but it is the store that did not take them."""


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


class _Ingest(DirectRoute):
    """What both routes share: the order of checks, and what a store's failure means."""

    group: str
    """What the metrics call the route."""

    def __init__(self, access: Access, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._access, self._store, self._clock = access, store, clock
        self._pressure, self._tally = metrics.pressure, metrics.taking

    def _admit(self, request: DirectRequest, now: int | None = None) -> Credential:
        """Key, then content type, then whether events are taken at all. Raises Refusal."""
        credential = self._access.identify(request.api_key, SCOPE, now)
        self._check_type(request)
        if self._pressure.closed:
            raise closed(self._pressure.closed)
        return credential

    def _check_type(self, request: DirectRequest) -> None:
        if not is_json(request.content_type):
            raise wrong_content_type()

    def oversized(self, request: DirectRequest) -> None:
        try:
            self._admit(request)
        except Refusal as refusal:
            self._refuse(request, refusal)
        else:
            self._refuse(request, too_large(self.limit))

    def _failed(self, request: DirectRequest, error: StoreError, events: int = 1) -> None:
        """Nothing was stored; or nobody can tell."""
        if isinstance(error, StoreUnavailable):
            self._refuse(request, unavailable(RETRY_AFTER), events, _UNAVAILABLE)
        elif isinstance(error, Unresolved):
            self._refuse(request, unresolved(RETRY_AFTER), events, _UNAVAILABLE)
        else:
            self._refuse(request, failure(), events)

    def _refuse(self, request: DirectRequest, refusal: Refusal, events: int = 1, reason: str | None = None) -> None:
        """Answer with a refusal of so many events."""
        self._tally.refused[reason or _REASONS.get(refusal.status, "other")] += events
        self._tally.requests[self.group, refusal.status] += 1
        headers = tuple((name.lower().encode(), value.encode()) for name, value in refusal.headers)
        request.respond(refusal.status, refusal.encode(), headers)


class EventsRoute(_Ingest):
    """One event a request."""

    limit = MAX_EVENT_BODY
    group = ALONE

    def handle(self, request: DirectRequest) -> None:
        now = self._clock()
        try:
            credential = self._admit(request, now)
            self._access.meter(credential)
            event = read_event(request.body, now=now, idempotency_key=_text(request.idempotency_key))
        except Refusal as refusal:
            self._refuse(request, refusal)
            return
        entry = entry_from(event, credential.site, now, fresh_id(), self._store.partitions)
        tally = self._tally

        def done(result: list[Appended] | StoreError) -> None:
            if isinstance(result, StoreError):
                self._failed(request, result)
            elif result[0] is Appended.STORED:
                tally.alone += 1
                request.respond(200, ACCEPTED)
            elif result[0] is Appended.DUPLICATE:
                tally.duplicates += 1
                tally.requests[ALONE, 200] += 1
                request.respond(200, ACCEPTED)
            else:
                self._refuse(request, event_id_conflict())

        try:
            self._store.append_nowait((entry,), done)
        except StoreUnavailable as error:
            self._failed(request, error)


class BatchRoute(_Ingest):
    """Up to 1,000 events a request, each judged alone."""

    limit = MAX_BATCH_BODY
    group = "ingest_batch"

    def _check_type(self, request: DirectRequest) -> None:
        if not is_json(request.content_type) and not is_ndjson(request.content_type):
            raise wrong_content_type("application/json", "application/x-ndjson")

    def handle(self, request: DirectRequest) -> None:
        try:
            credential = self._admit(request)
            now = self._clock()
            batch = read_batch(
                request.body,
                content_type_is_ndjson=is_ndjson(request.content_type),
                now=now,
                idempotency_key=_text(request.idempotency_key),
            )
            self._access.meter(credential, len(batch.events) + len(batch.rejected))
        except Refusal as refusal:
            self._refuse(request, refusal)
            return
        if not batch.events:
            self._answer(request, [], batch.rejected)
            return
        partitions = self._store.partitions
        entries = [entry_from(event, credential.site, now, fresh_id(), partitions) for _, event in batch.events]

        def done(result: list[Appended] | StoreError) -> None:
            if isinstance(result, StoreError):
                self._failed(request, result, len(entries))
                return
            conflicts = [
                Rejected(index, event_id_conflict())
                for (index, _), appended in zip(batch.events, result, strict=True)
                if appended is Appended.CONFLICT
            ]
            self._answer(request, result, [*batch.rejected, *conflicts])

        try:
            self._store.append_nowait(entries, done)
        except StoreUnavailable as error:
            self._failed(request, error, len(entries))

    def _answer(self, request: DirectRequest, became: list[Appended], rejected: Sequence[Rejected]) -> None:
        """Answer with what became of those that could be stored, and with those that are not taken."""
        tally = self._tally
        stored, duplicates = became.count(Appended.STORED), became.count(Appended.DUPLICATE)
        tally.in_batches += stored
        tally.duplicates += duplicates
        for one in rejected:
            tally.refused[_REASONS.get(one.refusal.status, "other")] += 1
        tally.requests[self.group, 200] += 1
        request.respond(200, encode_batch_result(stored + duplicates, rejected))
