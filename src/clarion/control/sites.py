"""Sites: made with a VAPID key pair, an app id and a webhook secret of their own."""

import base64
import secrets
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clarion.control.errors import Invalid
from clarion.control.names import read_name
from clarion.domain.dates import zone
from clarion.fresh_ids import fresh_id
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.vault import Vault

VAPID_PURPOSE: Final = "vapid private key"
WEBHOOK_PURPOSE: Final = "webhook secret"
WEBHOOK_PREFIX: Final = "whsec_"


async def create_site(store: Store, vault: Vault, name: str, vapid_subject: str, now: int, *, timezone: str = "UTC") -> Site:
    """Make a site, and tell every partition. Its secrets are sealed before they reach the store. Raises Invalid.

    `vapid_subject` is how push services reach the operator: a `mailto:` or `https:` URI (RFC 8292 §2.1). `timezone` is an IANA name.
    """
    private, public = new_vapid_key()
    site = Site(
        id=0,
        name=read_name(name),
        app_id=secrets.token_hex(16),
        vapid_public_key=public,
        vapid_private_sealed=vault.seal(private, VAPID_PURPOSE),
        vapid_subject=read_subject(vapid_subject),
        webhook_secret_sealed=vault.seal(new_webhook_secret().encode(), WEBHOOK_PURPOSE),
        created=now,
        timezone=read_timezone(timezone),
    )
    body = msgspec.json.encode(SiteChange(site.timezone))
    entries = [NewEntry(EntryKind.SITE, 0, fresh_id(), body, now, partition) for partition in range(store.partitions)]
    return await store.create_site(site, entries)


async def find_site(store: Store, named: str | None) -> Site:
    """The site with the id, app id or name `named`; with None the only one there is. Raises NotFound, and Invalid when it is ambiguous."""
    sites = (await store.configuration()).sites
    if named is None:
        found = sites
        if not found:
            raise NotFound("there is no site yet — run: clarion init")
    else:
        found = [site for site in sites if named in (str(site.id), site.app_id)] or [site for site in sites if named == site.name]
        if not found:
            raise NotFound(f"there is no site {named} — see: clarion sites list")
    if len(found) > 1:
        listed = ", ".join(f"{site.id} ({site.name})" for site in found[:20])
        raise Invalid("site", f"{len(found)} sites fit — name one by its id, with --site ID (sites show ID, sites set ID): {listed}")
    return found[0]


def webhook_secret(vault: Vault, site: Site) -> str:
    """The site's secret for signed requests, `whsec_` and base64 of 32 bytes (Standard Webhooks). Raises VaultError."""
    return vault.open(site.webhook_secret_sealed, WEBHOOK_PURPOSE).decode()


def vapid_private_key(vault: Vault, site: Site) -> bytes:
    """The site's P-256 private key, 32 bytes, big-endian (RFC 8292 §2). Raises VaultError."""
    return vault.open(site.vapid_private_sealed, VAPID_PURPOSE)


def new_webhook_secret() -> str:
    """`whsec_` and 32 random bytes in base64 (Standard Webhooks)."""
    return WEBHOOK_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_vapid_key() -> tuple[bytes, str]:
    """A new P-256 key: the private scalar in 32 bytes, and the public point, uncompressed, in base64url without padding (RFC 8292 §3.2)."""
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return private.private_numbers().private_value.to_bytes(32, "big"), base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def read_subject(subject: str) -> str:
    """A VAPID subject: where push services can reach the operator, `mailto:` or `https:` (RFC 8292 §2.1). Raises Invalid."""
    advice = "give a mailto: address or an https: URL where push services can reach you, such as mailto:ops@your-shop.example"
    try:
        parts = urlsplit(subject)
        reachable = ("@" in parts.path.strip("@")) if parts.scheme == "mailto" else parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        reachable = False
    if not reachable or len(subject) > 255 or not subject.isascii() or not subject.isprintable() or " " in subject:
        raise Invalid("vapid_subject", f"vapid_subject cannot be used — {advice}")
    return subject


def read_timezone(name: str) -> str:
    """The name of a time zone, IANA's. Raises Invalid."""
    try:
        zone(name)
    except ValueError:
        raise Invalid("timezone", f"timezone {name[:64]} is unknown — give an IANA name such as Europe/Berlin") from None
    return name
