"""What happened and why: of an event, of a run, of a person, and of a person with one workflow."""

from collections.abc import Awaitable
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import Endpoint, answer, caller, context, whole
from clarion.api.routes.profiles import show_profile, show_subscriber
from clarion.contract.errors import Detail, Refusal
from clarion.control import explain
from clarion.control.explain import Whom
from clarion.control.explain.place import read_place
from clarion.control.explain.timeline import LIMIT, MOST
from clarion.store.port import NotFound

Answer = TypeVar("Answer")

_PROFILE: Final = "profile_id"
_SUBSCRIBER: Final = "device_token_hash"


async def explain_event(request: Request) -> Response:
    """What an event did and did not do."""
    site = caller(request, "read")
    return await _found(explain.explain_event(context(request).store, site, request.path_params["event"]), "event")


async def explain_run(request: Request) -> Response:
    """Every step of a run."""
    site = caller(request, "read")
    return await _found(explain.explain_run(context(request).store, site, request.path_params["run"]), "run")


async def profile_timeline(request: Request) -> Response:
    """What happened to the profile that a `profile_id` names."""
    return await _timeline(request, _PROFILE, show_profile)


async def subscriber_timeline(request: Request) -> Response:
    """What happened to the profile that a subscriber belongs to."""
    return await _timeline(request, _SUBSCRIBER, show_subscriber)


async def profile_absence(request: Request) -> Response:
    """Why a profile did not get a workflow's message."""
    return await _absence(request, _PROFILE, show_profile)


async def subscriber_absence(request: Request) -> Response:
    """Why the profile that a subscriber belongs to did not get a workflow's message."""
    return await _absence(request, _SUBSCRIBER, show_subscriber)


async def _timeline(request: Request, named: str, otherwise: Endpoint) -> Response:
    if not _is_literal(request, "/timeline"):
        request.path_params[named] += "/timeline"
        return await otherwise(request)
    site = caller(request, "read")
    limit = whole(request, "limit", LIMIT, 1, MOST)
    before = request.query_params.get("before")
    workflow = request.query_params.get("workflow")
    store = context(request).store
    return await _found(
        explain.explain_person(store, site, _whom(request, named), workflow, limit, None if before is None else read_place(before)), named
    )


async def _absence(request: Request, named: str, otherwise: Endpoint) -> Response:
    workflow = request.path_params["workflow"]
    tail = f"/workflows/{workflow}/explanation"
    if not _is_literal(request, "/explanation") or b"/workflows/" not in request.scope["raw_path"]:
        request.path_params[named] += tail
        return await otherwise(request)
    site = caller(request, "read")
    return await _found(explain.explain_absence(context(request).store, site, _whom(request, named), workflow), named)


def _is_literal(request: Request, tail: str) -> bool:
    """Whether an address ends so as it was sent; else that is the end of a profile_id or hash with a slash in it, which is sent as %2F."""
    raw: bytes = request.scope["raw_path"]
    return raw.endswith(tail.encode())


def _whom(request: Request, named: str) -> Whom:
    return Whom(**{named: request.path_params[named]})


async def _found(asked: Awaitable[Answer], named: str) -> Response:
    """The answer. Raises Refusal (404) that says what is known."""
    try:
        return answer(await asked)
    except NotFound as error:
        raise Refusal(404, 1004, "Not found.", (Detail(str(error), (named,)),)) from None
