"""`POST /p/v1/events/track`: the events of browsers and apps, on the direct way that `POST /api/v1/events` takes."""

import asyncio
from typing import Final

import structlog

from clarion.api.closing import closed
from clarion.api.context import Context
from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.api.sdk.admission import admit
from clarion.api.sdk.asking import SAFE_HEADERS, Asking, answer_headers, pairs, read_asking
from clarion.api.sdk.call import RETRY_AFTER
from clarion.api.sdk.origins import allows
from clarion.api.sdk.sites import named_site, site_of_subscriber
from clarion.contract.content_type import is_json
from clarion.contract.errors import (
    Refusal,
    event_id_conflict,
    failure,
    too_large,
    unavailable,
    unresolved,
    wrong_content_type,
)
from clarion.contract.limits import MAX_EVENT_BODY
from clarion.contract.sdk.answers import TRACKED, TRACKED_BY_IOS
from clarion.contract.sdk.answers import failure as worded
from clarion.contract.sdk.reading import SiteName
from clarion.contract.sdk.refusals import origin_refused
from clarion.contract.sdk.track import Tracked, read_track
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import StoreError, StoreUnavailable, Unresolved
from clarion.store.records.entries import Appended
from clarion.store.records.sites import Site

GROUP: Final = "sdk_events"
"""What the metrics call the route."""
PATH: Final = b"/p/v1/events/track"

_REASONS: Final = {
    400: "invalid",
    403: "scope",
    404: "unknown_subscriber",
    409: "conflict",
    413: "too_large",
    429: "rate_limit",
    500: "failure",
    503: "closed",
}
"""Why events are refused, in the words of the metrics, by status."""

_log = structlog.get_logger(__name__)


class TrackRoute(DirectRoute):
    """One event a request. It waits for a read only when its subscriber has not been seen for a while."""

    limit = MAX_EVENT_BODY

    def __init__(self, shared: Context) -> None:
        self._shared, self._desk = shared, shared.desk
        self._tally, self._pressure = shared.metrics.taking, shared.metrics.pressure
        self._reading: set[asyncio.Task[None]] = set()

    def handle(self, request: DirectRequest) -> None:
        asking = read_asking(request)
        try:
            self._admit(request, asking)
            key = request.idempotency_key
            now = self._shared.clock()
            tracked = read_track(request.body, now=now, idempotency_key=None if key is None else key.decode("latin-1"))
            site = named_site(self._shared.directory, (tracked.site, SiteName(None, asking.app_id)))
            if site is not None:
                self._enter(asking, site, tracked)
                if self._desk.people.knows(site.id, tracked.device_token_hash, tracked.event.profile_id):
                    self._store(request, asking, tracked, site, now)
                    return
        except Refusal as refusal:
            self._refuse(request, asking, refusal)
            return
        task = asyncio.get_running_loop().create_task(self._look_up(request, asking, tracked, now))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def oversized(self, request: DirectRequest) -> None:
        asking = read_asking(request)
        try:
            self._admit(request, asking)
        except Refusal as refusal:
            self._refuse(request, asking, refusal)
        else:
            self._refuse(request, asking, too_large(self.limit))

    def _admit(self, request: DirectRequest, asking: Asking) -> None:
        """Judge by the head: the client's limit, whether the process is fit, the origin, the content type, whether events are taken."""
        admit(self._shared, request.client, asking.forwarded, asking.origin)
        if not is_json(request.content_type):
            raise wrong_content_type()
        if self._pressure.closed:
            raise closed(self._pressure.closed)

    def _enter(self, asking: Asking, site: Site, tracked: Tracked) -> None:
        asking.site = site
        if asking.origin is not None and not allows(site, asking.origin):
            raise origin_refused()
        self._desk.meter_app(site.id)
        self._desk.meter_subscriber(site.id, tracked.device_token_hash)

    async def _look_up(self, request: DirectRequest, asking: Asking, tracked: Tracked, now: int) -> None:
        """Find out whether there is the subscriber, and if need be of which site, then store the event."""
        shared, hashed = self._shared, tracked.device_token_hash
        try:
            site = asking.site
            if site is None:
                site = await site_of_subscriber(shared.directory, shared.store, hashed)
                self._enter(asking, site, tracked)
            await self._desk.people.check(shared.store, site.id, hashed, tracked.event.profile_id)
            self._store(request, asking, tracked, site, now)
        except Refusal as refusal:
            self._refuse(request, asking, refusal)
        except StoreError as error:
            self._failed(request, asking, error)
        except Exception:  # noqa: BLE001  # the last guard: whatever broke, the client gets the envelope
            _log.exception("a request failed", path=PATH.decode())
            self._refuse(request, asking, failure())

    def _store(self, request: DirectRequest, asking: Asking, tracked: Tracked, site: Site, now: int) -> None:
        entry = entry_from(tracked.event, site.id, now, fresh_id(), self._shared.store.partitions)
        tally = self._tally

        def done(result: list[Appended] | StoreError) -> None:
            if isinstance(result, StoreError):
                self._failed(request, asking, result)
            elif result[0] is Appended.CONFLICT:
                self._refuse(request, asking, event_id_conflict())
            else:
                if result[0] is Appended.STORED:
                    tally.from_sdks += 1
                else:
                    tally.duplicates += 1
                tally.requests[GROUP, 200] += 1
                request.respond(200, TRACKED_BY_IOS if asking.by_ios else TRACKED, answer_headers(asking, self._shared.directory.sites))

        try:
            self._shared.store.append_nowait((entry,), done)
        except StoreUnavailable as error:
            self._failed(request, asking, error)

    def _failed(self, request: DirectRequest, asking: Asking, error: StoreError) -> None:
        """Nothing was stored; or nobody can tell."""
        if isinstance(error, StoreUnavailable):
            self._refuse(request, asking, unavailable(RETRY_AFTER), "unavailable")
        elif isinstance(error, Unresolved):
            self._refuse(request, asking, unresolved(RETRY_AFTER), "unavailable")
        else:
            self._refuse(request, asking, failure())

    def _refuse(self, request: DirectRequest, asking: Asking, refusal: Refusal, reason: str | None = None) -> None:
        self._tally.refused[reason or _REASONS.get(refusal.status, "other")] += 1
        self._tally.requests[GROUP, refusal.status] += 1
        own = pairs(refusal.headers)
        headers = SAFE_HEADERS if refusal.code == origin_refused().code else answer_headers(asking, self._shared.directory.sites)
        request.respond(refusal.status, worded(refusal, by_ios=asking.by_ios), (*own, *headers))
