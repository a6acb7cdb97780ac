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


class Secret(msgspec.Struct, frozen=True):
    """A value that `http` steps may use; sealed under the master key."""

    site: int
    name: str
    sealed: bytes
    changed: int
