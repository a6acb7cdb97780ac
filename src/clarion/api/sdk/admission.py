"""What every request to `/p/v1` is judged by before anything of it is read."""

from collections.abc import Iterable

from clarion.api.context import Context
from clarion.api.sdk.origins import allowed_somewhere
from clarion.contract.errors import unavailable
from clarion.contract.sdk.refusals import origin_refused


def admit(shared: Context, peer: str | None, forwarded: Iterable[str], origin: str | None) -> None:
    """Raises Refusal: 429 for a client that asks too often, 503 while the process is not fit, 403 for a page that no site lets in.

    `peer` is the address at the other end, `forwarded` what proxies add to it, `origin` the page's, if a page asks.
    """
    shared.desk.meter_address(shared.desk.proxies.client(peer, forwarded))
    if not shared.is_ready():
        raise unavailable(1)
    if origin is not None and not allowed_somewhere(shared.directory.sites, origin):
        raise origin_refused()
