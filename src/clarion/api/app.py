"""The resource routes as one ASGI app; the ingest routes are direct ones beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from clarion.api.context import Context, Endpoint, context, guarded, refused
from clarion.api.ingest import BatchRoute, EventsRoute
from clarion.api.openapi import openapi
from clarion.api.people_routes import PEOPLE
from clarion.api.protocol_direct import DirectRoute
from clarion.api.routes import (
    drafts,
    explain,
    health,
    log,
    metrics,
    poisoned,
    receipts,
    runs,
    sdk,
    secrets,
    simulate,
    site,
    workflows,
)
from clarion.api.sdk import track
from clarion.api.sdk.routes import sdk_routes
from clarion.api.sdk.track_preflight import TrackPreflight
from clarion.contract.errors import method_not_allowed, not_found
from clarion.contract.limits import MAX_EVENT_BODY, MAX_IMPORT_BODY
from clarion.control.runs import CHANGES
from clarion.control.workflows import TRANSITIONS
from clarion.workflow.source import LONGEST as LONGEST_DOCUMENT

EVENTS = "/api/v1/events"
BATCH = "/api/v1/events/batch"

ESCAPED = 4
"""How much longer a document may be as a text in JSON."""

Methods = Mapping[str, Endpoint]


class Rest(Convertor[str]):
    """All that is left of an address: a profile_id or a hash may hold a slash (sent as %2F) or a line break (%0A)."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("rest", Rest())

ROUTES: Mapping[str, Methods] = {
    "/api/v1/log": {"GET": log.list_events},
    "/api/v1/events/{event}/explanation": {"GET": explain.explain_event},
    "/api/v1/runs/{run}/history": {"GET": explain.explain_run},
    **PEOPLE,
    "/api/v1/workflows": {"GET": workflows.list_workflows},
    "/api/v1/workflows/validate": {"POST": workflows.validate_workflow},
    "/api/v1/workflows/plan": {"POST": workflows.plan_workflow},
    "/api/v1/workflows/{workflow}": {"GET": workflows.show_workflow, "PUT": workflows.publish_workflow},
    **{f"/api/v1/workflows/{{workflow}}/{change}": {"POST": workflows.changing(change)} for change in TRANSITIONS},
    "/api/v1/workflows/{workflow}/draft": {"GET": drafts.show_draft, "PUT": drafts.save_draft, "DELETE": drafts.discard_draft},
    "/api/v1/workflows/{workflow}/publish": {"POST": drafts.publish},
    "/api/v1/workflows/{workflow}/duplicate": {"POST": drafts.duplicate_workflow},
    "/api/v1/workflows/{workflow}/counters": {"GET": workflows.show_counters},
    "/api/v1/runs": {"GET": runs.list_runs},
    "/api/v1/runs/{run}": {"GET": runs.show_run},
    **{f"/api/v1/runs/{{run}}/{change}": {"POST": runs.changing(change)} for change in CHANGES},
    "/api/v1/poisoned": {"GET": poisoned.list_poisoned},
    "/api/v1/poisoned/{input}": {"DELETE": poisoned.discard_poisoned},
    "/api/v1/poisoned/{input}/retry": {"POST": poisoned.retry_poisoned},
    "/api/v1/deliveries/{delivery}/receipts": {"POST": receipts.add_receipt},
    "/api/v1/site": {"GET": site.show_site, "PATCH": site.change},
    "/api/v1/secrets": {"GET": secrets.list_secrets},
    "/api/v1/secrets/{name}": {"PUT": secrets.set_secret, "DELETE": secrets.remove_secret},
    "/api/v1/simulate": {"POST": simulate.simulate_workflows},
    "/sdk/{name}": {"GET": sdk.show_current},
    "/sdk/{version}/{name}": {"GET": sdk.show_pinned},
}

STATUS: Mapping[str, Methods] = {
    "/healthz": {"GET": health.healthz},
    "/readyz": {"GET": health.readyz},
    "/metrics": {"GET": metrics.show_metrics},
}
"""What every process answers, also one that has no API."""


def make_app(shared: Context) -> Starlette:
    """The app."""
    document = msgspec.json.encode(openapi())

    async def show_openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return _app(shared, {"/api/v1/openapi.json": {"GET": show_openapi}, **ROUTES, **STATUS}, sdk_routes(shared))


def make_status_app(shared: Context) -> Starlette:
    """The app of a process without the role api: its health and its metrics."""
    return _app(shared, STATUS)


def _app(shared: Context, paths: Mapping[str, Methods], more: Sequence[Route] = ()) -> Starlette:
    requests = shared.metrics.taking.requests
    app = Starlette(
        routes=[*(Route(path, ByMethod(methods, group_of(path), requests)) for path, methods in paths.items()), *more],
        exception_handlers={404: _not_found},
    )
    app.router.redirect_slashes = False
    app.state.context = shared
    return app


def direct_routes(shared: Context) -> dict[bytes, dict[bytes, DirectRoute]]:
    """The ingest routes, by path and method."""
    return {
        EVENTS.encode(): {b"POST": EventsRoute(shared.access, shared.store, shared.clock, shared.metrics)},
        BATCH.encode(): {b"POST": BatchRoute(shared.access, shared.store, shared.clock, shared.metrics)},
        track.PATH: {b"POST": track.TrackRoute(shared), b"OPTIONS": TrackPreflight(shared)},
    }


def group_of(path: str) -> str:
    """What the metrics call a route: the first word of its address behind the version."""
    return path.removeprefix("/api/v1").split("/")[1].partition(".")[0]


def body_limit(method: bytes, path: bytes) -> int:
    """Bytes of body that a resource route takes."""
    if path == b"/api/v1/simulate":
        return simulate.LARGEST_BODY
    if path.startswith(b"/api/v1/imports/") and path.endswith(b"/rows"):
        return MAX_IMPORT_BODY
    if not path.startswith(b"/api/v1/workflows") or method not in (b"PUT", b"POST"):
        return MAX_EVENT_BODY
    return LONGEST_DOCUMENT * (ESCAPED if path.endswith(b"/publish") else 1)


class ByMethod:
    """One endpoint for all methods of a path; HEAD is GET without the body (RFC 9110 §9.3.2).

    An ASGI app and no function: of a function Starlette's route takes GET only, and words the 405 itself.
    """

    def __init__(self, methods: Methods, group: str, requests: Counter[tuple[str, int]]) -> None:
        """Answers are counted in `requests` under the name of the group."""
        self._group, self._requests = group, requests
        self._answers = {method: guarded(endpoint) for method, endpoint in methods.items()}
        if "GET" in self._answers:
            self._answers["HEAD"] = self._answers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive, send)
        endpoint = self._answers.get(request.method)
        response = refused(method_not_allowed(tuple(self._answers))) if endpoint is None else await endpoint(request)
        self._requests[self._group, response.status_code] += 1
        await response(scope, receive, send)


async def _not_found(request: Request, _: Exception) -> Response:
    context(request).metrics.taking.requests["none", 404] += 1
    return refused(not_found())
