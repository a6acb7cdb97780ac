"""A push as a notification of Apple's push service, with the names that the vendor's iOS SDK reads."""

import hashlib
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from clarion.clock import SECOND
from clarion.delivery.credentials import ApnsKey
from clarion.delivery.jobs import PushJob
from clarion.delivery.outgoing import USER_AGENT
from clarion.delivery.shown import Shown
from clarion.delivery.webpush import PayloadTooLarge

MAX_PAYLOAD: Final = 4096
"""Bytes of a notification's payload."""
MAX_COLLAPSE_ID: Final = 64
"""Bytes."""

_IDS: Final = UUID("7d8dd4b0-4a0c-5a4e-9e0b-4f6b0e5c2f11")
_QUIET: Final = frozenset({"low", "very-low"})
_PRIORITIES: Final = {"very-low": b"1", "low": b"5"}

_encode: Final = msgspec.json.Encoder().encode


def apns_payload(job: PushJob, shown: Shown, token: str, effect: str) -> bytes:
    """The notification: `aps` for the system, `pe` for the SDK, `id` for the app.

    What the service worker gets in `token` the SDK sends back from `tag`. The app's service extension may add the image and the buttons,
    for which `mutable-content` is set. Raises PayloadTooLarge.
    """
    aps: dict[str, Any] = {"alert": {"title": shown.title, "body": shown.message}, "mutable-content": 1}
    if job.urgency not in _QUIET:
        aps["sound"] = "default"
    ours: dict[str, Any] = {"tag": token}
    if shown.url is not None:
        ours["u"] = shown.url
    if shown.image is not None:
        ours["att"] = shown.image
    if shown.actions:
        ours["ab"] = [{"a": f"action{number}", "b": action.title, "u": action.url} for number, action in enumerate(shown.actions, 1)]
    payload = _encode({"aps": aps, "pe": ours, "id": effect})
    if len(payload) > MAX_PAYLOAD:
        raise PayloadTooLarge(f"payload of {len(payload)} bytes is over {MAX_PAYLOAD}")
    return payload


def apns_headers(job: PushJob, key: ApnsKey, token: bytes, delivery: str, now: int) -> list[tuple[bytes, bytes]]:
    """The request's headers. `apns-id` is the same for every attempt at a delivery; a time to live of 0 is for one try."""
    headers = [
        (b"authorization", b"bearer " + token),
        (b"apns-topic", key.topic.encode()),
        (b"apns-push-type", b"alert"),
        (b"apns-id", str(uuid5(_IDS, delivery)).encode()),
        (b"apns-expiration", b"%d" % (now // SECOND + job.ttl if job.ttl > 0 else 0)),
        (b"apns-priority", _PRIORITIES.get(job.urgency, b"10")),
        (b"content-type", b"application/json"),
        (b"user-agent", USER_AGENT),
    ]
    if job.topic is not None:
        headers.append((b"apns-collapse-id", _collapse_id(job.topic)))
    return headers


def _collapse_id(topic: str) -> bytes:
    encoded = topic.encode()
    return encoded if topic.isascii() and len(encoded) <= MAX_COLLAPSE_ID else hashlib.sha256(encoded).hexdigest().encode()
