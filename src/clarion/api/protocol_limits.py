"""How much of everything one client, one connection and all of them together may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Sizes in bytes, times in seconds. A time is kept to within `sweep_seconds`."""

    target_bytes: int = 8 * 1024
    """Longest request target; longer is answered 414."""
    header_bytes: int = 32 * 1024
    """Names and values of one request's header section, and four bytes for each field; larger is answered 431. At least 16 KiB.

    Its trailers have the same once more.
    """
    header_count: int = 100
    request_seconds: float = 8.0
    """From a request's first byte to its last, however it drips; then 408."""
    idle_seconds: float = 75.0
    """From the last whole request (or from connecting) to the next one's first byte."""
    write_seconds: float = 30.0
    """How long a client may leave its responses unread."""
    linger_seconds: float = 5.0
    """How long input is still read and thrown away after a refusal, so that the client gets to read it (RFC 9112 §9.6)."""
    linger_bytes: int = 8 * 1024 * 1024
    pipelined: int = 256
    """Requests of one connection in progress at once; reading pauses there."""
    held_bytes: int = 1024 * 1024
    """Bodies of one connection in progress at once; reading pauses there."""
    partial_bytes: int = 256 * 1024 * 1024
    """Bodies that are still arriving, over all connections; beyond it their requests are answered 503."""
    connections: int | None = None
    """Open connections; without it, what the limit of open files allows."""
    sweep_seconds: float = 0.5
