"""Which pages may ask: cross-origin requests (Fetch §3.2) by the origins of a site. Never with credentials, for there are none."""

from collections.abc import Iterable
from typing import Final

from clarion.store.records.sites import Site

PREFLIGHT_SECONDS: Final = 7200
"""How long a browser may go without asking again; Chromium takes no more."""
HEADERS: Final = "content-type, idempotency-key, x-profile-signature, x-pe-app-id, x-pe-client, x-pe-client-version, x-pe-sdk-version"
"""What scripts may send."""

Pairs = tuple[tuple[str, str], ...]

SAFE: Final[Pairs] = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
"""What every answer says: it is JSON, and nobody else's."""


def allows(site: Site, origin: str) -> bool:
    """Whether pages of an origin may use a site; with no origins set, those of any may."""
    return not site.origins or origin in site.origins


def allowed_somewhere(sites: Iterable[Site], origin: str) -> bool:
    """Whether any site lets pages of an origin in: all that can be said before a request has named its site."""
    return any(allows(site, origin) for site in sites)


def shared_with(origin: str) -> Pairs:
    """Headers that let a page of the origin read an answer."""
    return (
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", "retry-after, x-request-id"),
        ("vary", "origin"),
    )


def preflight(origin: str, methods: Iterable[str]) -> Pairs:
    """Headers that let a page of the origin send a request (Fetch §3.2.2)."""
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-methods", ", ".join(methods)),
        ("access-control-allow-headers", HEADERS),
        ("access-control-max-age", str(PREFLIGHT_SECONDS)),
        ("vary", "origin"),
    )
