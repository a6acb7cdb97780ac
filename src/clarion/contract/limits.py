"""The contract's numbers and patterns, each said once: validation, messages and the published schemas read them here."""

from typing import Final

MAX_EVENT_BODY: Final = 65_536
"""Bytes of one event as sent, alone or within a batch."""
MAX_BATCH_BODY: Final = 1_048_576
"""Bytes of a batch as sent."""
MAX_BATCH_EVENTS: Final = 1000
MAX_BATCH_DETAILS: Final = 1000
"""Problems that the answer to a batch reports; not below `MAX_BATCH_EVENTS`, so that each rejected event has one."""
MAX_DEPTH: Final = 128
"""How deep arrays and objects may nest in a body or in one event of a batch, ignored fields included."""
MAX_DETAILS: Final = 100
"""Problems that one refusal reports."""

EVENT_NAME_CHARACTERS: Final = 64
"""Code points, as in every limit in characters."""
RESERVED_PREFIX: Final = "PushEngage."
"""Names of system events start with it, so a client's may not. Case-sensitive."""
IDENTITY_CHARACTERS: Final = 255
"""Of a `device_token_hash` or `profile_id`."""
EVENT_ID_CHARACTERS: Final = 128
TIMESTAMP_AHEAD_MINUTES: Final = 5
"""How far a client's clock may be ahead of the server's."""

FLAT_BYTES: Final = 4096
"""Of an event's `data` or a profile's `attributes`, as compact UTF-8 JSON."""
KEY_CHARACTERS: Final = 255
KEY_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9_-]*"
"""Of the keys of `data` and `attributes`; the whole key has to match."""

ENDPOINT_CHARACTERS: Final = 2048
P256DH_BYTES: Final = 65
"""An uncompressed P-256 point (RFC 8291 §2.1, X9.62)."""
AUTH_BYTES: Final = 16
"""The authentication secret (RFC 8291 §2.2)."""
FACTS: Final = ("country", "state", "city", "device", "browser", "language", "timezone")
"""What a registration may say about the subscriber."""
FACT_CHARACTERS: Final = 64

SEGMENT_CHARACTERS: Final = 200
"""Of the text that names a segment, and of the name that people call it."""
SEGMENTS_AT_ONCE: Final = 100
"""That one request names."""
ATTRIBUTES_AT_ONCE: Final = 200
"""Names of attributes that one request removes."""
FCM_TOKEN_CHARACTERS: Final = 4096
APNS_TOKEN_CHARACTERS: Final = (64, 200)
"""Least and most hexadecimal digits of a device's token."""
VAPID_PUBLIC_CHARACTERS: Final = 87
"""65 bytes in base64url without padding (RFC 8292 §3.2)."""
MAX_IMPORT_BODY: Final = 1_048_576
"""Bytes of a chunk of an import as sent."""
MAX_IMPORT_ROWS: Final = 1000
"""Rows of a chunk of an import."""
IMPORT_ROW_BYTES: Final = MAX_EVENT_BODY
"""Of one row."""
MAX_REFUSED_ROWS: Final = 1000
"""Refused rows that the report of an import names; the others are counted."""
