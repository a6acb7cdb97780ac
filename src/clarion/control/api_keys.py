"""API keys: `clk_`, 32 random base62 characters (190 bits), 6 characters of checksum. Kept as a hash only."""

import hashlib
import secrets
import string
import zlib
from typing import Final

from clarion.control.errors import Invalid
from clarion.control.names import read_name
from clarion.control.scopes import read_scopes
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import ApiKey, Site

PREFIX: Final = "clk_"
RANDOM_CHARACTERS: Final = 32
CHECKSUM_CHARACTERS: Final = 6
SHOWN_CHARACTERS: Final = len(PREFIX) + 8
"""How many characters of a key are kept to recognise it by."""

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_api_key() -> tuple[str, bytes, str]:
    """A new secret, its hash, and the characters it is recognised by."""
    unchecked = PREFIX + "".join(secrets.choice(_BASE62) for _ in range(RANDOM_CHARACTERS))
    secret = unchecked + _checksum(unchecked)
    return secret, hash_api_key(secret), secret[:SHOWN_CHARACTERS]


def hash_api_key(secret: str) -> bytes:
    """SHA-256 of a secret; with 190 random bits in it, no slower hash would add anything."""
    return hashlib.sha256(secret.encode()).digest()


def checksum_ok(secret: str) -> bool:
    """Whether `secret` has the form of a key, so that a mistyped or a foreign one is told apart without asking the store."""
    unchecked, checksum = secret[:-CHECKSUM_CHARACTERS], secret[-CHECKSUM_CHARACTERS:]
    return (
        len(secret) == len(PREFIX) + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
        and secret.startswith(PREFIX)
        and secret.isascii()
        and secret[len(PREFIX) :].isalnum()
        and checksum == _checksum(unchecked)
    )


async def create_key(store: Store, site: Site, name: str, scopes: tuple[str, ...], now: int) -> tuple[str, ApiKey]:
    """Make an API key of a site. The secret is returned here and never again. Raises Invalid."""
    secret, hashed, prefix = new_api_key()
    key = ApiKey(id=0, site=site.id, name=read_name(name), hash=hashed, prefix=prefix, scopes=read_scopes(scopes), created=now)
    return secret, await store.create_key(key)


async def list_keys(store: Store, site: Site) -> list[ApiKey]:
    """The keys of a site, the revoked ones too, oldest first."""
    configuration = await store.configuration()
    return sorted((key for key in configuration.keys if key.site == site.id), key=lambda key: key.id)


async def revoke_key(store: Store, site: Site, key: int, now: int) -> ApiKey:
    """End a key for good; ending it again changes nothing. Raises NotFound."""
    return await store.revoke_key(site.id, key, now)


async def find_key(store: Store, site: Site, named: str) -> ApiKey:
    """The one key of a site that has the id, or the beginning, `named`. Raises NotFound, and Invalid when several begin so."""
    keys = await list_keys(store, site)
    found = [key for key in keys if named == str(key.id)]
    if not found and len(named) > len(PREFIX):
        found = [key for key in keys if key.prefix == named[:SHOWN_CHARACTERS]]
    if len(found) > 1:
        raise Invalid("key", f"{len(found)} keys begin with {named[:SHOWN_CHARACTERS]} — use the id")
    if not found:
        raise NotFound(f"there is no API key {named[:SHOWN_CHARACTERS]} — see: clarion keys list")
    return found[0]


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
