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
    TIMESTAMP_AHEAD_MINUTES,
)

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
    "description": "A browser's push subscription and what is known of its person and device. Other fields are ignored.",
    "required": ["subscription"],
    "properties": {
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
        "attributes": _flat("Attributes of the profile, with the rules of an event's data."),
        **{fact: _text(FACT_CHARACTERS, f"The subscriber's {fact}.") for fact in FACTS},
        "timezone": _text(FACT_CHARACTERS, "The subscriber's IANA time zone, such as Europe/Berlin."),
    },
}

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
