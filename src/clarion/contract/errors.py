"""The envelopes: how every answer of the API is worded."""

from typing import Final, Self

import msgspec

ACCEPTED: Final = b'{"error_code":0,"data":{}}'
"""Answer to an event that was taken."""


class Detail(msgspec.Struct, frozen=True):
    """One problem of a request and where it is: `path` leads from the body's root to the field."""

    message: str
    path: tuple[str, ...] = ()


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands under `error`, in the order in which it is written; `details` is left out where there are none."""

    message: str
    code: int
    details: tuple[Detail, ...] = ()


class Refusal(Exception):
    """A request, or one event of a batch, is not accepted. It is the whole answer: HTTP status, headers and envelope."""

    def __init__(
        self, status: int, code: int, message: str, details: tuple[Detail, ...] = (), headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers
        """Header fields that belong to the answer, such as `Retry-After` and `Allow`."""

    @property
    def error(self) -> ErrorBody:
        """The object that stands under `error`."""
        return ErrorBody(self.message, self.code, self.details)

    def encode(self) -> bytes:
        """The answer's body."""
        return _encode({"error": self.error})

    def detached(self) -> Self:
        """Itself without its traceback and context, which would keep the memory of the request that it is about."""
        self.__context__ = None
        return self.with_traceback(None)

    def __str__(self) -> str:
        problems = "; ".join(f"{'.'.join(detail.path)}: {detail.message}" if detail.path else detail.message for detail in self.details)
        return f"{self.code} {self.message}" + (f" ({problems})" if problems else "")


_encode = msgspec.json.Encoder().encode


def success(data: object) -> bytes:
    """Body of an answer that carries `data`."""
    return _encode({"error_code": 0, "data": data})


def key_missing() -> Refusal:
    """No API key was sent."""
    return Refusal(401, 401002, "API key is required. Please provide a valid API key in the API-KEY header.")


def key_unknown() -> Refusal:
    """The API key is nobody's, or revoked."""
    return Refusal(401, 401000, "Invalid API key. The provided API key was not found or is incorrect.")


def forbidden() -> Refusal:
    """The API key lacks the scope."""
    return Refusal(403, 403000, "This API key is not allowed to do that.")


def not_found() -> Refusal:
    """There is nothing at this address."""
    return Refusal(404, 1004, "Not found.")


def method_not_allowed(allowed: tuple[str, ...]) -> Refusal:
    """The address takes other methods, named in `Allow` (RFC 9110 §15.5.6)."""
    return Refusal(405, 1005, "Method not allowed.", headers=(("Allow", ", ".join(allowed)),))


def event_id_conflict() -> Refusal:
    """The same `event_id` came before for the same target with other content."""
    return Refusal(409, 1009, "event_id was already used with different content.")


def too_many_requests(retry_after: int) -> Refusal:
    """The rate limit is reached; `retry_after` in seconds (RFC 6585 §4)."""
    return Refusal(429, 1029, "Too many requests. Please slow down.", headers=(("Retry-After", str(retry_after)),))


def unavailable(retry_after: int, *details: Detail) -> Refusal:
    """The request cannot be taken now and nothing of it was kept; `retry_after` in seconds (RFC 9110 §10.2.3)."""
    return Refusal(503, 1053, "Service temporarily unavailable. Please retry.", details, (("Retry-After", str(retry_after)),))


def unresolved(retry_after: int) -> Refusal:
    """Whether the request was kept is not known; it can be sent again as it was."""
    return unavailable(retry_after, Detail("Whether it was kept is not known. Sent again with the same event_id, it counts once."))


def failure() -> Refusal:
    """Something broke inside; the answer says nothing about it."""
    return Refusal(500, 1001, "Something went wrong.")


def invalid(*details: Detail) -> Refusal:
    """The request does not say what it has to; every problem is named."""
    return Refusal(400, 1003, "Invalid data", details)


def not_json(what: str = "Request body") -> Refusal:
    """The body is not JSON."""
    return invalid(Detail(f"{what} must be valid JSON"))


def wrong_content_type(*allowed: str) -> Refusal:
    """The body is of no media type that this address reads; `allowed` defaults to JSON."""
    return invalid(Detail(f"Content-Type must be {' or '.join(allowed or ('application/json',))}"))


def too_large(limit: int, what: str = "Request body") -> Refusal:
    """The body has more than `limit` bytes."""
    return Refusal(413, 1003, "Invalid data", (Detail(f"{what} must be at most {limit} bytes"),))
