"""A push as a message of FCM's HTTP v1 API, with the names that the vendor's Android SDK reads."""

import hashlib
from typing import Any, Final

import msgspec

from clarion.delivery.jobs import PushJob
from clarion.delivery.shown import Shown
from clarion.delivery.webpush import PayloadTooLarge

MAX_DATA: Final = 4096
"""Bytes of a message's data."""
MAX_TTL: Final = 2_419_200
"""Seconds: four weeks."""
_LARGEST_ID: Final = 0x7FFFFFFF

_encode: Final = msgspec.json.Encoder().encode


def fcm_message(job: PushJob, shown: Shown, token: str, effect: str) -> bytes:
    """The body of `messages:send`: data only, so the app's own code shows it, also while the app is not running.

    What the service worker gets in `token` the SDK sends back from `tag`. `id` is a number of 31 bits made from the tag: a later
    notification with the same tag replaces the earlier one. Raises PayloadTooLarge.
    """
    data = {
        "tag": token,
        "id": str(_number(shown.tag or effect)),
        "t": shown.title,
        "b": shown.message,
        "u": shown.url,
        "bp": shown.image,
        "li": shown.icon,
        "p": {"high": "high", "very-low": "min"}.get(job.urgency),
        "ab": _encode([{"l": action.title, "u": action.url} for action in shown.actions]).decode() if shown.actions else None,
        "ad": _encode({"id": effect}).decode(),
    }
    data = {name: value for name, value in data.items() if value is not None}
    size = len(_encode(data))
    if size > MAX_DATA:
        raise PayloadTooLarge(f"data of {size} bytes is over {MAX_DATA}")
    android: dict[str, Any] = {"ttl": f"{min(max(job.ttl, 0), MAX_TTL)}s", "priority": "HIGH" if job.urgency == "high" else "NORMAL"}
    # FCM keeps messages of four keys at most for an absent device: a key of its own for each effect would lose the others
    if job.topic is not None and job.topic != effect:
        android["collapse_key"] = job.topic
    return _encode({"message": {"token": job.endpoint, "data": data, "android": android}})


def _number(tag: str) -> int:
    return int.from_bytes(hashlib.sha256(tag.encode()).digest()[:4], "big") & _LARGEST_ID
