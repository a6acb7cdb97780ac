"""Secrets over HTTP: list, set, remove. Values go in and never come out."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context
from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, not_json, wrong_content_type
from clarion.contract.reading import NotJson, read_json
from clarion.control import secrets
from clarion.control.views import secret_view


async def list_secrets(request: Request) -> Response:
    """The names of the site's secrets, and when each was set last."""
    site = caller(request, "admin")
    return answer({"secrets": [secret_view(secret) for secret in await secrets.list_secrets(context(request).store, site)]})


async def set_secret(request: Request) -> Response:
    """Set a secret, in place of an earlier value."""
    site = caller(request, "admin")
    value = await _value(request)
    shared = context(request)
    name = request.path_params["name"]
    return answer(secret_view(await secrets.set_secret(shared.store, shared.directory.seal, site, name, value, shared.clock())))


async def remove_secret(request: Request) -> Response:
    """Forget a secret."""
    site = caller(request, "admin")
    await secrets.remove_secret(context(request).store, site, request.path_params["name"])
    return answer({})


async def _value(request: Request) -> str:
    if not is_json(request.headers.get("content-type", "").encode("latin-1")):
        raise wrong_content_type()
    try:
        given = read_json(await request.body())
    except NotJson:
        raise not_json() from None
    if not isinstance(given, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    value = given.get("value")
    if not isinstance(value, str):
        raise invalid(Detail("value must be a string", ("value",)))
    return value
