"""Sites, keys and workflow states as this process knows them: read whole, kept current within a second, opened secrets in memory only."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Collection
from typing import Final

import msgspec
import structlog

from clarion.control.secrets import secret_purpose
from clarion.control.sites import WEBHOOK_PREFIX, WEBHOOK_PURPOSE
from clarion.delivery.credentials import ApnsKey, FcmKey
from clarion.delivery.vapid import VapidKey
from clarion.domain.ids import is_broadcast
from clarion.keyring import Keyring
from clarion.receipt_tokens import Receivable, make_token, read_token
from clarion.store.port import Store
from clarion.store.records.configuration import Configuration
from clarion.store.records.sites import ApiKey, Site
from clarion.vault import Vault, VaultError

_log = structlog.get_logger(__name__)


class Credential(msgspec.Struct, frozen=True):
    """What a valid API key says."""

    key: int
    site: int
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        """Whether the key may do what needs a scope."""
        return scope in self.scopes or "admin" in self.scopes


class Directory:
    """Look-ups without I/O. `refresh` after each change of the configuration."""

    MOST_REMEMBERED: Final = 10_000

    def __init__(self, store: Store, vault: Vault | None) -> None:
        """Without a vault no secret can be opened or sealed: for a process that sends nothing and takes nothing in."""
        self._store, self._vault = store, vault
        self._keys: dict[bytes, Credential] = {}
        self._seen: dict[bytes, Credential] = {}
        self._sites: dict[int, Site] = {}
        self._apps: dict[str, Site] = {}
        self._paused: frozenset[tuple[int, str]] = frozenset()
        self._ring: Keyring | None = None
        self._receipts: dict[int, bytes] = {}
        self._webhook: dict[int, bytes] = {}
        self._sealed: dict[tuple[int, str], bytes] = {}
        self._opened: dict[tuple[int, str], str] = {}
        self._used: dict[int, int] = {}
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the configuration again. Raises StoreError.

        A site whose secrets do not open keeps taking events; what it sends fails until its secrets do.
        """
        # one after the other: what was read earlier must not come last
        async with self._refreshing:
            self._take(await self._store.configuration())

    def _take(self, configuration: Configuration) -> None:
        vault = self._vault
        self._keys = _credentials(configuration.keys)
        self._seen.clear()
        self._paused = _paused(configuration)
        self._sites = {site.id: site for site in configuration.sites}
        self._apps = {site.app_id: site for site in configuration.sites}
        self._sealed = {(secret.site, secret.name): secret.sealed for secret in configuration.secrets}
        self._webhook, self._opened = {}, {}
        self._ring = Keyring(vault, configuration)
        if vault is None:
            return
        for site in configuration.sites:
            try:
                self._webhook[site.id] = _open_webhook(vault, site)
            except (VaultError, ValueError) as error:
                _log.error("the webhook secret of a site cannot be read; it cannot sign", site=site.id, error=str(error))

    # -- API keys ----------------------------------------------------------------------------------------------------

    def credential(self, secret: bytes, now: int) -> Credential | None:
        """What an API key may do; None for one that is nobody's or revoked. Notes that it was used."""
        found = self._seen.get(secret)
        if found is None:
            found = self._keys.get(hashlib.sha256(secret).digest())
            if found is None:
                return None
            if len(self._seen) < self.MOST_REMEMBERED:
                self._seen[secret] = found
        self._used[found.key] = now
        return found

    async def flush_usage(self) -> None:
        """Store when keys were last used. Raises StoreUnavailable; then the times are kept for the next call."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._store.touch_keys(used.items())
        except BaseException:
            self._used = used | self._used
            raise

    # -- sites -------------------------------------------------------------------------------------------------------

    def site(self, site: int) -> Site:
        """Raises KeyError for an unknown site."""
        return self._sites[site]

    @property
    def sites(self) -> Collection[Site]:
        """All sites."""
        return self._sites.values()

    def site_of_app(self, app_id: str) -> Site:
        """The site that a public app id names. Raises KeyError."""
        return self._apps[app_id]

    def vapid(self, site: int, number: int | None = None) -> VapidKey:
        """A VAPID pair of a site by its number; the current one without. Raises KeyError for an unknown site, or one that it never had."""
        return self._keyring.vapid(site, number)

    def vapid_number(self, site: int, public: str) -> int | None:
        """Number of the pair that has this public key; None where the site never had it."""
        return self._keyring.vapid_number(site, public)

    def identity_secret(self, site: int) -> bytes | None:
        """What profile_ids are signed with; None where none is set. Raises VaultError when it does not open."""
        return self._keyring.identity(site)

    def is_signed(self, site: int, profile_id: str, signature: str) -> bool:
        """Whether a signature is the lower-case hexadecimal HMAC-SHA256 (RFC 2104) of the profile_id under the site's identity secret.

        In constant time; never where no secret is set. Raises VaultError when the secret does not open.
        """
        secret = self.identity_secret(site)
        if secret is None:
            return False
        right = hmac.digest(secret, profile_id.encode(), "sha256").hex()
        return hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace"))

    def fcm(self, site: int) -> FcmKey | None:
        """The service account for the site's Android apps; None where none is set. Raises VaultError."""
        return self._keyring.fcm(site)

    def apns(self, site: int) -> ApnsKey | None:
        """The key for the site's iOS app; None where none is set. Raises VaultError."""
        return self._keyring.apns(site)

    def receipt_token(self, site: int, delivery: str, partition: int) -> str:
        """What goes along with a delivery and proves, coming back, that its receiver got it (`clarion.receipt_tokens`)."""
        return make_token(self._receipt_key(site), delivery, partition)

    def received(self, site: int, token: str) -> Receivable | None:
        """The delivery of a genuine receipt token of the site; None for any other text."""
        return read_token(self._receipt_key(site), token)

    def webhook_secret(self, site: int) -> bytes:
        """Raises KeyError for an unknown site."""
        return self._webhook[site]

    def secret(self, site: int, name: str) -> str | None:
        """The value of a site's secret; None where none is set. Raises VaultError when it does not open."""
        opened = self._opened.get((site, name))
        if opened is None:
            sealed = self._sealed.get((site, name))
            if sealed is None:
                return None
            opened = self._opened[site, name] = self._open_vault.open(sealed, secret_purpose(site, name)).decode()
        return opened

    def seal(self, plaintext: bytes, purpose: str) -> bytes:
        """Seal what is to be kept (`clarion.vault.Vault.seal`)."""
        return self._open_vault.seal(plaintext, purpose)

    def paused(self, site: int, workflow: str) -> bool:
        """Whether nothing of a workflow is to be sent: an operator has paused it, or stopped it where it is a broadcast."""
        return (site, workflow) in self._paused

    def device_token_hash(self, site: int, endpoint: str) -> str:
        """The hash that a subscription gets: the same each time it is registered, and nobody else can compute it."""
        return self._open_vault.device_token_hash(site, endpoint)

    @property
    def _keyring(self) -> Keyring:
        if self._ring is None:
            raise KeyError("no site is known before the first refresh")
        return self._ring

    def _receipt_key(self, site: int) -> bytes:
        key = self._receipts.get(site)
        if key is None:
            key = self._open_vault.receipt_key(site)
            if site in self._sites:  # else anybody's numbers would be kept
                self._receipts[site] = key
        return key

    @property
    def _open_vault(self) -> Vault:
        if self._vault is None:
            raise VaultError("this process has no master key — give it the one that the others have")
        return self._vault


def _open_webhook(vault: Vault, site: Site) -> bytes:
    secret = vault.open(site.webhook_secret_sealed, WEBHOOK_PURPOSE).decode()
    return base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX))


def _credentials(keys: list[ApiKey]) -> dict[bytes, Credential]:
    return {key.hash: Credential(key.id, key.site, frozenset(key.scopes)) for key in keys if key.revoked is None}


def _paused(configuration: Configuration) -> frozenset[tuple[int, str]]:
    return frozenset(
        (row.site, row.workflow)
        for row in configuration.workflows
        if row.status == "paused" or (row.status == "archived" and is_broadcast(row.workflow))
    )
