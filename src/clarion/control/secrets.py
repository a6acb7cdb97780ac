"""Secrets of a site: set, listed by name, removed. A value is sealed before it reaches the store and is never shown again."""

from collections.abc import Callable
from typing import Final

from clarion.control.errors import Invalid
from clarion.domain.secret_marks import NAME_RULE, SECRET_NAME
from clarion.domain.templates import escapes
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Secret, Site

LONGEST_VALUE: Final = 8 * 1024
"""Bytes of a value in UTF-8."""
MOST_SECRETS: Final = 200
"""Secrets of one site: every process keeps them all in memory."""

Seal = Callable[[bytes, str], bytes]
"""`clarion.vault.Vault.seal`: plaintext and purpose to what is kept."""


def secret_purpose(site: int, name: str) -> str:
    """What a secret is sealed for: one that is moved to another name or site does not open there."""
    return f"secret {name} of site {site}"


async def set_secret(store: Store, seal: Seal, site: Site, name: str, value: str, now: int) -> Secret:
    """Keep a secret, in place of an earlier value. Raises Invalid."""
    _check_name(name)
    plaintext = _read_value(name, value)
    if name not in (names := {secret.name for secret in await list_secrets(store, site)}) and len(names) >= MOST_SECRETS:
        raise Invalid("name", f"the site has {MOST_SECRETS} secrets already — remove one that is not used: clarion secrets list")
    secret = Secret(site.id, name, seal(plaintext, secret_purpose(site.id, name)), now)
    await store.put_secret(secret)
    return secret


async def list_secrets(store: Store, site: Site) -> list[Secret]:
    """The secrets of a site, by name."""
    secrets = (await store.configuration()).secrets
    return sorted((secret for secret in secrets if secret.site == site.id), key=lambda secret: secret.name)


async def remove_secret(store: Store, site: Site, name: str) -> None:
    """Forget a secret; requests that need it fail from then on. Raises NotFound."""
    try:
        await store.delete_secret(site.id, name)
    except NotFound:
        raise NotFound(f"there is no secret {name[:64]} — see: clarion secrets list") from None


def _check_name(name: str) -> None:
    if not SECRET_NAME.fullmatch(name):
        raise Invalid("name", f"a secret's name is {NAME_RULE} — choose another")


def _read_value(name: str, value: str) -> bytes:
    """A value as bytes. What is wrong with one is said without a character of it."""
    if escapes.whole(value) != value:
        raise Invalid("value", "the value holds half of a character, U+FDD0 or U+FDD1, which cannot be sent — leave it out")
    plaintext = value.encode()
    if not plaintext:
        raise Invalid("value", f"the value is empty — give one, or run: clarion secrets remove {name}")
    if len(plaintext) > LONGEST_VALUE:
        raise Invalid("value", f"the value has {len(plaintext)} bytes — use at most {LONGEST_VALUE}")
    if b"\0" in plaintext:
        raise Invalid("value", "the value holds a NUL character — leave it out")
    return plaintext
