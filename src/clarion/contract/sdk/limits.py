"""The numbers of `/p/v1` that are not the contract's."""

from typing import Final

TOKEN_CHARACTERS: Final = 2048
"""Of a device's token, FCM's or APNs'."""
SEGMENT_CHARACTERS: Final = 200
"""Of a segment's name, as in a `segment` step."""
MOST_NAMES: Final = 100
"""Segments, or attributes to remove, that one request may name."""
SIGNATURE_CHARACTERS: Final = 128
"""More than an HMAC-SHA256 in hexadecimal has: a longer one is judged like any that is wrong."""
TOKEN_OF_RECEIPT_CHARACTERS: Final = 255
LONGEST_DURATION: Final = 36_500
"""Days that a segment with a duration may last."""
