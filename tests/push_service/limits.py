"""What the push service takes, and no more."""

from typing import Final

MESSAGE_BYTES: Final = 4096
"""Of a push message's body: a push service need not take more (RFC 8030 §7.2)."""
TTL_SECONDS: Final = 30 * 24 * 3600
"""A message that is to be kept longer is kept this long, and its sender is told (RFC 8030 §5.2)."""
TOPIC_CHARACTERS: Final = 32
"""RFC 8030 §5.4."""

BROWSERS: Final = 256
"""That are known; the next one is turned away."""
CHANNELS: Final = 64
"""Subscriptions of one browser."""
STORED: Final = 100
"""Messages kept for one subscription; after these its senders get 429."""
FORGOTTEN: Final = 4096
"""Subscriptions that are over and still answered with 410; those before them get 404."""
NOTED: Final = 10_000
"""Things of a kind that the journal keeps."""

FRAME_BYTES: Final = 16_384
"""Of a browser's message."""
PATIENCE: Final = 10.0
"""Seconds that a peer has for what it began: to say hello, to send a body, to take a message."""
