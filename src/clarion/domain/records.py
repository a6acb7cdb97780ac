"""The facts that the core works on: events, profiles, subscribers."""

from collections.abc import Mapping
from typing import Any

import msgspec

Scalar = str | int | float | bool
"""What a value of an event's `data` or a profile's attribute may be."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named fact about a profile. Times are UTC microseconds."""

    id: str
    name: str
    device_token_hash: str | None = None
    profile_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")
    """The accepted `data` as compact JSON, every digit kept."""
    timestamp: int | None = None
    """When the client says that it happened; data, never a clock."""
    received: int = 0
    hops: int = 0
    """How many runs lie between this event and one from outside (semantics §5, hop guard)."""
    cause: str | None = None
    """Run that caused the event."""
    workflow: str | None = None
    """A `start_workflow` step wants this workflow to start, and no other to hear of it."""


class FrequencyCap(msgspec.Struct, frozen=True):
    """At most so many pushes to one profile in any stretch of time of this length (semantics §6)."""

    pushes: int
    per: int
    """Microseconds."""


class Subscriber(msgspec.Struct, frozen=True, omit_defaults=True):
    """One browser or device that can receive pushes."""

    device_token_hash: str
    profile: str
    """Key of the profile it belongs to (`clarion.domain.ids`)."""
    endpoint: str
    p256dh: str
    """Public key of the subscription, base64url without padding (RFC 8291 §2.1)."""
    auth: str
    """Authentication secret, base64url without padding (RFC 8291 §2.2)."""
    active: bool = True
    created: int = 0
    last_active: int = 0
    facts: dict[str, Scalar] = {}
    """country, state, city, device, browser, language, timezone, sent_count, …"""


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person."""

    key: str
    attributes: dict[str, Scalar] = {}
    segments: tuple[str, ...] = ()
    """Sorted."""
    created: int = 0
    pushed: dict[str, tuple[int, ...]] = {}
    """When the latest pushes that frequency caps count were committed: by workflow, and under the empty name for the site."""
    merged: str | None = None
    """Key of the profile that this one has become part of."""


class Missing:
    """Type of `MISSING`: a field that is not there; no value equals it."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()

Found = Scalar | tuple[str, ...] | Missing
"""What a field lookup gives: a scalar, the profile's segments, or nothing."""


class Scope(msgspec.Struct, frozen=True):
    """What conditions and templates can see at one instant (semantics §3, §4)."""

    event: Mapping[str, Scalar]
    """Data of the arriving event in a trigger, exit or wait; of the starting event in a step."""
    entry: Mapping[str, Scalar]
    """Data of the starting event, always."""
    now: int = 0
    profile: Profile | None = None
    subscriber: Subscriber | None = None
    run_key: str | None = None
    steps: Mapping[str, Mapping[str, Any]] = {}
    """By step id: `{"event": {…}, "status": 200, "response": {…}}`, each part where there is one."""
    timezone: str = "UTC"
    """IANA name of the site's zone, for dates without an offset."""
