"""The facts that the core works on: events, profiles, subscribers."""

from collections.abc import Mapping
from typing import Any, Final

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
    profile: str | None = None
    """Key of the anonymous profile that it is about, whoever its subscriber belongs to by now; only of events that Clarion makes."""


class FrequencyCap(msgspec.Struct, frozen=True):
    """At most so many pushes to one profile in any stretch of time of this length (semantics §6)."""

    pushes: int
    per: int
    """Microseconds."""


WEBPUSH: Final = "webpush"
FCM: Final = "fcm"
APNS: Final = "apns"
PROVIDERS: Final = (WEBPUSH, FCM, APNS)
"""Through whom a push goes: a browser's push service (RFC 8030), Firebase Cloud Messaging, Apple's Push Notification service."""


class Subscriber(msgspec.Struct, frozen=True, omit_defaults=True):
    """One browser or device that can receive pushes."""

    device_token_hash: str
    profile: str
    """Key of the profile it belongs to (`clarion.domain.ids`)."""
    endpoint: str
    """URL of its push resource (RFC 8030 §2); of FCM and APNs the device's token."""
    p256dh: str
    """Public key of the subscription, base64url without padding (RFC 8291 §2.1); empty of FCM and APNs."""
    auth: str
    """Authentication secret, base64url without padding (RFC 8291 §2.2); empty of FCM and APNs."""
    active: bool = True
    created: int = 0
    last_active: int = 0
    facts: dict[str, Scalar] = {}
    """country, state, city, device, browser, language, timezone, sent_count, …"""
    provider: str = WEBPUSH
    """One of PROVIDERS."""
    vapid: int = 0
    """Number of the site's VAPID key that the subscription was made with (RFC 8292 §4.1); 0 of FCM and APNs, and for the first one."""
    logouts: int = 0
    """How many anonymous profiles it has left behind by logging out."""


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
    recheck: int | None = None
    """When a time condition of a dynamic segment may next turn out differently for it; None: not by time alone."""
    offered: tuple[str, ...] = ()
    """Ids of the entries whose sweeps are under way and that it has had its turn in, ahead of the others."""


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
