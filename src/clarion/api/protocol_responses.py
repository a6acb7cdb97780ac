"""Responses as bytes: status line, the headers that all have, and a body, with what repeats made once a second."""

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

Headers = tuple[tuple[bytes, bytes], ...]

KEEP: Final = b"\r\n\r\n"
"""Ends a header section after the request id; the connection goes on."""
KEEP_HTTP_1_0: Final = b"\r\nconnection: keep-alive\r\n\r\n"
CLOSE: Final = b"\r\nconnection: close\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_REMEMBERED = 1024
_breaks = re.compile(rb"[\r\n\0]").search


class Responses:
    """Writes the start of a response, from the status line to the name of `x-request-id`; its value, an ending and the body follow."""

    __slots__ = ("_special", "date", "starts")

    def __init__(self, unix_seconds: float) -> None:
        self.date = b""
        self.starts: dict[tuple[int, int], bytes] = {}
        """The starts made this second, by status and length of the body."""
        self._special: dict[tuple[int, int, Headers], bytes] = {}
        """Those with more headers, by these too."""
        self.refresh(unix_seconds)

    def refresh(self, unix_seconds: float) -> None:
        """Move the `date` header to this time."""
        date = formatdate(unix_seconds, usegmt=True).encode("ascii")
        if date != self.date:
            self.date = date
            self.starts.clear()
            self._special.clear()

    def start(self, status: int, length: int) -> bytes:
        """The start of a response with the headers that all have."""
        known = self.starts.get((status, length))
        if known is None:
            if len(self.starts) >= _REMEMBERED:
                self.starts.clear()
            known = self.starts[status, length] = self._make(status, length, ())
        return known

    def start_with(self, status: int, length: int, headers: Headers) -> bytes:
        """The start of a response with more headers, lower-case names; a `content-type` among them replaces JSON.

        Raises ValueError for a name or value that would break out of its line.
        """
        known = self._special.get((status, length, headers))
        if known is None:
            if len(self._special) >= _REMEMBERED:
                self._special.clear()
            known = self._special[status, length, headers] = self._make(status, length, headers)
        return known

    def _make(self, status: int, length: int, headers: Headers) -> bytes:
        lines = [_status_line(status), b"date: " + self.date]
        names = {name for name, _ in headers}
        if status != HTTPStatus.NO_CONTENT:  # RFC 9110 §8.6: no content-length with 204
            if b"content-type" not in names:
                lines.append(b"content-type: application/json")
            lines.append(b"content-length: %d" % length)
        for name, value in headers:
            if _breaks(name) or _breaks(value):
                raise ValueError("a header's name or value holds a line break or NUL")
            lines.append(name + b": " + value)
        lines.append(b"x-request-id: ")
        return b"\r\n".join(lines)


def _status_line(status: int) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    return f"HTTP/1.1 {status} {reason}".encode("ascii")
