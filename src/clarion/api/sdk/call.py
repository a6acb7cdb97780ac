"""One request of `/p/v1`: whom it comes from, which site it is for, and what has to hold before it is heard."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request

from clarion.api.closing import closed
from clarion.api.context import Context, context
from clarion.api.sdk.admission import admit
from clarion.api.sdk.desk import Desk
from clarion.api.sdk.entries import Entries
from clarion.api.sdk.origins import Pairs, allowed_somewhere, allows, shared_with
from clarion.api.sdk.sites import named_site, site_of_subscriber
from clarion.contract.content_type import is_json
from clarion.contract.errors import wrong_content_type
from clarion.contract.problems import Problems
from clarion.contract.sdk.reading import SiteName, read_site
from clarion.contract.sdk.refusals import origin_refused, signature_refused
from clarion.store.records.entries import Appended, NewEntry
from clarion.store.records.sites import Site

RETRY_AFTER: Final = 1
"""Seconds to wait after a 503."""
APP_HEADER: Final = "x-pe-app-id"
"""Where the mobile SDKs say their app id, also when the body names no site."""
CLIENT_HEADER: Final = "x-pe-client"
IOS: Final = "iOS"


class Call:
    """A request on its way through its endpoint."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.shared: Context = context(request)
        self.desk: Desk = self.shared.desk
        self.origin = request.headers.get("origin")
        self.by_ios = request.headers.get(CLIENT_HEADER) == IOS
        self.status = 200
        """Of the answer if all goes well."""
        self._site: Site | None = None

    @property
    def app_id(self) -> str | None:
        """The app id of a mobile SDK."""
        return self.request.headers.get(APP_HEADER)

    @property
    def answer_headers(self) -> Pairs:
        """What lets the page that asks read the answer, whatever that is, if it may."""
        if self.origin is None:
            return ()
        allowed = allowed_somewhere(self.shared.directory.sites, self.origin) if self._site is None else allows(self._site, self.origin)
        return shared_with(self.origin) if allowed else ()

    def admit(self) -> None:
        """What is judged before anything is read. Raises Refusal: 429, 403, 503."""
        client = self.request.client
        peer = None if client is None else client.host
        admit(self.shared, peer, self.request.headers.getlist("x-forwarded-for"), self.origin)

    async def body(self) -> bytes:
        """The body, which has to be JSON. Raises Refusal (400)."""
        content_type = self.request.headers.get("content-type")
        if not is_json(None if content_type is None else content_type.encode("latin-1")):
            raise wrong_content_type()
        return await self.request.body()

    async def enter(self, name: SiteName | None = None, device_token_hash: str | None = None) -> Site:
        """The site that the request is for: by its body, its query or its headers, or else by the subscriber.

        Raises Refusal: 400 or 404 where it is none, 403 for a page that may not use it, 429.
        """
        shared = self.shared
        problems = Problems()
        names = [name or SiteName(), read_site(problems, self.request.query_params), SiteName(None, self.app_id)]
        problems.refuse()
        site = named_site(shared.directory, names) or await site_of_subscriber(shared.directory, shared.store, device_token_hash)
        self.settle_site(site)
        if device_token_hash is not None:
            self.desk.meter_subscriber(site.id, device_token_hash)
        return site

    def settle_site(self, site: Site) -> None:
        """From now on the request is for this site. Raises Refusal: 403, 429."""
        self._site = site
        if self.origin is not None and not allows(site, self.origin):
            raise origin_refused()
        self.desk.meter_app(site.id)

    async def change(self, name: SiteName | None, device_token_hash: str, profile_id: str | None = None) -> Site:
        """Enter to change something of a subscriber, or to tell something of it. Raises Refusal.

        It has to be known (404), and `profile_id`, if one is given, its own (403).
        """
        site = await self.enter(name, device_token_hash)
        self.open()
        await self.desk.people.check(self.shared.store, site.id, device_token_hash, profile_id)
        return site

    def open(self) -> None:
        """Raises Refusal (503) while nothing new is taken."""
        limits = self.shared.metrics.pressure.closed
        if limits:
            raise closed(limits)

    def vouched(self, site: Site, profile_id: str, signature: str | None) -> bool:
        """Whether it is proved that the person has this `profile_id`, or the site wants no proof (semantics §1)."""
        return site.dangerous_unsigned_profiles or (
            signature is not None and self.shared.directory.is_signed(site.id, profile_id, signature)
        )

    def vouch(self, site: Site, profile_id: str, signature: str | None) -> None:
        """Raises Refusal (403) unless `vouched`."""
        if not self.vouched(site, profile_id, signature):
            raise signature_refused()

    def entries(self, site: Site) -> Entries:
        """What makes this request's entries."""
        return Entries(self.shared.store, site, self.shared.clock(), self.shared.new_id)

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Store entries, all or none; durable when this returns. Raises StoreError."""
        return await self.shared.store.append(entries) if entries else []
