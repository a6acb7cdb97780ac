"""A URL taken apart for sending: only forms that every party reads the same way pass."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import msgspec

from clarion.delivery.errors import Blocked
from clarion.domain.hosts import IPAddress, parse_authority

MAX_URL: Final = 8192
_URL: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_AMBIGUOUS: Final = re.compile(r"[\x00-\x20\x7f\\]")
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))


class Target(msgspec.Struct, frozen=True):
    """Where a request goes."""

    scheme: str
    host: str
    """In lower case, as IDNA's ASCII form; a literal v6 address without brackets."""
    port: int
    origin: str
    """Scheme, host, and the port where it is not the default (RFC 6454 §6.2)."""
    address: IPAddress | None
    """Of a literal host; None for a name."""
    line: bytes
    """What follows the method in the head: request target, version, `Host` and a line break."""

    @property
    def path(self) -> bytes:
        """The request target alone, as HTTP/2 has it."""
        return self.line.partition(b" ")[0]

    @property
    def authority(self) -> bytes:
        """Host, and the port where it is not the default."""
        return self.origin.partition("://")[2].encode("ascii")


@lru_cache(maxsize=4096)
def parse_target(url: str) -> Target:
    """Raises Blocked for anything but a plain http or https URL.

    Refused: user information, control characters, spaces and backslashes anywhere, ports outside 1 to 65535, names over 253 characters,
    zone ids, and hosts that only look like an address (`0x7f.1`, `2130706433`, `127.1`, `0177.0.0.1`), which resolvers read as one.
    """
    if len(url) > MAX_URL:
        raise Blocked(f"URL is longer than {MAX_URL} characters")
    if _AMBIGUOUS.search(url):
        raise Blocked("URL holds a space, a control character or a backslash")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise Blocked("URL is not http or https")
    site = _parse_site(parts[1].lower(), parts[2])
    path = _encode((parts[3] or "/") + (parts[4] or ""))
    return Target(site.scheme, site.host, site.port, site.origin, site.address, path.encode("ascii") + site.line)


@lru_cache(maxsize=4096)
def _parse_site(scheme: str, text: str) -> Target:
    """What all URLs of one scheme and authority share; its `line` lacks the path. Endpoints are many, push services few."""
    try:
        host = parse_authority(scheme, text)
    except ValueError as error:
        raise Blocked(str(error)) from None
    line = f" HTTP/1.1\r\nhost: {host.shown}\r\n".encode("ascii")
    return Target(scheme, host.name, host.port, f"{scheme}://{host.shown}", host.address, line)


def _encode(path: str) -> str:
    try:
        return path if path.isascii() else quote(path, safe=_ASCII)
    except UnicodeEncodeError:
        raise Blocked("URL is not valid Unicode") from None
