"""What the resource routes share, and how they read requests and word answers."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.access import Access
from clarion.api.aside import Aside
from clarion.api.closing import closed
from clarion.api.documents import DocumentReader
from clarion.api.sdk.desk import Desk
from clarion.clock import Clock
from clarion.contract.errors import Detail, Refusal, failure, invalid, success, unavailable, unresolved
from clarion.contract.limits import MAX_DETAILS
from clarion.control.errors import Conflict, Invalid
from clarion.delivery.guard import PushAllowList
from clarion.directory import Directory
from clarion.metrics.exposition import Metrics
from clarion.outage import Outage
from clarion.store.port import NotFound, Store, StoreUnavailable, Unresolved
from clarion.store.records.sites import Site
from clarion.workflow.source import DocumentInvalid

_log = structlog.get_logger(__name__)

JSON: Final = "application/json"


def _always() -> bool:
    return True


class Context(msgspec.Struct, frozen=True):
    """What the routes work with; `app.state.context`."""

    store: Store
    directory: Directory
    access: Access
    clock: Clock
    new_id: Callable[[], str]
    documents: DocumentReader
    push_hosts: PushAllowList
    """Where push subscriptions may point."""
    simulations: Aside = msgspec.field(default_factory=Aside)
    views: Aside = msgspec.field(default_factory=Aside)
    """Where large answers are put together."""
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    """What the routes count in; its `pressure` says whether events are taken."""
    is_ready: Callable[[], bool] = _always
    """Whether the process is in a state to do its work."""
    outage: Outage = msgspec.field(default_factory=Outage)
    desk: Desk = msgspec.field(default_factory=Desk)
    """What `/p/v1` works with besides."""


def context(request: Request) -> Context:
    """The app's context."""
    found: Context = request.app.state.context
    return found


def caller(request: Request, scope: str) -> Site:
    """The site of the request's API key. Raises Refusal: 401, 403, 429."""
    shared = context(request)
    key = request.headers.get("api-key")
    credential = shared.access.identify(None if key is None else key.encode("latin-1"), scope)
    shared.access.meter(credential)
    return shared.directory.site(credential.site)


def taker(request: Request) -> Site:
    """The site of the request's API key, for what is new and would wait for an engine. Raises Refusal: 401, 403, 429, 503."""
    site = caller(request, "events")
    limits = context(request).metrics.pressure.closed
    if limits:
        raise closed(limits)
    return site


def changer(request: Request) -> Site:
    """The site of the request's API key, for what changes people and would wait for an engine. Raises Refusal: 401, 403, 429, 503."""
    site = caller(request, "write")
    limits = context(request).metrics.pressure.closed
    if limits:
        raise closed(limits)
    return site


async def catch_up(shared: Context) -> None:
    """Go by a change of the configuration that was committed just now, before it is answered.

    Other processes hear of it within a second; so does this one where the store is away just then.
    """
    with suppress(StoreUnavailable):
        await shared.directory.refresh()


def answer(data: object, status: int = 200) -> Response:
    """The success envelope; 202 where what was asked for goes on after the answer."""
    return Response(success(data), status, media_type=JSON)


def refused(refusal: Refusal) -> Response:
    """The answer that a refusal is."""
    return Response(refusal.encode(), refusal.status, dict(refusal.headers), JSON)


def whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number from the query. Raises Refusal (400)."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        number = int(text) if len(text) <= 20 else most + 1
    except ValueError:
        number = most + 1
    if not least <= number <= most:
        raise invalid(Detail(f"{name} must be a whole number from {least} to {most}", (name,)))
    return number


def flag(request: Request, name: str) -> bool | None:
    """True or false from the query; None where it is not there. Raises Refusal (400)."""
    text = request.query_params.get(name)
    if text is not None and text not in ("true", "false"):
        raise invalid(Detail(f"{name} must be true or false", (name,)))
    return None if text is None else text == "true"


Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """The endpoint with everything that can go wrong in it, or in wording that, turned into the envelope."""

    async def run(request: Request) -> Response:
        try:
            try:
                return await endpoint(request)
            except Exception as error:  # noqa: BLE001  # what nobody foresaw is raised again
                return refused(refusal_of(request, error))
        except Exception:  # noqa: BLE001  # the last guard: whatever broke, the client gets the envelope
            _log.exception("a request failed", path=request.url.path)
            return refused(failure())

    return run


def refusal_of(request: Request, error: Exception) -> Refusal:
    """What an error means to the client. Raises the error where that is nobody's business."""
    match error:
        case Refusal():
            return error
        case DocumentInvalid():
            problems = error.problems[:MAX_DETAILS]
            return invalid(*(Detail(str(problem), tuple(str(part) for part in problem.path)) for problem in problems))
        case Invalid():
            return invalid(Detail(error.message, (error.path,)))
        case Conflict():
            return Refusal(409, 1009, "Not possible as things stand.", (Detail(str(error)),))
        case NotFound():
            return Refusal(404, 1004, "Not found.", (Detail(str(error)),))
        case StoreUnavailable():
            if not context(request).outage.lasts:  # else that was said already
                _log.warning("a request could not be served: the store is away", path=request.url.path, error=str(error))
            return unavailable(1)
        case Unresolved():
            return unresolved(1)
        case _:
            raise error
