"""What delivery asks of the HTTP clients: `clarion.delivery.http1.HttpClient` is one, and has the other."""

from collections.abc import Sequence
from typing import Protocol

from clarion.delivery.connection import Response


class Http2(Protocol):
    """Sends requests over HTTP/2: `clarion.delivery.http2.Http2Client`."""

    async def request(self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, lane: str = "") -> Response:
        """Requests of different lanes share no connection. Raises SendError."""


class Client(Protocol):
    """Sends requests."""

    @property
    def http2(self) -> Http2:
        """For services that speak HTTP/2 only."""

    async def request(self, method: str, url: str, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes | None = None) -> Response:
        """Raises SendError."""
