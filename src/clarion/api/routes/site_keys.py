"""Keys of the site over HTTP: VAPID rotated, the identity secret, credentials for mobile apps. Only the identity secret comes out, once."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, text_member
from clarion.api.context import answer, caller, catch_up, context
from clarion.contract.errors import Detail, invalid
from clarion.control import site_keys
from clarion.control.people_views import site_key_view
from clarion.control.views import site_view
from clarion.delivery.credentials import read_fcm_key
from clarion.keyring import read_apns_file


async def list_keys(request: Request) -> Response:
    """The site's keys beside its current VAPID pair, by what is no secret of them."""
    site = caller(request, "admin")
    return answer({"keys": [site_key_view(key) for key in await site_keys.list_keys(context(request).store, site)]})


async def rotate_vapid(request: Request) -> Response:
    """Give the site a new VAPID pair; subscriptions made with earlier ones are still sent to."""
    site = caller(request, "admin")
    given = await members(request, "vapid_subject")
    shared = context(request)
    subject = text_member(given, "vapid_subject")
    after = await site_keys.rotate_vapid(shared.store, shared.directory.seal, site, subject, shared.clock(), shared.new_id)
    await catch_up(shared)
    return answer(site_view(after))


async def rotate_identity(request: Request) -> Response:
    """Give the site a new secret that signs profile_ids; it is in this answer and in none after it."""
    site = caller(request, "admin")
    await members(request)
    shared = context(request)
    secret = await site_keys.rotate_identity(shared.store, shared.directory.seal, site, shared.clock())
    await catch_up(shared)
    return answer({"identity_secret": secret})


async def set_fcm(request: Request) -> Response:
    """Keep the service account that sends to the site's Android apps."""
    site = caller(request, "admin")
    account = (await members(request, "service_account")).get("service_account")
    if not isinstance(account, dict):
        raise invalid(Detail("service_account must be the object in the service account's JSON key file", ("service_account",)))
    shared = context(request)
    file = msgspec.json.encode(account)
    key = await site_keys.set_fcm(shared.store, shared.directory.seal, site, file, read_fcm_key, shared.clock())
    await catch_up(shared)
    return answer(site_key_view(key))


async def set_apns(request: Request) -> Response:
    """Keep the key that sends to the site's iOS app."""
    site = caller(request, "admin")
    given = await members(request, "key", "key_id", "team_id", "topic", "sandbox")
    try:
        file = msgspec.convert(dict(given), site_keys.ApnsFile)
    except msgspec.ValidationError:
        said = "key, key_id, team_id and topic must be strings, and sandbox true or false"
        raise invalid(Detail(said)) from None
    shared = context(request)
    key = await site_keys.set_apns(shared.store, shared.directory.seal, site, file, read_apns_file, shared.clock())
    await catch_up(shared)
    return answer(site_key_view(key))


async def remove_key(request: Request) -> Response:
    """Forget the identity secret, or credentials for mobile apps."""
    site = caller(request, "admin")
    shared = context(request)
    await site_keys.remove_key(shared.store, site, request.path_params["kind"])
    await catch_up(shared)
    return answer({})
