"""Whom a question is about: a profile, by its id or by one of its subscribers, with everything that belongs to it."""

from typing import Final

import msgspec

from clarion.control.explain.answers import ToldDelivery
from clarion.control.explain.deliveries import tell_delivery
from clarion.domain.ids import anonymous_profile, named_profile, public_profile_id
from clarion.store.port import NotFound, Store
from clarion.store.records.profiles import ProfileView
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site

MOST_KEYS: Final = 50
"""Profiles that one person can have been: the named one, and the anonymous one of each subscriber before it joined."""
MOST_SHOWN: Final = 200
"""Runs and deliveries of a person that are looked at."""


class Whom(msgspec.Struct, frozen=True):
    """A profile_id, or the device_token_hash of a subscriber: one of the two."""

    profile_id: str | None = None
    device_token_hash: str | None = None

    async def key(self, store: Store, site: Site) -> str:
        """Key of the profile. Raises NotFound for an unknown subscriber."""
        if self.profile_id is not None:
            return named_profile(self.profile_id)
        try:
            return await store.subscriber_profile(site.id, self.device_token_hash or "")
        except NotFound:
            said = "there is no such subscriber: events that name it are recorded and start nothing (unknown_subscriber)"
            raise NotFound(f"{said} — see: clarion events tail") from None


class Joining(NotFound):
    """A subscriber has been registered for a profile whose partition has not heard of it yet."""


class Known(msgspec.Struct, frozen=True):
    """What is kept of a person."""

    key: str
    keys: tuple[str, ...]
    """Of the profile, and of the anonymous ones that its subscribers had before."""
    views: tuple[ProfileView, ...]
    """Of those of them that are kept, the profile's first."""

    @property
    def profile_id(self) -> str | None:
        """None for an anonymous profile."""
        return public_profile_id(self.key)

    @property
    def devices(self) -> tuple[str, ...]:
        """Of every subscriber."""
        return tuple(one.device_token_hash for one in self.views[0].subscribers)

    @property
    def runs(self) -> list[RunRow]:
        """Newest first."""
        found = {run.id: run for view in self.views for run in view.runs}
        return sorted(found.values(), key=lambda run: (-run.started, run.id))

    @property
    def deliveries(self) -> list[ToldDelivery]:
        """Newest first."""
        rows = [row for view in self.views for row in view.deliveries]
        return sorted(map(tell_delivery, rows), key=lambda one: (-one.created, one.delivery_id))


async def find_profile(store: Store, site: Site, whom: Whom, limit: int = 100) -> ProfileView:
    """A profile with so much of what belongs to it. Raises NotFound, Joining."""
    key = await whom.key(store, site)
    try:
        return await store.profile(site.id, key, limit)
    except NotFound:
        if whom.profile_id is None:
            said = f"the subscriber is being joined to the profile {public_profile_id(key) or key}: ask again in a moment"
            raise Joining(f"{said}, and if it stays so, see: clarion poisoned list") from None
        raise NotFound("there is no such profile: nothing has ever come for it — see: clarion events tail") from None


async def find_person(store: Store, site: Site, whom: Whom) -> Known:
    """Everything that is kept of a person. Raises NotFound, Joining."""
    first = await find_profile(store, site, whom, MOST_SHOWN)
    key = first.profile.key
    earlier = [anonymous_profile(one.device_token_hash) for one in first.subscribers]
    keys = tuple(dict.fromkeys((key, *earlier)))[:MOST_KEYS]
    views = [first]
    for other in keys[1:]:
        try:
            views.append(await store.profile(site.id, other, MOST_SHOWN))
        except NotFound:
            continue
    return Known(key, keys, tuple(views))
