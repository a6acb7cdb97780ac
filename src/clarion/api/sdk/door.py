"""How endpoints of `/p/v1` are reached: one for each method of a path, every answer with the headers that let its page read it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clarion.api.context import JSON, refusal_of
from clarion.api.sdk.call import Call
from clarion.api.sdk.origins import SAFE, Pairs, preflight
from clarion.contract.errors import Refusal, failure, method_not_allowed
from clarion.contract.sdk.answers import failure as worded
from clarion.contract.sdk.refusals import origin_refused

_log = structlog.get_logger(__name__)

GROUP: Final = "sdk"
"""What the metrics call these routes."""

Endpoint = Callable[[Call], Awaitable[bytes]]
"""Answers a request with a body. Raises Refusal, and what `refusal_of` knows."""


class Door:
    """An ASGI app for the methods of one path."""

    def __init__(self, methods: Mapping[str, Endpoint], requests: Counter[tuple[str, int]]) -> None:
        """Answers are counted in `requests`."""
        self._methods, self._requests = methods, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive, send)
        response = self._preflight(request) if request.method == "OPTIONS" else await self._answer(request)
        self._requests[GROUP, response.status_code] += 1
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        call = Call(request)
        try:
            call.admit()
            endpoint = self._methods.get(request.method)
            if endpoint is None:
                raise method_not_allowed((*self._methods, "OPTIONS"))
            return _response(await endpoint(call), call.status, call.answer_headers)
        except Exception as error:  # noqa: BLE001  # whatever broke, the client gets the envelope
            return _refused(call, _judged(request, error))

    def _preflight(self, request: Request) -> Response:
        """Which site it will be for a browser does not say beforehand: any site's pages may ask, and the request itself is judged then."""
        call = Call(request)
        if call.origin is None:
            return _refused(call, method_not_allowed((*self._methods, "OPTIONS")))
        try:
            call.admit()
        except Refusal as refusal:
            return _refused(call, refusal)
        return Response(None, 204, dict((*SAFE, *preflight(call.origin, self._methods))))


def _judged(request: Request, error: Exception) -> Refusal:
    try:
        return refusal_of(request, error)
    except Exception:  # noqa: BLE001  # it is nobody's business but the operator's
        _log.exception("a request failed", path=request.url.path)
        return failure()


def _refused(call: Call, refusal: Refusal) -> Response:
    headers = () if refusal.code == origin_refused().code else call.answer_headers
    return _response(worded(refusal, by_ios=call.by_ios), refusal.status, (*refusal.headers, *headers))


def _response(body: bytes, status: int, headers: Pairs) -> Response:
    return Response(body, status, dict((*SAFE, *headers)), JSON)
