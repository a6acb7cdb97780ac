"""Sites with their keys and secrets."""

import msgspec

from clarion.domain.records import FrequencyCap


class Site(msgspec.Struct, frozen=True):
    """One website or app. Secrets are sealed under the master key (`clarion.vault`)."""

    id: int
    name: str
    app_id: str
    vapid_public_key: str
    vapid_private_sealed: bytes
    vapid_subject: str
    webhook_secret_sealed: bytes
    created: int
    timezone: str = "UTC"
    frequency_cap: FrequencyCap | None = None
    vapid: int = 0
    """Number of the current VAPID key; the earlier ones are `SiteKey`s."""
    origins: tuple[str, ...] = ()
    """Origins (RFC 6454 §4) whose pages may use `/p/v1`; empty: any."""
    dangerous_unsigned_profiles: bool = False
    """Whether `/p/v1` takes a `profile_id` without a signature: who knows one can join it."""


class ApiKey(msgspec.Struct, frozen=True):
    """An API key; only its SHA-256 is known."""

    id: int
    site: int
    name: str
    hash: bytes
    prefix: str
    """The first characters, to recognise it by."""
    scopes: tuple[str, ...]
    created: int
    last_used: int | None = None
    revoked: int | None = None


class SiteKey(msgspec.Struct, frozen=True):
    """A key of a site beside its current VAPID key, sealed under the master key."""

    site: int
    kind: str
    """vapid: an earlier one, which subscriptions were made with; identity: signs profile_ids; fcm, apns: what their servers know the site
    by."""
    number: int
    """Of a VAPID key; else 0."""
    public: str
    """What is no secret of it: the public key of VAPID; else what it is recognised by."""
    sealed: bytes
    changed: int


class Secret(msgspec.Struct, frozen=True):
    """A value that `http` steps may use; sealed under the master key."""

    site: int
    name: str
    sealed: bytes
    changed: int
