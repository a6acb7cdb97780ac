"""The last moment before sending: the marks of secrets become their values, each escaped for its place."""

import re
from collections.abc import Callable
from typing import Final

from clarion.delivery.errors import BadRequest, SecretNotSet
from clarion.delivery.jobs import HttpJob
from clarion.domain.secret_marks import mark, replace_marks
from clarion.domain.templates import escapes

MOST_ADDED: Final = 128 * 1024
"""Characters that secrets may add to a request: a document can name one as often as it likes."""

_NOT_IN_A_HEADER: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Revealed:
    """The secrets of one request. No reason that it gives holds a value."""

    def __init__(self, job: HttpJob, find: Callable[[str], str | None]) -> None:
        """`find` gives a secret's value, None where it is not set. Raises SecretNotSet."""
        self._values: dict[str, str] = {}
        self._added = 0
        for name in job.secrets:
            value = find(name)
            if value is None:
                raise SecretNotSet(f"secret {name} is not set")
            self._values[name] = value

    @property
    def values(self) -> tuple[str, ...]:
        """What must not be kept of an answer that repeats it."""
        return tuple(self._values.values())

    def url(self, text: str) -> str:
        """A URL with its secrets percent-encoded: none can reach beyond its place (RFC 3986 §2.3). Raises BadRequest."""
        return self._replace(text, lambda name, value: escapes.url(value))

    def header(self, text: str) -> str:
        """A header's value with its secrets as they are. Raises BadRequest for one that a header cannot hold (RFC 9110 §5.5)."""
        return self._replace(text, _header)

    def body(self, text: str) -> str:
        """A JSON text with its secrets escaped for the strings that they stand in (RFC 8259 §7). Raises BadRequest."""
        return self._replace(text, lambda name, value: escapes.json_string(value))

    def _replace(self, text: str, escape: Callable[[str, str], str]) -> str:
        def put(name: str) -> str:
            value = self._values.get(name)
            if value is None:
                return mark(name)
            escaped = escape(name, value)
            self._added += len(escaped)
            if self._added > MOST_ADDED:
                raise BadRequest("the secrets make the request too large")
            return escaped

        return replace_marks(text, put) if self._values else text


def _header(name: str, value: str) -> str:
    if _NOT_IN_A_HEADER.search(value):
        raise BadRequest(f"secret {name} holds a line break or another control character, which no header can")
    return value
