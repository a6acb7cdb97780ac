"""Scheme and authority of a URL: only forms that every party reads the same way pass."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import msgspec

IPAddress = IPv4Address | IPv6Address

MAX_HOST: Final = 253
"""Characters of a host name (RFC 1035 §2.3.4)."""

_AUTHORITY: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Host(msgspec.Struct, frozen=True):
    """Where a URL leads."""

    name: str
    """In lower case, as IDNA's ASCII form; a literal v6 address without brackets."""
    port: int
    shown: str
    """As it stands in an origin or a `Host` header: the port only where it is not the default (RFC 6454 §6.2)."""
    address: IPAddress | None
    """Of a literal host; None for a name."""


@lru_cache(maxsize=4096)
def parse_authority(scheme: str, text: str) -> Host:
    """The host that the authority of an http or https URL names. Raises ValueError with what is wrong.

    Refused: user information, ports outside 1 to 65535, names over 253 characters, zone ids, and hosts that only look like an address
    (`0x7f.1`, `2130706433`, `127.1`, `0177.0.0.1`), which resolvers read as one.
    """
    if "@" in text:
        raise ValueError("URL holds user information")
    authority = _AUTHORITY.fullmatch(text)
    if authority is None:
        raise ValueError("URL's host or port is malformed")
    port = int(authority[3] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ValueError("URL's port is out of range")
    name, address = _name(authority[2]) if authority[1] is None else _literal_v6(authority[1])
    shown = f"[{name}]" if ":" in name else name
    return Host(name, port, shown if port == _DEFAULT_PORTS[scheme] else f"{shown}:{port}", address)


def parse_address(text: str) -> IPAddress | None:
    """The address that a canonical literal names (dotted quad of decimals, or RFC 4291 text without zone id); None for anything else."""
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return None


def _literal_v6(text: str) -> tuple[str, IPAddress]:
    address = parse_address(text) if ":" in text and "%" not in text else None
    if address is None:
        raise ValueError("URL's host is not an address")
    return str(address), address


def _name(text: str) -> tuple[str, IPAddress | None]:
    if not 0 < len(text) <= MAX_HOST:
        raise ValueError("URL's host is empty or too long")
    try:
        # first, since it turns full-width digits and dots into plain ones
        host = (text if text.isascii() else text.encode("idna").decode("ascii")).lower().removesuffix(".")
    except UnicodeError:
        raise ValueError("URL's host is not a name") from None
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("URL's host is not a name")
    if not _NUMBER.fullmatch(labels[-1]):
        return host, None
    address = parse_address(host)
    if address is None:
        raise ValueError("URL's host is not an address")
    return host, address
