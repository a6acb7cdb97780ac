"""Profiles over HTTP: listed, searched, shown, changed, merged, exported, erased."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import json_value, members
from clarion.api.context import answer, caller, changer, context, flag, whole
from clarion.contract.errors import Detail, invalid
from clarion.contract.limits import IDENTITY_CHARACTERS
from clarion.contract.person import (
    read_all_attributes,
    read_attribute_names,
    read_attributes,
    read_identity,
    read_segments_change,
)
from clarion.contract.text import text_problem
from clarion.control import profiles
from clarion.control.audience import read_audience
from clarion.control.erasing import erase_person, erased_subscribers
from clarion.control.explain.people import Whom, find_profile
from clarion.control.people_lists import MOST, ProfilesPage, ProfilesWanted, list_profiles
from clarion.control.people_views import job_view, listed_profile_view
from clarion.control.person_export import export_person
from clarion.control.views import profile_view
from clarion.store.records.bodies import ProfileChange
from clarion.store.records.sites import Site


async def show_profile(request: Request) -> Response:
    """The profile that a `profile_id` names."""
    site = caller(request, "read")
    return answer(profile_view(await find_profile(context(request).store, site, _whom(request))))


async def show_subscriber(request: Request) -> Response:
    """The profile that a subscriber belongs to."""
    site = caller(request, "read")
    whom = Whom(device_token_hash=request.path_params["device_token_hash"])
    return answer(profile_view(await find_profile(context(request).store, site, whom)))


async def show_profiles(request: Request) -> Response:
    """Profiles that fit, a page at a time; `cursor` is what to go on with, and null at the end."""
    site = caller(request, "read")
    asked = request.query_params
    wanted = ProfilesWanted(asked.get("segment"), asked.get("prefix"), flag(request, "anonymous"))
    limit = whole(request, "limit", 100, 1, MOST)
    shared = context(request)
    return answer(_page(await list_profiles(shared.store, site, wanted, asked.get("cursor"), limit, shared.clock())))


async def search(request: Request) -> Response:
    """Profiles that a condition holds for. A page may be empty and not the last: only so many are looked at for one."""
    site = caller(request, "read")
    given = await members(request, "condition", "cursor", "limit")
    limit, cursor = given.get("limit", 100), given.get("cursor")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST:
        raise invalid(Detail(f"limit must be a whole number from 1 to {MOST}", ("limit",)))
    if cursor is not None and not isinstance(cursor, str):
        raise invalid(Detail("cursor must be a string", ("cursor",)))
    wanted = ProfilesWanted(condition=read_audience(given.get("condition")))
    shared = context(request)
    return answer(_page(await list_profiles(shared.store, site, wanted, cursor, limit, shared.clock())))


async def set_attributes(request: Request) -> Response:
    """Put attributes in the place of all that the profile has."""
    site = changer(request)
    change = _change(request)
    return await _changed(request, site, profiles.with_attributes(change, read_all_attributes(await json_value(request)), replace=True))


async def add_attributes(request: Request) -> Response:
    """Add attributes; those that are there get the new value."""
    site = changer(request)
    change = _change(request)
    return await _changed(request, site, profiles.with_attributes(change, read_attributes(await json_value(request)), replace=False))


async def remove_attributes(request: Request) -> Response:
    """Remove attributes by their names."""
    site = changer(request)
    change = _change(request)
    return await _changed(request, site, msgspec.structs.replace(change, remove=read_attribute_names(await json_value(request))))


async def change_segments(request: Request) -> Response:
    """Put the profile into segments and take it out of others."""
    site = changer(request)
    change = _change(request)
    wanted = read_segments_change(await members(request, "add", "remove"))
    return await _changed(request, site, msgspec.structs.replace(change, enter=wanted.add, leave=wanted.remove))


async def merge(request: Request) -> Response:
    """Have a subscriber join the profile; its anonymous profile becomes part of it."""
    site = changer(request)
    profile_id = _profile_id(request)
    hashed = read_identity(await members(request, "device_token_hash"), "device_token_hash")
    shared = context(request)
    await profiles.merge(shared.store, site, profile_id, hashed, shared.clock(), shared.new_id)
    shared.desk.people.tell(site.id, hashed, profile_id)
    return answer({"profile_id": profile_id, "device_token_hash": hashed, "accepted": True})


async def export(request: Request) -> Response:
    """Everything that is kept of the person."""
    site = caller(request, "read")
    return answer(await export_person(context(request).store, site, _whom(request)))


async def erase(request: Request) -> Response:
    """Have nothing of the person left; the answer names the job that tells when that is so."""
    site = changer(request)
    shared = context(request)
    job = await erase_person(shared.store, site, _whom(request), shared.clock(), shared.new_id)
    for device_token_hash in erased_subscribers(job):
        shared.desk.people.leave(site.id, device_token_hash)
    return answer(job_view(job), 202)


def _page(page: ProfilesPage) -> dict[str, object]:
    return {"profiles": [listed_profile_view(one) for one in page.profiles], "cursor": page.cursor}


def _whom(request: Request) -> Whom:
    return Whom(profile_id=request.path_params["profile_id"])


def _profile_id(request: Request) -> str:
    """A profile_id that may be made. Raises Refusal (400)."""
    profile_id: str = request.path_params["profile_id"]
    problem = text_problem("profile_id", profile_id, IDENTITY_CHARACTERS)
    if problem is not None:
        raise invalid(Detail(problem, ("profile_id",)))
    return profile_id


def _change(request: Request) -> ProfileChange:
    return profiles.named(_profile_id(request), None)


async def _changed(request: Request, site: Site, change: ProfileChange) -> Response:
    shared = context(request)
    await profiles.change_profile(shared.store, site, change, shared.clock(), shared.new_id)
    return answer({"profile_id": change.profile_id, "accepted": True})
