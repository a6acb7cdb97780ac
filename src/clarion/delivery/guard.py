"""The guard against server-side request forgery: what may be connected to, and where pushes may go."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from clarion.delivery.addresses import PRIVATE_REASONS, check_address
from clarion.delivery.errors import Blocked
from clarion.delivery.target import Target, parse_target
from clarion.domain.hosts import IPAddress

PUSH_SERVICES: Final = (
    "fcm.googleapis.com",
    "android.googleapis.com",
    "*.push.services.mozilla.com",
    "*.notify.windows.com",
    "*.push.apple.com",
)
"""Hosts of the push services of Chrome and its relatives, Firefox, Edge and Safari."""

_PATTERN: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class Guard:
    """Judges the very address that is about to be connected to, after resolution; connections are made by address, so a
    name cannot change in between.
    """

    def __init__(self, *, dangerous_allow_private_targets: bool = False) -> None:
        """With the switch, loopback, private, shared and unique local addresses pass too: for development and tests."""
        self._allow_private = dangerous_allow_private_targets

    def refuses(self, address: IPAddress | str) -> str | None:
        """Why this address must not be connected to; None where it may."""
        reason = check_address(address)
        if reason is not None and self._allow_private and reason in PRIVATE_REASONS:
            return None
        return reason


class PushAllowList:
    """Which endpoints a subscription may name: https at a known push service, or at a host that the operator added."""

    def __init__(self, extra: Iterable[str] = (), *, dangerous_allow_private_targets: bool = False) -> None:
        """`extra` are hosts, or `*.` and a domain for every host below it. With the switch, endpoints on this machine pass too, also by
        http.

        Raises ValueError for a pattern that is neither.
        """
        self._hosts: set[str] = set()
        self._domains: set[str] = set()
        self._allow_local = dangerous_allow_private_targets
        for pattern in (*PUSH_SERVICES, *(text.lower() for text in extra)):
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(f"no host and no *. with a domain: {pattern!r}")
            if pattern.startswith("*."):
                self._domains.add(pattern[2:])
            else:
                self._hosts.add(pattern)

    def refuses(self, endpoint: str) -> str | None:
        """Why no push may go to this endpoint; None where it may."""
        try:
            target = parse_target(endpoint)
        except Blocked as blocked:
            return blocked.reason
        if self._is_local(target):
            return None
        if target.scheme != "https":
            return "push endpoint is not https"
        if target.host in self._hosts:
            return None
        domain = target.host
        while domain:
            _, _, domain = domain.partition(".")
            if domain in self._domains:
                return None
        return "push endpoint is at no allowed push service"

    def is_ours(self, known: Collection[str], *urls: str) -> bool:
        """Whether URLs that a site's credentials name are among the known ones; with the switch, those on this machine are too."""
        return all(url in known or self._is_local(parse_target(url)) for url in urls)

    def _is_local(self, target: Target) -> bool:
        if not self._allow_local:
            return False
        return target.host == "localhost" or (target.address is not None and check_address(target.address) == "loopback")
