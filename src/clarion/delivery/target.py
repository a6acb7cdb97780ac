"""A URL taken apart for sending: only forms that every party reads the same way pass."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import msgspec

from clarion.delivery.addresses import IPAddress, parse_address
from clarion.delivery.errors import Blocked

MAX_URL: Final = 8192
MAX_HOST: Final = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""

_URL: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::([0-9]{1,5}))?")
_AMBIGUOUS: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


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
    if "@" in text:
        raise Blocked("URL holds user information")
    authority = _AUTHORITY.fullmatch(text)
    if authority is None:
        raise Blocked("URL's host or port is malformed")
    port = int(authority[3] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise Blocked("URL's port is out of range")
    host, address = _name(authority[2]) if authority[1] is None else _literal_v6(authority[1])
    shown = f"[{host}]" if ":" in host else host
    if port != _DEFAULT_PORTS[scheme]:
        shown = f"{shown}:{port}"
    return Target(scheme, host, port, f"{scheme}://{shown}", address, f" HTTP/1.1\r\nhost: {shown}\r\n".encode("ascii"))


def _literal_v6(text: str) -> tuple[str, IPAddress]:
    address = parse_address(text) if ":" in text and "%" not in text else None
    if address is None:
        raise Blocked("URL's host is not an address")
    return str(address), address


def _name(text: str) -> tuple[str, IPAddress | None]:
    if not 0 < len(text) <= MAX_HOST:
        raise Blocked("URL's host is empty or too long")
    try:
        # first, since it turns full-width digits and dots into plain ones
        host = (text if text.isascii() else text.encode("idna").decode("ascii")).lower().removesuffix(".")
    except UnicodeError:
        raise Blocked("URL's host is not a name") from None
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise Blocked("URL's host is not a name")
    if not _NUMBER.fullmatch(labels[-1]):
        return host, None
    address = parse_address(host)
    if address is None:
        raise Blocked("URL's host is not an address")
    return host, address


def _encode(path: str) -> str:
    try:
        return path if path.isascii() else quote(path, safe=_ASCII)
    except UnicodeEncodeError:
        raise Blocked("URL is not valid Unicode") from None
