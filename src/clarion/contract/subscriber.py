"""Reading the registration of a subscriber."""

import re
from typing import Any, Final

import msgspec

from clarion.contract.device_token import read_device_token
from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.facts import read_facts
from clarion.contract.flat import read_flat
from clarion.contract.limits import IDENTITY_CHARACTERS, VAPID_PUBLIC_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.reading import NotJson, read_json
from clarion.contract.segment_names import read_segments
from clarion.contract.subscription import Subscription, read_subscription
from clarion.contract.text import read_text
from clarion.domain.records import PROVIDERS, WEBPUSH, Scalar

_PUBLIC: Final = re.compile(f"B[A-P][A-Za-z0-9_-]{{{VAPID_PUBLIC_CHARACTERS - 2}}}")
"""An uncompressed P-256 point, which starts with byte 4."""


class SubscriberRequest(msgspec.Struct, frozen=True):
    """A subscription with what is known of the person and the device."""

    endpoint: str
    """URL of the push resource; of FCM and APNs the device's token."""
    p256dh: str
    """Public key of the subscription, base64url without padding (RFC 8291 §2.1); empty of FCM and APNs."""
    auth: str
    """Authentication secret, base64url without padding (RFC 8291 §2.2); empty of FCM and APNs."""
    profile_id: str | None
    attributes: dict[str, Scalar]
    """Of the profile."""
    facts: dict[str, str]
    """Of the subscriber: those of `limits.FACTS` that were sent."""
    provider: str = WEBPUSH
    device_token_hash: str | None = None
    """Brought along from another service; None: one is issued."""
    segments: tuple[str, ...] = ()
    """That the profile gets into."""
    vapid_public_key: str | None = None
    """The key that the subscription was made with, base64url without padding; None: the site's current one."""
    previous: str | None = None
    """The device_token_hash whose place this one takes."""


def read_subscriber(body: bytes) -> SubscriberRequest:
    """The registration that a request's body holds. Raises Refusal (400) with every problem (`read_subscriber_value`)."""
    try:
        value = read_json(body)
    except NotJson:
        raise not_json() from None
    return read_subscriber_value(value)


def read_subscriber_value(value: object, what: str = "Request body") -> SubscriberRequest:
    """The registration that a value from `read_json` holds.

    Fields: `provider`, webpush unless given; `subscription` of a browser, or `token` of a mobile device, required; `profile_id`, as in an
    event; `attributes`, with the rules of an event's `data`; each of `limits.FACTS`; `device_token_hash`; `segments`; `vapid_public_key`;
    `previous`. Null counts as absent, other fields are ignored. `what` names the value in a message. Raises Refusal (400) with every
    problem, in that order.
    """
    if not isinstance(value, dict):
        raise invalid(Detail(f"{what} must be a JSON object"))
    problems = Problems()
    provider = _read_provider(problems, value.get("provider"))
    subscription = _read_address(problems, provider, value)
    profile_id = read_text(problems, value.get("profile_id"), IDENTITY_CHARACTERS, "profile_id")
    read_flat(problems, value.get("attributes"), "attributes", "attribute")
    facts = read_facts(problems, value)
    brought = read_text(problems, value.get("device_token_hash"), IDENTITY_CHARACTERS, "device_token_hash")
    segments = read_segments(problems, value.get("segments"), "segments")
    public = _read_public(problems, value.get("vapid_public_key"))
    previous = read_text(problems, value.get("previous"), IDENTITY_CHARACTERS, "previous")
    problems.refuse()
    return SubscriberRequest(
        subscription.endpoint,
        subscription.p256dh,
        subscription.auth,
        profile_id,
        value.get("attributes") or {},
        facts,
        provider,
        brought,
        segments,
        public,
        previous,
    )


def _read_provider(problems: Problems, value: object) -> str:
    """One of PROVIDERS; empty when it is none."""
    if value is None:
        return WEBPUSH
    if value not in PROVIDERS:
        problems.add(f"provider must be one of {', '.join(PROVIDERS)}", "provider")
        return ""
    return str(value)


def _read_address(problems: Problems, provider: str, value: dict[str, Any]) -> Subscription:
    if not provider:
        return Subscription("", "", "")  # which rules hold is not known
    if provider == WEBPUSH:
        return read_subscription(problems, value.get("subscription"))
    return Subscription(read_device_token(problems, provider, value.get("token")), "", "")


def _read_public(problems: Problems, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        problems.add("vapid_public_key must be a string", "vapid_public_key")
        return None
    text = value.rstrip("=")
    if not _PUBLIC.fullmatch(text):
        problems.add("vapid_public_key must be 65 bytes in base64url and start with byte 4", "vapid_public_key")
    return text
