"""Times, spans, names and values as sentences have them: one line, bounded, and unable to steer a terminal."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from clarion.domain.durations import format_duration

LONGEST_NAME: Final = 120
LONGEST_VALUE: Final = 300
MOST_NAMED: Final = 5
_EXACT: Final = 2**53
"""Below it every whole number has a float of its own."""

_encode = msgspec.json.Encoder().encode


def instant(microseconds: object) -> str:
    """A stored time in UTC, to the millisecond (ISO 8601)."""
    if isinstance(microseconds, int):
        try:
            return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):
            pass
    return "an unknown time"


def span(microseconds: object) -> str:
    """A stretch of time as documents write it."""
    if not isinstance(microseconds, int) or microseconds < 0:
        return "an unknown time"
    return format_duration(microseconds - microseconds % 1_000)


def name(text: object) -> str:
    """A name that came from outside, or an id."""
    return _cut(_printable(text if isinstance(text, str) else str(text)), LONGEST_NAME)


def quoted(text: object) -> str:
    """A text that came from outside, in quotes."""
    return value(text if isinstance(text, str) else str(text))


def value(seen: Any) -> str:
    """A value as JSON writes it; 40.0 as 40."""
    if isinstance(seen, float) and seen.is_integer() and abs(seen) < _EXACT:
        seen = int(seen)
    return _cut(_printable(_encode(seen).decode()), LONGEST_VALUE)


def names(given: object) -> str:
    """Several names: `a, b and 3 more`."""
    listed = [name(one) for one in given] if isinstance(given, list | tuple) else [name(given)]
    more = len(listed) - MOST_NAMED
    return ", ".join(listed) if more <= 0 else f"{', '.join(listed[:MOST_NAMED])} and {more} more"


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
