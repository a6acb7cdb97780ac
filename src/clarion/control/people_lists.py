"""Lists of subscribers and profiles, a bounded piece at a time, in the order of partitions and of keys within them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from clarion.control.cursors import Place, read_cursor
from clarion.domain.condition_tree import Condition
from clarion.domain.ids import is_anonymous, named_profile, partition_of, partition_of_profile, public_profile_id
from clarion.domain.membership import membership
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Site

MOST: Final = 1_000
"""On one page."""
SCANNED: Final = 5_000
"""Rows that are looked at for one page: a page may be short, and even empty, and still not be the last."""
PIECE: Final = 500
"""Rows that are read at once."""


class SubscribersWanted(msgspec.Struct, frozen=True):
    """Which subscribers; None: any."""

    active: bool | None = None
    provider: str | None = None
    profile_id: str | None = None
    segment: str | None = None
    """That their profile is in."""
    facts: Mapping[str, str] = {}

    def fits(self, one: Subscriber) -> bool:
        """Whether a subscriber is wanted, as far as itself says."""
        return (
            (self.active is None or one.active == self.active)
            and (self.provider is None or one.provider == self.provider)
            and all(one.facts.get(name) == value for name, value in self.facts.items())
        )


class ProfilesWanted(msgspec.Struct, frozen=True):
    """Which profiles; None: any."""

    segment: str | None = None
    prefix: str | None = None
    """That their `profile_id` begins with."""
    anonymous: bool | None = None
    condition: Condition | None = None

    @property
    def asks_of_subscribers(self) -> bool:
        """Whether what their subscribers say matters."""
        return self.condition is not None and any(field.startswith("subscriber.") for field in self.condition.fields)

    def fits(self, profile: Profile, newest: Subscriber | None, now: int, timezone: str) -> bool:
        """Whether a profile is wanted; `newest` is its most recently active subscriber."""
        if self.segment is not None and self.segment not in profile.segments:
            return False
        if self.anonymous is not None and is_anonymous(profile.key) != self.anonymous:
            return False
        if self.prefix is not None and not (public_profile_id(profile.key) or "").startswith(self.prefix):
            return False
        return self.condition is None or membership(self.condition, profile, newest, now, timezone).holds


class SubscribersPage(msgspec.Struct, frozen=True):
    """A piece of a list."""

    subscribers: list[Subscriber]
    cursor: str | None
    """What to go on with; None: there are no more."""


class ProfilesPage(msgspec.Struct, frozen=True):
    """A piece of a list."""

    profiles: list[Profile]
    cursor: str | None


async def list_subscribers(store: Store, site: Site, wanted: SubscribersWanted, cursor: str | None, limit: int) -> SubscribersPage:
    """So many subscribers that are wanted, at most. Raises Invalid for a cursor that is none."""
    if wanted.profile_id is not None:
        return await _of_one(store, site, wanted, cursor, limit)
    if wanted.segment is not None:
        return await _of_segment(store, site, wanted, cursor, limit)
    place = read_cursor(cursor, "s", store.partitions)
    found: list[Subscriber] = []
    looked = 0
    while place.partition < store.partitions:
        rows = await store.subscribers_page(place.partition, site.id, place.after, PIECE)
        for row in rows:
            place = msgspec.structs.replace(place, after=row.device_token_hash)
            # others are copies beside a profile that lives here: they are listed at their home
            if partition_of(site.id, row.device_token_hash, store.partitions) == place.partition and wanted.fits(row):
                found.append(row)
                if len(found) == limit:
                    return SubscribersPage(found, place.text)
        looked += len(rows)
        if len(rows) < PIECE:
            place = Place("s", place.partition + 1)
        if looked >= SCANNED and place.partition < store.partitions:
            return SubscribersPage(found, place.text)
    return SubscribersPage(found, None)


async def list_profiles(store: Store, site: Site, wanted: ProfilesWanted, cursor: str | None, limit: int, now: int) -> ProfilesPage:
    """So many profiles that are wanted, at most. Raises Invalid for a cursor that is none."""
    place = read_cursor(cursor, "p", store.partitions)
    if wanted.prefix is not None and place.after == "" and wanted.anonymous is not True:
        place = _before(place, wanted.prefix)
    found: list[Profile] = []
    looked = 0
    while place.partition < store.partitions:
        rows = await store.profiles_page(place.partition, site.id, place.after, PIECE)
        newest = await newest_of(store, site, place.partition, rows) if wanted.asks_of_subscribers else {}
        ended = len(rows) < PIECE
        for row in rows:
            if (
                wanted.prefix is not None
                and row.key > named_profile(wanted.prefix)
                and not row.key.startswith(named_profile(wanted.prefix))
            ):
                ended = True  # in the order of keys none follows that begins so
                break
            place = msgspec.structs.replace(place, after=row.key)
            if wanted.fits(row, newest.get(row.key), now, site.timezone):
                found.append(row)
                if len(found) == limit:
                    return ProfilesPage(found, place.text)
        looked += len(rows)
        if ended:
            place = Place("p", place.partition + 1)
            if wanted.prefix is not None:
                place = _before(place, wanted.prefix)
        if looked >= SCANNED and place.partition < store.partitions:
            return ProfilesPage(found, place.text)
    return ProfilesPage(found, None)


async def newest_of(store: Store, site: Site, partition: int, profiles: list[Profile]) -> dict[str, Subscriber]:
    """The most recently active subscriber of each profile of a partition that has one."""
    newest: dict[str, Subscriber] = {}
    for one in await store.subscribers_of(partition, site.id, [profile.key for profile in profiles]):
        before = newest.get(one.profile)
        if before is None or (one.last_active, one.device_token_hash) > (before.last_active, before.device_token_hash):
            newest[one.profile] = one
    return newest


async def _of_one(store: Store, site: Site, wanted: SubscribersWanted, cursor: str | None, limit: int) -> SubscribersPage:
    """Subscribers of one profile."""
    place = read_cursor(cursor, "o", store.partitions)
    key = named_profile(wanted.profile_id or "")
    partition = partition_of_profile(site.id, key, store.partitions)
    rows = sorted(await store.subscribers_of(partition, site.id, [key]), key=lambda one: one.device_token_hash.encode())
    fitting = [one for one in rows if one.device_token_hash.encode() > place.after.encode() and wanted.fits(one)]
    page = fitting[:limit]
    return SubscribersPage(page, Place("o", 0, page[-1].device_token_hash).text if len(fitting) > limit else None)


async def _of_segment(store: Store, site: Site, wanted: SubscribersWanted, cursor: str | None, limit: int) -> SubscribersPage:
    """Subscribers of the profiles that are in a segment, profile by profile."""
    place = read_cursor(cursor, "g", store.partitions)
    found: list[Subscriber] = []
    looked = 0
    while place.partition < store.partitions:
        rows = await _profiles_from(store, site, place)
        members = [row.key for row in rows if wanted.segment in row.segments]
        theirs: dict[str, list[Subscriber]] = {}
        for one in await store.subscribers_of(place.partition, site.id, members):
            theirs.setdefault(one.profile, []).append(one)
        for row in rows:
            behind = place.within if row.key == place.after else ""
            for one in sorted(theirs.get(row.key, ()), key=lambda one: one.device_token_hash.encode()):
                if one.device_token_hash.encode() > behind.encode() and wanted.fits(one):
                    found.append(one)
                    if len(found) == limit:
                        return SubscribersPage(found, Place("g", place.partition, row.key, one.device_token_hash).text)
            place = Place("g", place.partition, row.key)
        looked += len(rows)
        if len(rows) < PIECE:
            place = Place("g", place.partition + 1)
        if looked >= SCANNED and place.partition < store.partitions:
            return SubscribersPage(found, place.text)
    return SubscribersPage(found, None)


async def _profiles_from(store: Store, site: Site, place: Place) -> list[Profile]:
    """Profiles behind a place; with the place's own one first if not all of its subscribers were looked at."""
    rows = await store.profiles_page(place.partition, site.id, place.after, PIECE)
    if not place.within:
        return rows
    try:
        first = (await store.profile(site.id, place.after, 1)).profile
    except NotFound:
        return rows
    return rows if first.merged else [first, *rows]


def _before(place: Place, prefix: str) -> Place:
    """A place shortly before the first key that begins so; the keys' order is that of their code points."""
    key = named_profile(prefix)
    last = ord(key[-1]) - 1
    if 0xD800 <= last <= 0xDFFF:  # halves of characters stand in no key
        last = 0xD7FF
    return msgspec.structs.replace(place, after=key[:-1] + (chr(last) + "\U0010ffff" if last else ""))
