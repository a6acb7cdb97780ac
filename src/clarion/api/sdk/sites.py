"""Which site a request is for: by what it says, or by the subscriber that it names."""

from collections.abc import Iterable
from typing import Final

from clarion.contract.errors import Detail, invalid
from clarion.contract.sdk.reading import SiteName
from clarion.contract.sdk.refusals import unknown_site, unknown_subscriber
from clarion.directory import Directory
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Site

MOST_SEARCHED: Final = 16
"""Sites in which a subscriber is looked for whose request names none: each costs a read."""


def named_site(directory: Directory, names: Iterable[SiteName]) -> Site | None:
    """The site that all of the names mean; None where there are none.

    Raises Refusal: 404 for what is no site's name, 400 where two sites are meant.
    """
    found: Site | None = None
    for name in names:
        try:
            by_id = None if name.site_id is None else directory.site(name.site_id)
            by_app = None if name.app_id is None else directory.site_of_app(name.app_id)
        except KeyError:
            raise unknown_site() from None
        for site in (by_id, by_app):
            if site is not None and found is not None and site.id != found.id:
                raise invalid(Detail("site_id and app_id must name the same site", ("site_id",)))
            found = site or found
    return found


async def site_of_subscriber(directory: Directory, store: Store, device_token_hash: str | None) -> Site:
    """The only site, or the one that has the subscriber: older SDKs name nothing else.

    Raises Refusal: 404 where no site has it, 400 where it cannot be told.
    """
    sites = directory.sites
    if len(sites) == 1:
        return next(iter(sites))
    if device_token_hash is None or len(sites) > MOST_SEARCHED:
        raise invalid(Detail("site_id or app_id is required", ("site_id",)))
    found = []
    for site in sites:
        try:
            await store.subscriber_profile(site.id, device_token_hash)
        except NotFound:
            continue
        found.append(site)
    if not found:
        raise unknown_subscriber()
    if len(found) > 1:
        raise invalid(Detail("site_id or app_id is required", ("site_id",)))
    return found[0]
