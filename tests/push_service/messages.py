"""A push message as its sender hands it over (RFC 8030 §5)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy
from tests.push_service.limits import MESSAGE_BYTES, TOPIC_CHARACTERS, TTL_SECONDS

from clarion.clock import SECOND

URGENCIES: Final = ("very-low", "low", "normal", "high")
"""RFC 8030 §5.3, the least urgent first."""

_seconds = re.compile(r"[0-9]{1,18}").fullmatch
_topic = re.compile(rf"[A-Za-z0-9_-]{{1,{TOPIC_CHARACTERS}}}").fullmatch

Headers = CIMultiDict[str] | CIMultiDictProxy[str]


class Unacceptable(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


class Wishes(NamedTuple):
    """What the headers ask for."""

    ttl: int
    """Seconds; 0: now or never (RFC 8030 §5.2)."""
    urgency: str
    topic: str | None


@dataclass(frozen=True)
class Message:
    """A message that was taken."""

    version: str
    """Names it to the browser and to its sender."""
    token: str
    """Of the subscription that it went to."""
    body: bytes
    wishes: Wishes
    expires: int
    """UTC microseconds; from then on it is not delivered."""

    @classmethod
    def taken(cls, version: str, token: str, body: bytes, wishes: Wishes, now: int) -> "Message":
        """One that came `now`."""
        return cls(version, token, body, wishes, now + wishes.ttl * SECOND)


def read_wishes(headers: Headers) -> Wishes:
    """Raises Unacceptable with 400 for a header that is missing, wrong or there twice."""
    ttl = _only(headers, "TTL")
    if ttl is None or _seconds(ttl) is None:
        raise Unacceptable(400, "TTL is required: whole seconds (RFC 8030 §5.2)")
    urgency = _only(headers, "Urgency") or "normal"
    if urgency not in URGENCIES:
        raise Unacceptable(400, f"Urgency is one of {', '.join(URGENCIES)} (RFC 8030 §5.3)")
    topic = _only(headers, "Topic")
    if topic is not None and _topic(topic) is None:
        raise Unacceptable(400, f"Topic is 1 to {TOPIC_CHARACTERS} characters of base64url (RFC 8030 §5.4)")
    return Wishes(min(int(ttl), TTL_SECONDS), urgency, topic)


def check_body(headers: Headers, body: bytes) -> None:
    """Raises Unacceptable: 413 for one that is too large, 400 for one that no browser could read (RFC 8291 §4)."""
    if len(body) > MESSAGE_BYTES:
        raise Unacceptable(413, f"a message has at most {MESSAGE_BYTES} bytes")
    if body and _only(headers, "Content-Encoding") != "aes128gcm":
        raise Unacceptable(400, "Content-Encoding is aes128gcm (RFC 8291 §4)")


def _only(headers: Headers, name: str) -> str | None:
    values: Sequence[str] = headers.getall(name, [])
    if len(values) > 1:
        raise Unacceptable(400, f"{name} is there {len(values)} times")
    return values[0] if values else None
