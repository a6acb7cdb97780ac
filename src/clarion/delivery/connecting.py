"""From a target to a connection: resolved, judged by the guard, encrypted where it is to be, and all of it in time."""

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

from clarion.delivery.errors import Blocked, ConnectFailed, SendError, TimedOut
from clarion.delivery.guard import Guard
from clarion.delivery.resolver import Resolver
from clarion.delivery.target import Target

Made = TypeVar("Made", bound=asyncio.Protocol)


class Connector:
    """Makes connections to addresses that the guard lets pass; one resolver serves all clients that share it."""

    def __init__(self, guard: Guard, resolver: Resolver, *, timeout: float) -> None:
        """`timeout` in seconds, for name, connection and TLS together."""
        self._guard = guard
        self._resolver = resolver
        self._timeout = timeout

    async def connect(self, target: Target, deadline: float, make: Callable[[], Made], tls: ssl.SSLContext | None) -> Made:
        """A connection's protocol, by loop time `deadline` at the latest. Raises Blocked, ConnectFailed, TimedOut."""
        loop = asyncio.get_running_loop()
        until = min(deadline, loop.time() + self._timeout)
        try:
            async with asyncio.timeout_at(until):
                addresses = self._permitted((str(target.address),) if target.address else await self._resolver.resolve(target.host))
        except TimeoutError:
            raise TimedOut("the host's name was not resolved in time") from None
        failure: SendError = ConnectFailed("no address")
        for position, address in enumerate(addresses):
            # each address has its share of what is left, so a dead one does not use up the others' time
            now = loop.time()
            share = now + (until - now) / (len(addresses) - position)
            try:
                async with asyncio.timeout_at(share):
                    _, made = await loop.create_connection(
                        make, address, target.port, ssl=tls, server_hostname=target.host if tls is not None else None
                    )
                    return made
            except TimeoutError:
                failure = TimedOut("no connection in time")
            except ssl.SSLError as error:
                failure = ConnectFailed(f"TLS failed: {getattr(error, 'verify_message', None) or error.reason or 'handshake'}")
            except OSError as error:
                failure = ConnectFailed(os.strerror(error.errno).lower() if error.errno else "connection failed")
        raise failure

    def _permitted(self, addresses: Sequence[str]) -> list[str]:
        reasons = [self._guard.refuses(address) for address in addresses]
        permitted = [address for address, reason in zip(addresses, reasons, strict=True) if reason is None]
        if not permitted:
            raise Blocked(f"the address is not allowed: {reasons[0]}")
        return permitted
