"""The keys of all sites, as of one reading of the configuration: opened when they are first needed, kept in memory only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
import structlog

from clarion.control.site_keys import APNS, FCM, IDENTITY, VAPID, ApnsFile, purpose_of
from clarion.control.sites import vapid_private_key
from clarion.delivery.credentials import ApnsKey, FcmKey, read_apns_key, read_fcm_key
from clarion.delivery.vapid import VapidKey
from clarion.store.records.configuration import Configuration
from clarion.store.records.sites import Site, SiteKey
from clarion.vault import Vault, VaultError

_log = structlog.get_logger(__name__)

Opened = TypeVar("Opened")


class Keyring:
    """VAPID pairs by number, identity secrets, and credentials for the push services of mobile apps."""

    def __init__(self, vault: Vault | None, configuration: Configuration) -> None:
        """A site whose VAPID pair does not open has none; the others are not concerned. Without a vault there are no keys at all."""
        self._vault = vault
        self._current = {site.id: site.vapid for site in configuration.sites}
        self._vapid: dict[tuple[int, int], VapidKey] = {}
        self._sealed: Final = {(key.site, key.kind): key for key in configuration.site_keys if key.kind != VAPID}
        self._identity: dict[int, bytes] = {}
        self._fcm: dict[int, FcmKey] = {}
        self._apns: dict[int, ApnsKey] = {}
        if vault is not None:
            self._open_pairs(vault, {site.id: site for site in configuration.sites}, configuration.site_keys)

    def vapid(self, site: int, number: int | None) -> VapidKey:
        """A pair by its number; the current one without. Raises KeyError."""
        return self._vapid[site, self._current[site] if number is None else number]

    def vapid_number(self, site: int, public: str) -> int | None:
        """Number of the pair with this public key, the newest of them; None where the site never had it."""
        return max((number for (of, number), key in self._vapid.items() if of == site and key.public == public), default=None)

    def identity(self, site: int) -> bytes | None:
        """What profile_ids are signed with; None where none is set. Raises VaultError."""
        return self._open(self._identity, site, IDENTITY, bytes)

    def fcm(self, site: int) -> FcmKey | None:
        """The service account; None where none is set. Raises VaultError."""
        return self._open(self._fcm, site, FCM, read_fcm_key)

    def apns(self, site: int) -> ApnsKey | None:
        """The key for Apple's service; None where none is set. Raises VaultError."""
        return self._open(self._apns, site, APNS, read_apns_file)

    def _open(self, kept: dict[int, Opened], site: int, kind: str, read: Callable[[bytes], Opened]) -> Opened | None:
        found = kept.get(site)
        if found is None:
            key = self._sealed.get((site, kind))
            if key is None:
                return None
            if self._vault is None:
                raise VaultError("this process has no master key — give it the one that the others have")
            try:
                found = kept[site] = read(self._vault.open(key.sealed, purpose_of(kind, site)))
            except ValueError as error:
                raise VaultError(f"the {kind} key of site {site} cannot be used: {error} — set it again") from None
        return found

    def _open_pairs(self, vault: Vault, sites: Mapping[int, Site], earlier: Sequence[SiteKey]) -> None:
        for site in sites.values():
            try:
                self._vapid[site.id, site.vapid] = VapidKey(vapid_private_key(vault, site), site.vapid_public_key, site.vapid_subject)
            except (VaultError, ValueError) as error:
                _log.error("the VAPID key of a site cannot be read; it cannot push", site=site.id, error=str(error))
        for key in earlier:
            site_of = sites.get(key.site)
            if key.kind != VAPID or site_of is None:
                continue
            try:
                self._vapid[key.site, key.number] = VapidKey(
                    vault.open(key.sealed, purpose_of(VAPID, key.site)), key.public, site_of.vapid_subject
                )
            except (VaultError, ValueError) as error:
                _log.error("an earlier VAPID key of a site cannot be read", site=key.site, number=key.number, error=str(error))


def read_apns_file(kept: bytes) -> ApnsKey:
    """The key in what is kept of it, or is to be (JSON of `ApnsFile`). Raises ValueError with what is wrong, without any of it."""
    try:
        file = msgspec.json.decode(kept, type=ApnsFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("not a key with its key_id, team_id and topic") from None
    return read_apns_key(file.key, key_id=file.key_id, team=file.team_id, topic=file.topic, sandbox=file.sandbox)
