"""Addresses that go on behind a profile_id or a hash, either of which may itself hold a slash, sent as %2F."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import Endpoint
from clarion.contract.errors import method_not_allowed

Methods = Mapping[str, Endpoint]

_REFUSED: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
"""Methods that are answered with 405 here, so that `Allow` names those of the address that was meant."""


def behind(tail: str, named: str, methods: Methods, bare: Methods) -> dict[str, Endpoint]:
    """Endpoints of an address that ends in `tail` behind the path parameter `named`.

    Where the tail was not sent literally it is the end of the profile_id or hash, and the address is the bare one, with the methods that
    has: nobody's profile is erased or left alone because of how it is called.
    """

    def choose(method: str) -> Endpoint:
        async def chosen(request: Request) -> Response:
            raw: bytes = request.scope["raw_path"]
            if raw.endswith(tail.encode()):
                endpoint, known = methods.get(method), methods
            else:
                request.path_params[named] += tail
                endpoint, known = bare.get(method), bare
            if endpoint is None:
                raise method_not_allowed((*known, *(("HEAD",) if "GET" in known else ())))
            return await endpoint(request)

        return chosen

    return {method: choose(method) for method in dict.fromkeys((*methods, *bare, *_REFUSED))}


def called(name: str, named: str, bare: Methods, methods: Methods) -> dict[str, Endpoint]:
    """Endpoints of an address whose last part is a word of ours, `name`, and may as well be somebody's profile_id: those methods that are
    not ours are of the bare address.
    """

    def choose(endpoint: Endpoint) -> Endpoint:
        async def chosen(request: Request) -> Response:
            request.path_params[named] = name
            return await endpoint(request)

        return chosen

    return {**{method: choose(endpoint) for method, endpoint in bare.items()}, **methods}
