"""Which subscribers there are and whose they are, remembered for a while so that an event need not wait for a read."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from clarion.clock import MINUTE, SECOND
from clarion.contract.errors import Refusal, unavailable
from clarion.contract.sdk.refusals import foreign_profile, unknown_subscriber
from clarion.domain.ids import named_profile, public_profile_id
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound, Store

MOST_REMEMBERED: Final = 100_000
"""Subscribers in each of the two memories."""
SEEN_FOR: Final = 10 * SECOND
"""What was read is believed for so long: a subscriber that goes meanwhile has its events recorded, and explained as of nobody known."""
TOLD_FOR: Final = 10 * MINUTE
"""A subscriber that was accepted here is believed to be there for so long without being seen: engines may be behind."""
NOBODY: Final = ""
"""In place of a `profile_id`: a subscriber that belongs to no named profile."""
PAUSES: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
"""Seconds between looks for what was accepted just now."""
_MOST_MERGES: Final = 4
"""Profiles that became part of one another, followed one after the other."""

Key = tuple[int, str]
T = TypeVar("T")


class _Told(msgspec.Struct, frozen=True, gc=False):
    """What was accepted of a subscriber here and may not be applied yet."""

    profile_id: str | None
    at: int

    def applied(self, profile: str) -> bool:
        """Whether a subscriber of this profile is as it was said to become."""
        return self.profile_id is None or self.profile_id == (public_profile_id(profile) or NOBODY)

    def certain(self, now: int) -> bool:
        """Whether it counts, whatever the store says; later it may have been changed elsewhere."""
        return now < self.at + SEEN_FOR


class _Seen(msgspec.Struct, frozen=True, gc=False):
    """What the store said of a subscriber."""

    profile: str
    until: int


class People:
    """Answers from memory where it can. Both memories are bounded; the oldest goes first."""

    def __init__(
        self, steady: Callable[[], int], pause: Callable[[float], Awaitable[object]] = asyncio.sleep, most: int = MOST_REMEMBERED
    ) -> None:
        """`steady` gives microseconds that never go back, `pause` waits for so many seconds."""
        self._steady, self._pause, self._most = steady, pause, most
        self._told: OrderedDict[Key, _Told] = OrderedDict()
        self._seen: OrderedDict[Key, _Seen] = OrderedDict()

    def tell(self, site: int, device_token_hash: str, profile_id: str | None) -> None:
        """Note that a subscriber was accepted: registered, or given another profile.

        `profile_id` is the one that it gets, NOBODY if it leaves the one that it has, None if it keeps it.
        """
        key = (site, device_token_hash)
        self._seen.pop(key, None)
        now, told = self._steady(), self._told.get(key)
        if profile_id is None and told is not None and told.certain(now):
            profile_id = told.profile_id
        _keep(self._told, key, _Told(profile_id, now), self._most)

    def leave(self, site: int, device_token_hash: str) -> None:
        """A subscriber is to be known no more: from here on the store is asked."""
        self._told.pop((site, device_token_hash), None)
        self._seen.pop((site, device_token_hash), None)

    def knows(self, site: int, device_token_hash: str, profile_id: str | None) -> bool:
        """Whether memory alone says that there is this subscriber, and that `profile_id`, if one is given, is its own."""
        key, now = (site, device_token_hash), self._steady()
        seen = self._seen.get(key)
        if seen is not None and seen.until > now and (profile_id is None or seen.profile == named_profile(profile_id)):
            return True
        told = self._told.get(key)
        if told is None:
            return False
        return now < told.at + TOLD_FOR if profile_id is None else told.certain(now) and profile_id == told.profile_id

    async def check(self, store: Store, site: int, device_token_hash: str, profile_id: str | None = None) -> None:
        """Raises Refusal: 404 for a subscriber that is not known, 403 for a `profile_id` that is not its own (semantics §1)."""
        if self.knows(site, device_token_hash, profile_id):
            return
        try:
            owner = public_profile_id((await self._read(store, site, device_token_hash)).profile)
        except NotFound:
            if not self.knows(site, device_token_hash, None):
                raise unknown_subscriber() from None
            owner = None
        told = self._told.get((site, device_token_hash))
        if told is not None and told.profile_id is not None:
            owner = told.profile_id
        if profile_id is not None and profile_id != owner:
            raise foreign_profile()

    async def owns(self, store: Store, site: int, device_token_hash: str, profile_id: str) -> bool:
        """Whether a `profile_id` is that of a known subscriber already."""
        try:
            await self.check(store, site, device_token_hash, profile_id)
        except Refusal:
            return False
        return True

    async def find(self, store: Store, site: int, device_token_hash: str) -> Subscriber:
        """A subscriber as its home has it; one that was accepted just now is waited for. Raises Refusal: 404, 503."""
        for pause in (*PAUSES, None):
            try:
                return await self._read(store, site, device_token_hash)
            except NotFound:
                if not self.knows(site, device_token_hash, None):
                    raise unknown_subscriber() from None
            if pause is not None:
                await self._pause(pause)
        raise unavailable(1)

    async def settle(self, store: Store, site: int, device_token_hash: str, profile_id: str | None) -> None:
        """Where other processes serve the database too, wait a little until they can see what was accepted here."""
        if not store.shared:
            return
        for pause in PAUSES:
            try:
                profile = (await self._read(store, site, device_token_hash)).profile
            except NotFound:
                pass
            else:
                if _Told(profile_id, 0).applied(profile):
                    return
            await self._pause(pause)

    async def _read(self, store: Store, site: int, device_token_hash: str) -> Subscriber:
        key = (site, device_token_hash)
        found = await store.subscriber(site, device_token_hash)
        now, told = self._steady(), self._told.get(key)
        if told is not None:
            if not told.applied(found.profile) and told.certain(now):
                return found  # what it is now is about to change
            del self._told[key]  # it is applied, or was changed elsewhere: if the subscriber goes now, it is gone
        _keep(self._seen, key, _Seen(found.profile, now + SEEN_FOR), self._most)
        return found


async def profile_of(store: Store, site: int, subscriber: Subscriber) -> Profile:
    """The profile that a subscriber belongs to; an empty one where nothing is kept of it yet."""
    key = subscriber.profile
    for _ in range(_MOST_MERGES):
        try:
            profile = (await store.profile(site, key, 1)).profile
        except NotFound:
            break
        if profile.merged is None:
            return profile
        key = profile.merged
    return Profile(key)


def _keep(memory: OrderedDict[Key, T], key: Key, value: T, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
