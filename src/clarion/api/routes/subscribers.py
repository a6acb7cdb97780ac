"""Subscribers over HTTP: registered, listed, changed, forgotten."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members
from clarion.api.context import Endpoint, answer, caller, changer, context, flag, taker, whole
from clarion.api.sdk.people import NOBODY
from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, wrong_content_type
from clarion.contract.limits import FACTS
from clarion.contract.person import read_facts_change, read_identity
from clarion.contract.subscriber import read_subscriber
from clarion.control import subscribers
from clarion.control.explain.people import Whom
from clarion.control.people_lists import MOST, SubscribersWanted, list_subscribers
from clarion.control.people_views import subscriber_view
from clarion.control.person_export import export_person
from clarion.control.registration import register
from clarion.domain.records import PROVIDERS
from clarion.push_addresses import address_problems
from clarion.store.records.sites import Site

CHANGES: Final = ("unsubscribe", "subscribe", "logout")
"""What can be asked for without more to say."""


async def add_subscriber(request: Request) -> Response:
    """Register a subscription; the same one again gives the same `device_token_hash`."""
    site = taker(request)
    content_type = request.headers.get("content-type")
    if not is_json(None if content_type is None else content_type.encode("latin-1")):
        raise wrong_content_type()
    given = read_subscriber(await request.body())
    shared = context(request)
    details = address_problems(given, shared.push_hosts)
    if details:
        raise invalid(*details)
    hashed = await register(shared.store, shared.directory, site, given, shared.clock(), shared.new_id)
    shared.desk.people.tell(site.id, hashed, given.profile_id)
    return answer({"device_token_hash": hashed})


async def show_subscribers(request: Request) -> Response:
    """Subscribers that fit, a page at a time; `cursor` is what to go on with, and null at the end."""
    site = caller(request, "read")
    asked = request.query_params
    provider = asked.get("provider")
    if provider is not None and provider not in PROVIDERS:
        raise invalid(Detail(f"provider must be one of {', '.join(PROVIDERS)}", ("provider",)))
    wanted = SubscribersWanted(
        flag(request, "active"),
        provider,
        asked.get("profile_id"),
        asked.get("segment"),
        {fact: asked[fact] for fact in FACTS if fact in asked},
    )
    page = await list_subscribers(context(request).store, site, wanted, asked.get("cursor"), whole(request, "limit", 100, 1, MOST))
    return answer({"subscribers": [subscriber_view(one) for one in page.subscribers], "cursor": page.cursor})


async def update(request: Request) -> Response:
    """Change what is known of the device."""
    site = changer(request)
    facts = read_facts_change(await members(request, *FACTS))
    return await _change(request, site, "update", facts=facts)


async def identify(request: Request) -> Response:
    """Have a subscriber join a profile."""
    site = changer(request)
    profile_id = read_identity(await members(request, "profile_id"), "profile_id")
    answered = await _change(request, site, "identify", profile_id=profile_id)
    context(request).desk.people.tell(site.id, request.path_params["device_token_hash"], profile_id)
    return answered


async def forget(request: Request) -> Response:
    """Have a subscriber known no more; its profile stays."""
    site = changer(request)
    answered = await _change(request, site, "forget")
    context(request).desk.people.leave(site.id, request.path_params["device_token_hash"])
    return answered


def changing(change: str) -> Endpoint:
    """The endpoint of one of CHANGES."""

    async def change_subscriber(request: Request) -> Response:
        site = changer(request)
        await members(request)
        answered = await _change(request, site, change)
        if change == "logout":
            context(request).desk.people.tell(site.id, request.path_params["device_token_hash"], NOBODY)
        return answered

    return change_subscriber


async def export(request: Request) -> Response:
    """Everything that is kept of the person that a subscriber belongs to."""
    site = caller(request, "read")
    return answer(await export_person(context(request).store, site, Whom(device_token_hash=request.path_params["device_token_hash"])))


async def _change(
    request: Request, site: Site, change: str, *, profile_id: str | None = None, facts: dict[str, str] | None = None
) -> Response:
    shared = context(request)
    hashed = request.path_params["device_token_hash"]
    now, new_id = shared.clock(), shared.new_id
    before = await subscribers.change_subscriber(shared.store, site, hashed, change, now, new_id, profile_id=profile_id, facts=facts)
    return answer({"device_token_hash": before.device_token_hash, "change": change, "accepted": True})
