"""What the head of a direct request says to `/p/v1`, and the headers of its answer."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from clarion.api.protocol_direct import DirectRequest
from clarion.api.protocol_responses import Headers
from clarion.api.sdk.call import IOS
from clarion.api.sdk.origins import SAFE, allowed_somewhere, allows, shared_with
from clarion.store.records.sites import Site

SAFE_HEADERS: Final[Headers] = tuple((name.encode(), value.encode()) for name, value in SAFE)


class Asking(msgspec.Struct):
    """What the head of a request says."""

    origin: str | None = None
    app_id: str | None = None
    forwarded: tuple[str, ...] = ()
    by_ios: bool = False
    site: Site | None = None
    """Which it is for, once that is known."""


def read_asking(request: DirectRequest) -> Asking:
    asking = Asking()
    for name, value in request.head.raw_headers:
        match name.lower():
            case b"origin":
                asking.origin = value.rstrip().decode("latin-1")
            case b"x-pe-app-id":
                asking.app_id = value.rstrip().decode("latin-1")
            case b"x-pe-client":
                asking.by_ios = value.rstrip() == IOS.encode()
            case b"x-forwarded-for":
                asking.forwarded = (*asking.forwarded, value.decode("latin-1"))
            case _:
                pass
    return asking


def answer_headers(asking: Asking, sites: Iterable[Site]) -> Headers:
    """What lets the page that asks read the answer, whatever that is, if it may."""
    origin, site = asking.origin, asking.site
    if origin is None or not (allowed_somewhere(sites, origin) if site is None else allows(site, origin)):
        return SAFE_HEADERS
    return _read_by(origin)


@lru_cache(256)
def _read_by(origin: str) -> Headers:
    return (*SAFE_HEADERS, *pairs(shared_with(origin)))


def pairs(headers: Iterable[tuple[str, str]]) -> Headers:
    """Headers as the direct routes write them."""
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers)
