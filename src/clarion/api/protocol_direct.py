"""Direct routes: requests answered without ASGI, now or later, in whatever order they are ready."""

from collections.abc import Callable
from typing import Protocol

from clarion.api.protocol_heads import HeaderList, RequestHead
from clarion.api.protocol_responses import CLOSE, Headers, Responses

Refusal = tuple[int, bytes, Headers]
"""Status, body and more headers of an answer given before the body of the request has been read."""


class AnswerTaker(Protocol):
    """The connection, as far as a request needs it."""

    __slots__ = ()

    @property
    def responses(self) -> Responses:
        """Where responses are written."""

    def answered(self) -> None:
        """Take note that some request of this connection has its response."""


class DirectRequest:
    """One whole request. `respond` is called once, from the event loop, at once or later; a client that has gone does not matter."""

    __slots__ = (
        "_connection",
        "_ending",
        "_id",
        "_without_body",
        "api_key",
        "body",
        "client",
        "content_type",
        "head",
        "idempotency_key",
        "response",
        "size",
    )

    outlives_input: bool = True

    def __init__(self, connection: AnswerTaker, head: RequestHead, body: bytes, client: str | None, request_id: bytes) -> None:
        self._connection: AnswerTaker | None = connection
        self._ending = head.ending
        self._id = request_id
        self.head = head
        self.api_key = head.api_key
        self.content_type = head.content_type
        self.idempotency_key = head.idempotency_key
        self.body = body
        self.client = client
        """The peer's address, without its port."""
        self.response: bytes | None = None
        self.size = len(body)

    @property
    def headers(self) -> HeaderList:
        """All headers, names in lower case, in order of arrival."""
        return self.head.headers

    @property
    def request_id(self) -> str:
        """What `x-request-id` of the response says."""
        return self._id.decode("ascii")

    def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Answer with a JSON body, and more headers if there are any (lower-case names).

        Raises RuntimeError when called again, ValueError for a header that would break out of its line.
        """
        connection = self._connection
        if connection is None:
            raise RuntimeError("a request is answered once")
        responses = connection.responses
        size = len(body)
        if headers:
            start = responses.start_with(status, size, headers)
        else:
            start = responses.starts.get((status, size)) or responses.start(status, size)
        if self.head.method == b"HEAD":
            body = b""
        self.response = b"".join((start, self._id, self._ending, body))
        self._connection = None
        connection.answered()

    def begin(self) -> None:
        """Nothing to begin: the route has had the request since it was whole."""

    def make_last(self) -> None:
        """Let the response, unless it is made, say that the connection closes after it."""
        self._ending = CLOSE

    def abandon(self) -> None:
        """The client is gone; the answer, when it comes, goes nowhere."""


class DirectRoute(Protocol):
    """What answers one method on one path. All three are called from the event loop and must not block it."""

    limit: int
    """Largest body in bytes."""

    def handle(self, request: DirectRequest) -> None:
        """Answer the request, now or later. An exception before the answer becomes a 500."""

    def oversized(self, request: DirectRequest) -> None:
        """Answer a request (its body not read: empty here) whose body is over the limit. The connection closes after it."""

    def early(self, head: RequestHead) -> Refusal | None:
        """Refuse a request by its head alone, before its body is read, or return None. Not overridden, it costs nothing."""
        return None


class Target:
    """A direct route as the connection calls it."""

    __slots__ = ("early", "handle", "limit", "oversized")

    def __init__(self, route: DirectRoute) -> None:
        self.limit = route.limit
        self.handle = route.handle
        self.oversized = route.oversized
        early = getattr(route, "early", None)
        self.early: Callable[[RequestHead], Refusal | None] | None = (
            None if getattr(early, "__func__", None) is DirectRoute.early else early
        )
