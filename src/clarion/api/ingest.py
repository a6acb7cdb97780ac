"""Events come in: the direct routes of `POST /api/v1/events` and `POST /api/v1/events/batch`."""

from typing import Final

from clarion.api.access import Access
from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.clock import Clock
from clarion.contract.batch import Rejected, encode_batch_result, read_batch
from clarion.contract.content_type import is_json, is_ndjson
from clarion.contract.errors import ACCEPTED, Refusal, event_id_conflict, failure, too_large, unavailable, wrong_content_type
from clarion.contract.limits import MAX_BATCH_BODY, MAX_EVENT_BODY
from clarion.contract.track_event import read_event
from clarion.directory import Credential
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import Store, StoreError, StoreUnavailable
from clarion.store.records.entries import Appended

SCOPE: Final = "events"
RETRY_AFTER: Final = 1
"""Seconds to wait after a 503."""


def refuse(request: DirectRequest, refusal: Refusal) -> None:
    """Answer with a refusal."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in refusal.headers)
    request.respond(refusal.status, refusal.encode(), headers)


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


class _Ingest(DirectRoute):
    """What both routes share: the order of checks, and what a store's failure means."""

    def __init__(self, access: Access, store: Store, clock: Clock) -> None:
        self._access, self._store, self._clock = access, store, clock

    def _admit(self, request: DirectRequest, now: int | None = None) -> Credential:
        """Key, then content type. Raises Refusal."""
        credential = self._access.identify(request.api_key, SCOPE, now)
        self._check_type(request)
        return credential

    def _check_type(self, request: DirectRequest) -> None:
        if not is_json(request.content_type):
            raise wrong_content_type()

    def oversized(self, request: DirectRequest) -> None:
        try:
            self._admit(request)
        except Refusal as refusal:
            refuse(request, refusal)
        else:
            refuse(request, too_large(self.limit))

    @staticmethod
    def _failed(request: DirectRequest, error: StoreError) -> None:
        """Nothing was stored."""
        refuse(request, unavailable(RETRY_AFTER) if isinstance(error, StoreUnavailable) else failure())


class EventsRoute(_Ingest):
    """One event a request."""

    limit = MAX_EVENT_BODY

    def handle(self, request: DirectRequest) -> None:
        now = self._clock()
        try:
            credential = self._admit(request, now)
            self._access.meter(credential)
            event = read_event(request.body, now=now, idempotency_key=_text(request.idempotency_key))
        except Refusal as refusal:
            refuse(request, refusal)
            return
        entry = entry_from(event, credential.site, now, fresh_id(), self._store.partitions)

        def done(result: list[Appended] | StoreError) -> None:
            if isinstance(result, StoreError):
                self._failed(request, result)
            elif result[0] is Appended.CONFLICT:
                refuse(request, event_id_conflict())
            else:
                request.respond(200, ACCEPTED)

        try:
            self._store.append_nowait((entry,), done)
        except StoreUnavailable as error:
            self._failed(request, error)


class BatchRoute(_Ingest):
    """Up to 1,000 events a request, each judged alone."""

    limit = MAX_BATCH_BODY

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
            refuse(request, refusal)
            return
        if not batch.events:
            request.respond(200, encode_batch_result(0, batch.rejected))
            return
        partitions = self._store.partitions
        entries = [entry_from(event, credential.site, now, fresh_id(), partitions) for _, event in batch.events]

        def done(result: list[Appended] | StoreError) -> None:
            if isinstance(result, StoreError):
                self._failed(request, result)
                return
            conflicts = [
                Rejected(index, event_id_conflict())
                for (index, _), appended in zip(batch.events, result, strict=True)
                if appended is Appended.CONFLICT
            ]
            request.respond(200, encode_batch_result(len(entries) - len(conflicts), [*batch.rejected, *conflicts]))

        try:
            self._store.append_nowait(entries, done)
        except StoreUnavailable as error:
            self._failed(request, error)
