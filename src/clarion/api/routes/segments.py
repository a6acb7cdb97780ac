"""Segments over HTTP: defined, listed, renamed, given up, and their members."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, switch_member, text_member
from clarion.api.context import answer, caller, changer, context, flag, whole
from clarion.contract.errors import Detail, invalid
from clarion.control import segments
from clarion.control.people_lists import MOST, ProfilesWanted, list_profiles
from clarion.control.people_views import listed_profile_view, segment_view

_EVENTS = "backfill_events"


async def list_segments(request: Request) -> Response:
    """The segments that are defined; with `counts`, how many are in each, and those that are only there because somebody is in them."""
    site = caller(request, "read")
    store = context(request).store
    rows = await segments.list_segments(store, site)
    if not flag(request, "counts"):
        return answer({"segments": [segment_view(row) for row in rows]})
    count = await segments.count_members(store, site)
    known = {row.segment for row in rows}
    others = [{"segment": name, "members": count.members[name]} for name in sorted(count.members.keys() - known)[: segments.MOST]]
    return answer(
        {
            "segments": [segment_view(row, count) for row in rows],
            "undefined": others,
            "counted": {"profiles": count.profiles, "complete": count.complete},
        }
    )


async def create_segment(request: Request) -> Response:
    """Define a segment: a dynamic one with a condition, a static one without."""
    site = changer(request)
    given = await members(request, "segment", "name", "condition", _EVENTS)
    segment = text_member(given, "segment")
    if segment is None:
        raise invalid(Detail("segment is required: the text that names it for ever", ("segment",)))
    shared = context(request)
    row = await segments.create_segment(
        shared.store,
        site,
        segment,
        text_member(given, "name"),
        given.get("condition"),
        shared.clock(),
        shared.new_id,
        offers=switch_member(given, _EVENTS),
    )
    return answer(segment_view(row))


async def show_segment(request: Request) -> Response:
    """A segment that is defined, with how many are in it."""
    site = caller(request, "read")
    store = context(request).store
    row = await segments.find_segment(store, site, request.path_params["segment"])
    return answer(segment_view(row, await segments.count_members(store, site)))


async def change_segment(request: Request) -> Response:
    """Give a segment another name, or another condition."""
    site = changer(request)
    given = await members(request, "name", "condition", _EVENTS)
    shared = context(request)
    condition: Any = given.get("condition", msgspec.UNSET)
    row = await segments.change_segment(
        shared.store,
        site,
        request.path_params["segment"],
        shared.clock(),
        shared.new_id,
        name=text_member(given, "name"),
        condition=condition,
        offers=switch_member(given, _EVENTS),
    )
    return answer(segment_view(row))


async def delete_segment(request: Request) -> Response:
    """Give a segment up: everybody gets out of it."""
    site = changer(request)
    shared = context(request)
    offers = bool(flag(request, _EVENTS))
    row = await segments.delete_segment(shared.store, site, request.path_params["segment"], shared.clock(), shared.new_id, offers=offers)
    return answer({"segment": row.segment, "accepted": True})


async def list_members(request: Request) -> Response:
    """Profiles that are in a segment, defined or not, a page at a time."""
    site = caller(request, "read")
    shared = context(request)
    limit = whole(request, "limit", 100, 1, MOST)
    wanted = ProfilesWanted(segment=request.path_params["segment"])
    page = await list_profiles(shared.store, site, wanted, request.query_params.get("cursor"), limit, shared.clock())
    return answer({"profiles": [listed_profile_view(one) for one in page.profiles], "cursor": page.cursor})
