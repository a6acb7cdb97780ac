"""Broadcasts over HTTP: sent, listed, shown, paused, resumed, stopped."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, switch_member, text_member
from clarion.api.context import Endpoint, answer, caller, changer, context, whole
from clarion.control import broadcasts
from clarion.control.broadcast_documents import BroadcastRequest
from clarion.control.counters import TOTAL, read_counters
from clarion.control.people_views import broadcast_view
from clarion.control.workflow_views import counters_view

USUAL = 20


async def send_broadcast(request: Request) -> Response:
    """Send a push to those who are there now; the same `broadcast_id` again is the same broadcast."""
    site = changer(request)
    given = await members(request, "push", "to", "at", "timezone", "transactional", "name", "broadcast_id")
    wanted = BroadcastRequest(
        given.get("push"),
        given.get("to"),
        given.get("at"),
        text_member(given, "timezone"),
        switch_member(given, "transactional"),
        text_member(given, "name"),
    )
    key = text_member(given, "broadcast_id")
    if key is None:
        key = request.headers.get("idempotency-key")
    shared = context(request)
    begun = await broadcasts.send_broadcast(shared.store, site, wanted, key, shared.clock(), shared.new_id)
    return answer({"broadcast_id": begun.id, "created": begun.created, "accepted": True})


async def list_broadcasts(request: Request) -> Response:
    """Broadcasts, those that were changed last first, a page at a time."""
    site = caller(request, "read")
    limit = whole(request, "limit", USUAL, 1, broadcasts.MOST)
    found, cursor = await broadcasts.list_broadcasts(context(request).store, site, request.query_params.get("cursor"), limit)
    return answer({"broadcasts": [broadcast_view(one) for one in found], "cursor": cursor})


async def show_broadcast(request: Request) -> Response:
    """A broadcast with how far it is and what its pushes came to."""
    site = caller(request, "read")
    shared = context(request)
    found = await broadcasts.find_broadcast(shared.store, site, request.path_params["broadcast"])
    counters = await read_counters(shared.store, site, found.row.workflow, TOTAL, None, None, shared.clock())
    return answer(broadcast_view(found) | {"counters": counters_view(counters)["counters"]})


def changing(change: str) -> Endpoint:
    """The endpoint of one of `broadcasts.CHANGES`."""

    async def change_broadcast(request: Request) -> Response:
        site = changer(request)
        await members(request)
        shared = context(request)
        id = request.path_params["broadcast"]
        return answer(broadcast_view(await broadcasts.change_broadcast(shared.store, site, id, change, shared.clock(), shared.new_id)))

    return change_broadcast
