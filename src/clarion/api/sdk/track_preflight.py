"""`OPTIONS /p/v1/events/track`, on the direct way, for one path takes one way for all of its methods."""

from clarion.api.context import Context
from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.api.sdk.asking import SAFE_HEADERS, pairs, read_asking
from clarion.api.sdk.origins import allowed_somewhere, preflight
from clarion.api.sdk.track import GROUP
from clarion.contract.errors import method_not_allowed, too_large
from clarion.contract.sdk.answers import failure as worded
from clarion.contract.sdk.refusals import origin_refused


class TrackPreflight(DirectRoute):
    """`OPTIONS`, by which a browser asks whether a page may send events (Fetch §3.2.2)."""

    limit = 0

    def __init__(self, shared: Context) -> None:
        self._shared = shared

    def handle(self, request: DirectRequest) -> None:
        origin = read_asking(request).origin
        self._shared.metrics.taking.requests[GROUP, 204] += 1
        if origin is None:
            refusal = method_not_allowed(("POST",))
        elif not allowed_somewhere(self._shared.directory.sites, origin):
            refusal = origin_refused()
        else:
            request.respond(204, b"", (*SAFE_HEADERS, *pairs(preflight(origin, ("POST",)))))
            return
        request.respond(refusal.status, worded(refusal), (*SAFE_HEADERS, *pairs(refusal.headers)))

    def oversized(self, request: DirectRequest) -> None:
        refusal = too_large(self.limit)
        request.respond(refusal.status, worded(refusal), SAFE_HEADERS)
