"""What browsers and the push service say to each other: the WebSocket protocol of Mozilla's push service, one JSON object a frame."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

from tests.push_service.messages import Message
from tests.push_service.subscriptions import Channel
from tests.push_service.vapid import read_key

from clarion.clock import SECOND

Frame = dict[str, Any]


class Malformed(Exception):
    """A browser that says this is disconnected."""


def read_frame(text: str) -> Frame:
    """Raises Malformed."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(frame, dict):
        raise Malformed("not an object")
    return frame


def text_of(frame: Frame, name: str) -> str:
    """A member that has to be a string. Raises Malformed."""
    value = frame.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no string")
    return value


def channel_of(frame: Frame) -> str:
    """Which channel it is about: a UUID that the browser chose. Raises Malformed."""
    text = text_of(frame, "channelID")
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Malformed("channelID is no UUID") from error


def key_of(frame: Frame) -> bytes | None:
    """The application server key that a subscription is to be restricted to. Raises ValueError for what is no key."""
    key = frame.get("key")
    if key is None:
        return None
    if not isinstance(key, str):
        raise ValueError("key is no string")
    return read_key(key.rstrip("="))


def updates_of(frame: Frame) -> list[tuple[str, str, int]]:
    """Channel, version and code of each message that is acknowledged. Raises Malformed."""
    updates = frame.get("updates")
    if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
        raise Malformed("updates is no list of objects")
    return [(channel_of(update), text_of(update, "version"), code_of(update)) for update in updates]


def code_of(frame: Frame) -> int:
    """What became of a message. Raises Malformed."""
    code = frame.get("code", 100)
    if not isinstance(code, int) or isinstance(code, bool):
        raise Malformed("code is no number")
    return code


def notification(channel: Channel, message: Message, now: int) -> Frame:
    """A message as its browser gets it."""
    frame: Frame = {
        "messageType": "notification",
        "channelID": channel.id,
        "version": message.version,
        "ttl": max(0, (message.expires - now) // SECOND),
    }
    if message.body:
        frame["data"] = urlsafe_b64encode(message.body).rstrip(b"=").decode()
        frame["headers"] = {"encoding": "aes128gcm"}
    return frame
