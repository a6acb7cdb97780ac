"""What all of `/p/v1` works with besides the context: limits, memory, and how this server is reached."""

from collections.abc import Callable, Iterable

from clarion.api.sdk.addresses import Proxies
from clarion.api.sdk.people import People
from clarion.api.sdk.rates import RateTable
from clarion.contract.errors import too_many_requests
from clarion.engine.log_clock import steady_clock


class Desk:
    """One for each process."""

    def __init__(
        self,
        *,
        per_app: int = 0,
        per_address: int = 0,
        per_subscriber: int = 0,
        trusted_proxies: Iterable[str] = (),
        public_url: str = "",
        steady: Callable[[], int] = steady_clock,
        people: People | None = None,
    ) -> None:
        """Limits are requests a second, 0 for none; `public_url` is how clients reach this server, empty: as they were asked to."""
        self.apps, self.addresses, self.subscribers = (RateTable(each, steady) for each in (per_app, per_address, per_subscriber))
        self.proxies = Proxies(trusted_proxies)
        self.public_url = public_url.rstrip("/")
        self.people = People(steady) if people is None else people

    def meter_address(self, name: str) -> None:
        """Count a request of a client. Raises Refusal (429)."""
        _refuse(self.addresses.take(name))

    def meter_app(self, site: int) -> None:
        """Count a request for a site. Raises Refusal (429)."""
        _refuse(self.apps.take(site))

    def meter_subscriber(self, site: int, device_token_hash: str) -> None:
        """Count a request of a subscriber. Raises Refusal (429)."""
        _refuse(self.subscribers.take((site, device_token_hash)))


def _refuse(retry_after: int) -> None:
    if retry_after:
        raise too_many_requests(retry_after)
