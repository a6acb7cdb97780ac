"""Exports of subscribers and profiles, a page at a time, in the form that an import takes."""

from typing import Any, Final

import msgspec

from clarion.contract.limits import FACTS
from clarion.control.errors import Invalid
from clarion.control.people_lists import ProfilesWanted, SubscribersWanted, list_profiles, list_subscribers
from clarion.control.person_rows import WHAT, csv_of, lines_of
from clarion.domain.ids import public_profile_id
from clarion.domain.records import WEBPUSH, Profile, Subscriber
from clarion.store.port import Store
from clarion.store.records.sites import Site

FORMATS: Final = ("ndjson", "csv")
PROFILE_COLUMNS: Final = ("profile_id", "segments", "attributes")
SUBSCRIBER_COLUMNS: Final = ("device_token_hash", "provider", "profile_id", "active", *FACTS)
ADDRESS_COLUMNS: Final = ("endpoint", "p256dh", "auth", "token")


class ExportedPage(msgspec.Struct, frozen=True):
    """A page as it is sent."""

    content: bytes
    rows: int
    cursor: str | None
    """What to go on with; None: that was all."""


async def export_page(
    store: Store, site: Site, what: str, form: str, cursor: str | None, limit: int, now: int, *, addresses: bool = False
) -> ExportedPage:
    """Profiles that have a `profile_id`, or subscribers; each page of CSV begins with the header.

    With `addresses`, subscribers come with what is needed to send to them. Raises Invalid.
    """
    if what not in WHAT:
        raise Invalid("what", f"what must be one of {', '.join(WHAT)}")
    if form not in FORMATS:
        raise Invalid("format", f"format must be one of {', '.join(FORMATS)}")
    if addresses and what == "profiles":
        raise Invalid("addresses", "addresses are those of subscribers — leave it out")
    rows: list[dict[str, Any]]
    columns: tuple[str, ...]
    if what == "profiles":
        page = await list_profiles(store, site, ProfilesWanted(anonymous=False), cursor, limit, now)
        rows, columns, after = [profile_row(one) for one in page.profiles], PROFILE_COLUMNS, page.cursor
    else:
        found = await list_subscribers(store, site, SubscribersWanted(), cursor, limit)
        rows = [subscriber_row(one, addresses=addresses) for one in found.subscribers]
        columns, after = (*SUBSCRIBER_COLUMNS, *(ADDRESS_COLUMNS if addresses else ())), found.cursor
    return ExportedPage(csv_of(rows, columns) if form == "csv" else lines_of(rows), len(rows), after)


def profile_row(profile: Profile) -> dict[str, Any]:
    """A profile as an import takes it."""
    return {"profile_id": public_profile_id(profile.key), "segments": list(profile.segments), "attributes": profile.attributes}


def subscriber_row(one: Subscriber, *, addresses: bool) -> dict[str, Any]:
    """A subscriber as an import takes it, if it has its address."""
    row: dict[str, Any] = {
        "device_token_hash": one.device_token_hash,
        "provider": one.provider,
        "profile_id": public_profile_id(one.profile),
        "active": one.active,
        **{name: one.facts[name] for name in FACTS if name in one.facts},
    }
    if addresses:
        if one.provider == WEBPUSH:
            row["subscription"] = {"endpoint": one.endpoint, "keys": {"p256dh": one.p256dh, "auth": one.auth}}
        else:
            row["token"] = one.endpoint
    return row
