"""Idle connections that wait for the next request to their origin."""

from collections import OrderedDict

from clarion.delivery.connection import Connection


class IdlePool:
    """Keeps a bounded number of idle connections, for each origin and in all; the newest is used first, the oldest makes room."""

    def __init__(self, *, per_origin: int, total: int) -> None:
        self._per_origin = per_origin
        self._total = total
        self._by_origin: dict[str, list[Connection]] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_age)

    def take(self, origin: str) -> Connection | None:
        """An idle connection that nobody has begun to close, if there is one."""
        stack = self._by_origin.get(origin)
        while stack:
            connection = stack.pop()
            del self._by_age[connection]
            if connection.usable:
                return connection
        return None

    def put(self, connection: Connection) -> bool:
        """Keep a connection; False if its origin has enough, then it is the caller's to close."""
        stack = self._by_origin.setdefault(connection.origin, [])
        if len(stack) >= self._per_origin:
            return False
        stack.append(connection)
        self._by_age[connection] = None
        if len(self._by_age) > self._total:
            oldest = next(iter(self._by_age))
            self.discard(oldest)
            oldest.abort()
        return True

    def discard(self, connection: Connection) -> None:
        """Forget a connection that has ended; one that is not kept is no error."""
        if connection in self._by_age:
            del self._by_age[connection]
            self._by_origin[connection.origin].remove(connection)
        if not self._by_origin.get(connection.origin, True):
            del self._by_origin[connection.origin]
