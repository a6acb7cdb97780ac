"""Keys of a site: its VAPID pair rotated, the secret that signs profile_ids, credentials for the push services of mobile apps.

All are sealed before they reach the store. Only the identity secret is ever shown, once, when it is made: the operator's own servers sign
with it.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Final

import msgspec

from clarion.control.errors import Conflict, Invalid
from clarion.control.names import PLACEHOLDER_SUBJECT
from clarion.control.secrets import Seal
from clarion.control.sites import VAPID_PURPOSE, find_site, new_vapid_key, read_subject
from clarion.store.port import Changed, NotFound, Store
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site, SiteKey

VAPID: Final = "vapid"
IDENTITY: Final = "identity"
FCM: Final = "fcm"
APNS: Final = "apns"
KINDS: Final = (VAPID, IDENTITY, FCM, APNS)
REMOVABLE: Final = (IDENTITY, FCM, APNS)

MOST_ROTATIONS: Final = 200
"""Every process keeps all of a site's VAPID pairs open: each may still have subscriptions."""
IDENTITY_BYTES: Final = 32

Check = Callable[[bytes], object]
"""Reads what is to be kept. Raises ValueError with what is wrong, without any of it."""


class ApnsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a key for Apple's service."""

    key: str
    """Content of the `.p8` file."""
    key_id: str
    team_id: str
    topic: str
    """The app's bundle id."""
    sandbox: bool = False

    def __repr__(self) -> str:
        return f"ApnsFile(key_id={self.key_id!r}, team_id={self.team_id!r}, topic={self.topic!r})"


def purpose_of(kind: str, site: int) -> str:
    """What a key is sealed for: one that is moved to another kind or site does not open there. VAPID pairs keep theirs."""
    return VAPID_PURPOSE if kind == VAPID else f"{kind} key of site {site}"


async def list_keys(store: Store, site: Site) -> list[SiteKey]:
    """The keys of a site beside its current VAPID pair, by kind and number."""
    keys = (await store.configuration()).site_keys
    return sorted((key for key in keys if key.site == site.id), key=lambda key: (KINDS.index(key.kind), key.number))


async def rotate_vapid(store: Store, seal: Seal, site: Site, subject: str | None, now: int, new_id: Callable[[], str]) -> Site:
    """Give a site a new VAPID pair. Subscriptions made with an earlier one are still sent to with that one (RFC 8292 §4.1).

    `subject` is where push services can reach the operator from now on, a `mailto:` or `https:` URI; a site that has only the placeholder
    needs one. Raises Invalid, Conflict, NotFound.
    """
    before = await find_site(store, str(site.id))
    if subject is None and before.vapid_subject == PLACEHOLDER_SUBJECT:
        raise Invalid("vapid_subject", "vapid_subject is required: a mailto: or https: URI where push services can reach you (RFC 8292)")
    if before.vapid >= MOST_ROTATIONS:
        raise Conflict(f"the VAPID key has been rotated {MOST_ROTATIONS} times — make a new site for new subscribers")
    if subject is not None and subject != before.vapid_subject:
        told = msgspec.structs.replace(before, vapid_subject=read_subject(subject))
        body = msgspec.json.encode(SiteChange(told.timezone, told.frequency_cap))
        entries = [NewEntry(EntryKind.SITE, site.id, new_id(), body, now, partition) for partition in range(store.partitions)]
        before = await store.update_site(told, entries)
    private, public = new_vapid_key()
    after = msgspec.structs.replace(
        before, vapid=before.vapid + 1, vapid_public_key=public, vapid_private_sealed=seal(private, VAPID_PURPOSE)
    )
    earlier = SiteKey(site.id, VAPID, before.vapid, before.vapid_public_key, before.vapid_private_sealed, now)
    try:
        return await store.rotate_vapid(after, earlier)
    except Changed:
        raise Conflict("the VAPID key was rotated by somebody else just now — look at it first: clarion sites show") from None


async def rotate_identity(store: Store, seal: Seal, site: Site, now: int) -> str:
    """Give a site a new secret that signs profile_ids, in place of an earlier one; it is returned here and never again."""
    secret = urlsafe_b64encode(secrets.token_bytes(IDENTITY_BYTES)).rstrip(b"=").decode()
    sealed = seal(secret.encode(), purpose_of(IDENTITY, site.id))
    # What it is recognised by is drawn for itself: nothing of the secret is shown again.
    await store.put_site_key(SiteKey(site.id, IDENTITY, 0, secrets.token_hex(4), sealed, now))
    return secret


async def set_fcm(store: Store, seal: Seal, site: Site, file: bytes, check: Check, now: int) -> SiteKey:
    """Keep the JSON key file of a Google service account, which `check` reads. Raises Invalid."""
    _check("service_account", file, check)
    said = msgspec.json.decode(file)
    return await _put(store, seal, SiteKey(site.id, FCM, 0, f"{said['project_id']} {said['client_email']}", file, now))


async def set_apns(store: Store, seal: Seal, site: Site, given: ApnsFile, check: Check, now: int) -> SiteKey:
    """Keep a key for Apple's service, which `check` reads as JSON of `ApnsFile`. Raises Invalid."""
    file = msgspec.json.encode(given)
    _check("key", file, check)
    shown = f"{given.team_id}/{given.key_id} {given.topic}{' (sandbox)' if given.sandbox else ''}"
    return await _put(store, seal, SiteKey(site.id, APNS, 0, shown, file, now))


async def remove_key(store: Store, site: Site, kind: str) -> None:
    """Forget the identity secret or credentials of a site. Raises NotFound, Invalid."""
    if kind not in REMOVABLE:
        raise Invalid("kind", f"kind must be one of {', '.join(REMOVABLE)}")
    try:
        await store.delete_site_key(site.id, kind, 0)
    except NotFound:
        raise NotFound(f"the site has no {kind} key — see: clarion sites keys") from None


def _check(path: str, file: bytes, check: Check) -> None:
    try:
        check(file)
    except ValueError as error:
        raise Invalid(path, f"{path} cannot be used: {error}") from None


async def _put(store: Store, seal: Seal, key: SiteKey) -> SiteKey:
    sealed = msgspec.structs.replace(key, sealed=seal(key.sealed, purpose_of(key.kind, key.site)))
    await store.put_site_key(sealed)
    return sealed
