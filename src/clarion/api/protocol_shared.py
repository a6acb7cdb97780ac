"""What all connections of one server have in common."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from clarion.api.deadlines import Deadline
from clarion.api.protocol_asgi import AsgiRequest
from clarion.api.protocol_direct import DirectRoute, Target
from clarion.api.protocol_envelopes import Envelopes
from clarion.api.protocol_heads import RequestHead
from clarion.api.protocol_limits import ServerLimits
from clarion.api.protocol_responses import Responses
from clarion.api.request_ids import request_ids

if TYPE_CHECKING:
    from clarion.api.protocol_connection import Connection

Routes = Mapping[bytes, Mapping[bytes, DirectRoute]]
"""Direct routes by path, then method."""
BodyLimit = Callable[[bytes, bytes], int]
"""Method and path of a request for the app to its largest body in bytes."""

_KNOWN_HEADS = 1024
_LOOK_AT = 64
"""Connections asked whether they are idle before one that is not has to make room."""


class Shared:
    """State of one server. Touched by its event loop only."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Routes,
        *,
        body_limit: BodyLimit,
        limits: ServerLimits,
        most_connections: int,
        envelopes: Envelopes,
        unix_seconds: float,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.app = app
        self.targets = {path: {method: Target(route) for method, route in methods.items()} for path, methods in routes.items()}
        self.body_limit = body_limit
        self.limits = limits
        self.pipelined = limits.pipelined
        self.held_bytes = limits.held_bytes
        self.most_connections = most_connections
        self.envelopes = envelopes
        self.responses = Responses(unix_seconds)
        self.next_id = request_ids()

        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.empty = asyncio.Event()
        """Set while there is no connection."""
        self.empty.set()
        self.stopping = False
        """Requests that have begun are finished, and no more."""
        self.refused: Counter[int] = Counter()
        """Requests that no route had a say in, or that one failed, by status."""
        self.partial = 0
        """Bytes of bodies that are still arriving."""

        self.now = self.loop.time()
        """The event loop's time at the last sweep."""
        self.reading: Deadline[Connection] = Deadline(limits.request_seconds)
        self.idle: Deadline[Connection] = Deadline(limits.idle_seconds)
        self.writing: Deadline[Connection] = Deadline(limits.write_seconds)
        self.lingering: Deadline[Connection] = Deadline(limits.linger_seconds)

        self.known_heads: dict[bytes, tuple[RequestHead, Target]] = {}
        """Heads of direct requests that have passed every check, by their bytes."""

    def remember_head(self, raw: bytes, head: RequestHead, target: Target) -> None:
        """Let a request with the same head go past the parser."""
        if len(self.known_heads) >= _KNOWN_HEADS:
            self.known_heads.clear()
        self.known_heads[raw] = (head, target)

    def start_app(self, request: AsgiRequest) -> None:
        """Let the app have a request."""
        task = self.loop.create_task(request.run(self.app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def sweep(self, unix_seconds: float) -> None:
        """Close what is overdue and move the `date` header; the work is that of what has expired."""
        self.now = now = self.loop.time()
        self.responses.refresh(unix_seconds)
        for connection in self.reading.take_expired(now):
            connection.request_overdue(now)
        for connection in self.idle.take_expired(now):
            connection.idle_overdue(now)
        for connection in self.writing.take_expired(now):
            connection.abort()
        for connection in self.lingering.take_expired(now):
            connection.close()

    def make_room(self) -> bool:
        """Close the connection that has been idle longest, else the one whose request has been arriving longest; False without either."""
        for _ in range(_LOOK_AT):
            candidate = self.idle.oldest()
            if candidate is None:
                break
            self.idle.stop(candidate)
            if candidate.is_idle:
                candidate.close()
                return True
            self.idle.start(candidate, self.now)  # at work, so not idle: behind the others
        slowest = self.reading.oldest()
        if slowest is None:
            return False
        slowest.abort()
        return True
