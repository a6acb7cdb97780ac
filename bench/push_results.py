"""What the benchmarks of pushes measured."""

import msgspec


class Tenth(msgspec.Struct, frozen=True):
    """When so many tenths of the subscribers had got their push."""

    seconds: float
    memory: int
    """Bytes that the server held then."""


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """One message to everybody."""

    subscribers: int
    seconds: float
    """From the request to the last push."""
    cpu_seconds: float
    """Of the server."""
    tenths: list[Tenth]
    before: int
    """Bytes that the server held before it."""
    most: int
    repeated: int
    """Pushes that a subscription got besides its first."""
    client_rate: float
    """Pushes a second that the same client alone sends to the same sink, encrypted beforehand."""
    pywebpush_rate: float
    """Pushes a second of a loop over pywebpush with a session that keeps its connection."""


class SdkFile(msgspec.Struct, frozen=True):
    """A file of the browser SDK."""

    name: str
    bytes: int
    gzipped: int


class SdkSize(msgspec.Struct, frozen=True):
    """What a page loads."""

    files: list[SdkFile]
