"""`/metrics`: what this process counts, for Prometheus."""

from ipaddress import ip_address
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import caller, context
from clarion.metrics.exposition import CONTENT_TYPE

SCOPE: Final = "admin"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""A proxy on this machine says with one of these that somebody else asks (RFC 7239 §4, RFC 9110 §7.6.3)."""


async def show_metrics(request: Request) -> Response:
    """All metrics: for clients on this machine, for keys of scope admin, and for everybody where the settings say so."""
    metrics = context(request).metrics
    if not metrics.is_public and not is_local(request):
        caller(request, SCOPE)
    return Response(await metrics.text(), media_type=CONTENT_TYPE)


def is_local(request: Request) -> bool:
    """Whether a client on this machine asks for itself."""
    client = request.client
    if client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ip_address(client.host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
