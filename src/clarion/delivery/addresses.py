"""Which addresses are the public Internet's, by a table of our own.

Python's `ipaddress.is_global` lets NAT64, 6to4 and multicast through and changes between releases; the table below follows the IANA
special-purpose registries (RFC 6890 and its successors) and is the same everywhere.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from clarion.domain.hosts import IPAddress, parse_address

PRIVATE_REASONS: Final = frozenset({"loopback", "private", "shared (CGNAT)", "unique local"})
"""Reasons that `dangerous_allow_private_targets` sets aside; every other address is nobody's web server."""

_V4_TABLE: Final = (
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "this network"),  # RFC 791 §3.2
    ("10.0.0.0/8", "private"),  # RFC 1918
    ("100.64.0.0/10", "shared (CGNAT)"),  # RFC 6598; holds one cloud's metadata service too
    ("127.0.0.0/8", "loopback"),  # RFC 1122 §3.2.1.3
    ("168.63.129.16/32", "cloud metadata"),  # a public address that one cloud answers on inside its machines
    ("169.254.0.0/16", "link-local"),  # RFC 3927; cloud metadata at 169.254.169.254
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),  # RFC 6890 §2.1
    ("192.0.2.0/24", "documentation"),  # RFC 5737
    ("192.31.196.0/24", "AS112"),  # RFC 7535
    ("192.52.193.0/24", "AMT"),  # RFC 7450
    ("192.88.99.0/24", "6to4 relay"),  # RFC 7526
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),  # RFC 7534
    ("198.18.0.0/15", "benchmarking"),  # RFC 2544
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("255.255.255.255/32", "broadcast"),  # RFC 8190
    ("240.0.0.0/4", "reserved"),  # RFC 1112 §4
)

_V6_TABLE: Final = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b::/96", "NAT64"),  # RFC 6052
    ("64:ff9b:1::/48", "NAT64"),  # RFC 8215
    ("100::/64", "discard"),  # RFC 6666
    ("100:0:0:1::/64", "dummy"),  # RFC 9780
    ("2001::/32", "Teredo"),  # RFC 4380
    ("2001:2::/48", "benchmarking"),  # RFC 5180
    ("2001:10::/28", "ORCHID"),  # RFC 4843
    ("2001:20::/28", "ORCHID"),  # RFC 7343
    ("2001::/23", "protocol assignments"),  # RFC 2928
    ("2001:db8::/32", "documentation"),  # RFC 3849
    ("2002::/16", "6to4"),  # RFC 3056
    ("2620:4f:8000::/48", "AS112"),  # RFC 7534
    ("3fff::/20", "documentation"),  # RFC 9637
    ("5f00::/16", "segment routing"),  # RFC 9602
    ("fc00::/7", "unique local"),  # RFC 4193
    ("fe80::/10", "link-local"),  # RFC 4291 §2.5.6
    ("fec0::/10", "site-local"),  # RFC 3879
    ("ff00::/8", "multicast"),  # RFC 4291 §2.7
)

# a v4 address inside a v6 one is judged as that v4 address: the kernel connects to it (mapped), or nothing should
_EMBEDDING: Final = tuple(IPv6Network(text) for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96"))

_V4: Final = tuple(
    (int(net.network_address), int(net.netmask), reason) for net, reason in ((IPv4Network(text), reason) for text, reason in _V4_TABLE)
)
_V6: Final = tuple(
    (int(net.network_address), int(net.netmask), reason) for net, reason in ((IPv6Network(text), reason) for text, reason in _V6_TABLE)
)

_GLOBAL_UNICAST: Final = 0b001
"""The only three leading bits under which v6 unicast is handed out (RFC 4291 §2.4, IANA)."""
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})
"""Third quarter of an address that tunnels to the v4 address in its last (RFC 5214 §6.1)."""


def check_address(address: IPAddress | str) -> str | None:
    """Why this address must not be connected to; None for one of the public Internet's.

    Text is taken in canonical form only: anything else, a zone id (`fe80::1%eth0`) included, is `not an address`.
    """
    if isinstance(address, str):
        parsed = parse_address(address)
        if parsed is None:
            return "not an address"
        address = parsed
    if isinstance(address, IPv4Address):
        return _find(int(address), _V4)
    return "not an address" if address.scope_id is not None else _check_v6(address)


def _check_v6(address: IPv6Address) -> str | None:
    number = int(address)
    reason = _find(number, _V6)
    if reason is not None:
        return reason
    if any(address in network for network in _EMBEDDING):
        return _find(number & 0xFFFFFFFF, _V4)
    if number >> 125 != _GLOBAL_UNICAST:
        return "reserved"
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        return "ISATAP"
    return None


def _find(number: int, table: tuple[tuple[int, int, str], ...]) -> str | None:
    for network, mask, reason in table:
        if number & mask == network:
            return reason
    return None
