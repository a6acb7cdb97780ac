"""`OPTIONS /p/v1/events/track`, on the direct way, for one path takes one way for all of its methods."""

from clarion.api.context import Context
from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.api.sdk.admission import admit
from clarion.api.sdk.asking import SAFE_HEADERS, pairs, read_asking
from clarion.api.sdk.origins import preflight
from clarion.api.sdk.track import GROUP
from clarion.contract.errors import Refusal, method_not_allowed, too_large
from clarion.contract.sdk.answers import failure as worded


class TrackPreflight(DirectRoute):
    """`OPTIONS`, by which a browser asks whether a page may send events (Fetch §3.2.2)."""

    limit = 0

    def __init__(self, shared: Context) -> None:
        self._shared = shared

    def handle(self, request: DirectRequest) -> None:
        asking = read_asking(request)
        if asking.origin is None:
            self._refuse(request, method_not_allowed(("POST",)))
            return
        try:
            admit(self._shared, request.client, asking.forwarded, asking.origin)
        except Refusal as refusal:
            self._refuse(request, refusal)
            return
        self._shared.metrics.taking.requests[GROUP, 204] += 1
        request.respond(204, b"", (*SAFE_HEADERS, *pairs(preflight(asking.origin, ("POST",)))))

    def oversized(self, request: DirectRequest) -> None:
        self._refuse(request, too_large(self.limit))

    def _refuse(self, request: DirectRequest, refusal: Refusal) -> None:
        self._shared.metrics.taking.requests[GROUP, refusal.status] += 1
        request.respond(refusal.status, worded(refusal), (*SAFE_HEADERS, *pairs(refusal.headers)))
