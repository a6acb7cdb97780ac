"""Which client a request comes from, for the limit by address: through proxies that the operator trusts to say so."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_SUBSCRIBERS_NETWORK = 64
"""Bits of an IPv6 address that say whose it is: the rest a client chooses for itself (RFC 6177 §2)."""
_LONGEST_CHAIN = 32
_LONGEST_TEXT = 2_048
"""Characters of a chain, of which the last count: what a client writes before them is not kept."""
_REMEMBERED = 4_096
"""Answers: clients come again."""


class Proxies:
    """Reverse proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """Addresses, or networks such as `10.0.0.0/8`. Raises ValueError for what is neither."""
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(text, strict=False) for text in trusted)
        self._find = lru_cache(_REMEMBERED)(self._judge)

    def client(self, peer: str | None, forwarded: Iterable[str]) -> str:
        """Name of the client for limits. `forwarded` are the values of `X-Forwarded-For`, in order.

        Each proxy adds at the end whom it was asked by: read from there, the first that is no trusted proxy is the client. What stands
        before it the client may have made up.
        """
        return self._find(peer, ",".join(forwarded)[-_LONGEST_TEXT:])

    def _judge(self, peer: str | None, forwarded: str) -> str:
        address = _parse(peer or "")
        if address is None:
            return "unknown"
        if self._is_trusted(address):
            chain = forwarded.split(",")[-_LONGEST_CHAIN:] if forwarded else []
            for text in reversed(chain):
                before = _parse(text.strip())
                if before is None:
                    break
                address = before
                if not self._is_trusted(address):
                    break
        return _name(address)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address.version == network.version and address in network for network in self._networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _name(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _SUBSCRIBERS_NETWORK), strict=False))
