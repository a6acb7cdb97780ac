"""JSON Schema (2020-12) of the wire, for OpenAPI 3.1; made of the same numbers and patterns as the validation.

What a schema cannot say stands in its description: the size of `data` as JSON, the time that a `timestamp` may be ahead, the time zones
that there are, and how many details the answer to a batch has.
"""

import re
from typing import Any, Final

from clarion.contract.limits import (
    AUTH_BYTES,
    ENDPOINT_CHARACTERS,
    EVENT_ID_CHARACTERS,
    EVENT_NAME_CHARACTERS,
    FACT_CHARACTERS,
    FACTS,
    FCM_TOKEN_CHARACTERS,
    FLAT_BYTES,
    IDENTITY_CHARACTERS,
    KEY_CHARACTERS,
    KEY_PATTERN,
    MAX_BATCH_DETAILS,
    MAX_BATCH_EVENTS,
    MAX_DETAILS,
    MAX_EVENT_BODY,
    P256DH_BYTES,
    RESERVED_PREFIX,
    SEGMENT_CHARACTERS,
    SEGMENTS_AT_ONCE,
    TIMESTAMP_AHEAD_MINUTES,
)
from clarion.domain.records import APNS, FCM, PROVIDERS

Schema = dict[str, Any]

_WITHOUT_NUL: Final = r"^[^\u0000]*$"
_NOT_BLANK: Final = r"\S"


def _text(limit: int, description: str, *, blank: bool = False, optional: bool = True) -> Schema:
    patterns = [{"pattern": _WITHOUT_NUL}] if blank else [{"pattern": _WITHOUT_NUL}, {"pattern": _NOT_BLANK}]
    kind: str | list[str] = ["string", "null"] if optional else "string"
    return {"type": kind, "minLength": 1, "maxLength": limit, "allOf": patterns, "description": description}


def _base64url(size: int, first: str, description: str) -> Schema:
    """`size` bytes of which the first characters match `first`, one pattern a character."""
    fixed = first.count("[")
    return {
        "type": "string",
        "pattern": f"^{first}[A-Za-z0-9_-]{{{-(-size * 8 // 6) - fixed}}}={{0,2}}$",
        "description": f"{description} {size} bytes in base64url.",
    }


def _flat(description: str) -> Schema:
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": f"^{KEY_PATTERN}$", "maxLength": KEY_CHARACTERS},
        "additionalProperties": {"anyOf": [{"type": "string", "pattern": _WITHOUT_NUL}, {"type": "number"}, {"type": "boolean"}]},
        "description": f"{description} At most {FLAT_BYTES} bytes as compact UTF-8 JSON.",
    }


def _named(field: str) -> Schema:
    return {"required": [field], "properties": {field: {"type": "string"}}}


_PROFILE_ID: Final = _text(IDENTITY_CHARACTERS, "Your id of the person. Decides when device_token_hash is given too.")

TRACK_EVENT: Final[Schema] = {
    "type": "object",
    "description": f"A custom event about one profile, at most {MAX_EVENT_BODY} bytes. Other fields are ignored.",
    "required": ["event_name"],
    "properties": {
        "event_name": {
            **_text(EVENT_NAME_CHARACTERS, f'Name of the event. Must not start with "{RESERVED_PREFIX}".', optional=False),
            "not": {"pattern": f"^{re.escape(RESERVED_PREFIX)}"},
        },
        "device_token_hash": _text(IDENTITY_CHARACTERS, "Hash that names the subscriber."),
        "profile_id": _PROFILE_ID,
        "data": _flat("Facts about the event. Values are strings, finite numbers or booleans; a date is an ISO 8601 string."),
        "event_id": _text(EVENT_ID_CHARACTERS, "Your id of the event: sent again with the same content, it is the same event.", blank=True),
        "timestamp": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": f"When it happened, ISO 8601 with offset. At most {TIMESTAMP_AHEAD_MINUTES} minutes ahead.",
        },
    },
    "anyOf": [_named("device_token_hash"), _named("profile_id")],
}

BATCH: Final[Schema] = {
    "type": "object",
    "description": "Events, each judged alone: one that is not as it should be is named in the answer and the others are taken.",
    "required": ["events"],
    "properties": {"events": {"type": "array", "minItems": 1, "maxItems": MAX_BATCH_EVENTS, "items": TRACK_EVENT}},
}

SUBSCRIBER: Final[Schema] = {
    "type": "object",
    "description": (
        "A browser's push subscription, or a mobile device's token, and what is known of its person and device. Other fields are ignored."
    ),
    "anyOf": [
        {"required": ["subscription"]},
        {"required": ["provider", "token"], "properties": {"provider": {"enum": [FCM, APNS]}, "token": {"type": "string"}}},
    ],
    "properties": {
        "provider": {"enum": [*PROVIDERS, None], "description": "Whose push service it is; webpush unless given."},
        "token": {"type": ["string", "null"], "maxLength": FCM_TOKEN_CHARACTERS, "description": "The device's token, of fcm and apns."},
        "subscription": {
            "type": "object",
            "description": "`PushSubscription.toJSON()` as the browser gives it.",
            "required": ["endpoint", "keys"],
            "properties": {
                "endpoint": {
                    "type": "string",
                    "format": "uri",
                    "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://",
                    "maxLength": ENDPOINT_CHARACTERS,
                    "description": "Absolute http or https URL without user name and fragment.",
                },
                "keys": {
                    "type": "object",
                    "required": ["p256dh", "auth"],
                    "properties": {
                        "p256dh": _base64url(P256DH_BYTES, "[B][A-P]", "Uncompressed P-256 point, which starts with byte 4."),
                        "auth": _base64url(AUTH_BYTES, "", "Authentication secret."),
                    },
                },
            },
        },
        "profile_id": _PROFILE_ID,
        "device_token_hash": _text(IDENTITY_CHARACTERS, "Brought along from another service; without one it is issued."),
        "segments": {
            "type": ["array", "null"],
            "items": _text(SEGMENT_CHARACTERS, "A segment.", optional=False),
            "maxItems": SEGMENTS_AT_ONCE,
            "description": "That the profile gets into.",
        },
        "vapid_public_key": {
            "type": ["string", "null"],
            "pattern": "^[B][A-P][A-Za-z0-9_-]{85}={0,2}$",
            "description": "The applicationServerKey that it was made with, if that is not the site's current one.",
        },
        "previous": _text(IDENTITY_CHARACTERS, "device_token_hash whose place this one takes."),
        "attributes": _flat("Attributes of the profile, with the rules of an event's data."),
        **{fact: _text(FACT_CHARACTERS, f"The subscriber's {fact}.") for fact in FACTS},
        "timezone": _text(FACT_CHARACTERS, "The subscriber's IANA time zone, such as Europe/Berlin."),
    },
}

ATTRIBUTES: Final[Schema] = {**_flat("Attributes, with the rules of an event's data."), "type": "object"}


def _told(description: str, required: list[str], properties: Schema) -> Schema:
    """An event that is told in other words."""
    event = TRACK_EVENT["properties"]
    whom = {name: event[name] for name in ("device_token_hash", "profile_id", "event_id", "timestamp")}
    shape = {"type": "object", "description": description, "required": required, "properties": properties | whom}
    return {**shape, "anyOf": [_named("device_token_hash"), _named("profile_id")]}


GOAL: Final = _told(
    "A goal: an event called `name` with `count` and `value` as its data. Other fields are ignored.",
    ["name"],
    {
        "name": TRACK_EVENT["properties"]["event_name"],
        "count": {"type": ["number", "null"]},
        "value": {"type": ["number", "null"]},
    },
)

TRIGGER: Final = _told(
    "An event of a campaign: `campaign_name` stands in its data. Other fields are ignored.",
    ["campaign_name", "event_name"],
    {
        "campaign_name": {"type": "string", "minLength": 1, "description": f"At most {FLAT_BYTES} bytes together with data."},
        "event_name": TRACK_EVENT["properties"]["event_name"],
        "data": TRACK_EVENT["properties"]["data"],
    },
)

ERROR: Final[Schema] = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "integer"},
        "details": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_DETAILS,
            "items": {
                "type": "object",
                "required": ["message", "path"],
                "properties": {
                    "message": {"type": "string"},
                    "path": {"type": "array", "items": {"type": "string"}, "description": "Way from the body's root to the field."},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""What stands under `error`."""

FAILURE: Final[Schema] = {"type": "object", "required": ["error"], "properties": {"error": ERROR}, "additionalProperties": False}


def success_schema(data: Schema) -> Schema:
    """The envelope of a success that carries `data`."""
    return {
        "type": "object",
        "required": ["error_code", "data"],
        "properties": {"error_code": {"const": 0}, "data": data},
        "additionalProperties": False,
    }


ACCEPTED_EVENT: Final = success_schema({"type": "object", "maxProperties": 0})

BATCH_RESULT: Final = success_schema(
    {
        "type": "object",
        "required": ["accepted", "rejected"],
        "properties": {
            "accepted": {"type": "integer", "minimum": 0, "maximum": MAX_BATCH_EVENTS},
            "rejected": {
                "type": "array",
                "maxItems": MAX_BATCH_EVENTS,
                "description": (
                    f"By index. At most {MAX_BATCH_DETAILS} details together: the first of each event, and further ones in order "
                    "as long as there is room."
                ),
                "items": {
                    "type": "object",
                    "required": ["index", "error"],
                    "properties": {"index": {"type": "integer", "minimum": 0}, "error": ERROR},
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }
)
